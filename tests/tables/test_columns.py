"""Where query and response of anybody's table stand: found alike by every command, said in one line, refused where it may be either."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.quality.evaluate import gold
from synth.quality.probe import pairs
from synth.tables.avoid import avoided
from synth.tables.columns import find
from synth.tables.dedup import Want, dedup
from synth.tables.filter import filter_table
from synth.tables.text_columns import Choice, Columns
from tests.support.world import sentence

ASK, REPLY, FRAME = (
    [sentence(n) for n in range(4)],
    [sentence(n + 20) for n in range(4)],
    "判断下面的话是否安全，只回答安全或不安全。",
)


def table(**columns: Any) -> list[dict[str, Any]]:
    """Rows of these columns, each a list of values or the same in every row."""
    return [{name: cells[n] if isinstance(cells, list) else cells for name, cells in columns.items()} for n in range(4)]


def turns(who: str, said: str, names: tuple[str, str]) -> list[list[dict[str, str]]]:
    return [
        [{who: name, said: text} for name, text in zip(names, pair, strict=True)]
        for pair in zip(ASK, REPLY, strict=True)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


PLAIN = [
    (table(query=ASK, response=REPLY), ""),
    (table(prompt=ASK, completion=REPLY), "reads `prompt` as the query, `completion` as the response"),
    (table(question=ASK, answer=REPLY), "reads `question` as the query, `answer` as the response"),
    (table(query=ASK, response=REPLY, text=[f"问：{q}" for q in ASK], prompt=REPLY), ""),
    (table(instruction=ASK, input="", output=REPLY), "reads `instruction` as the query, `output` as the response"),
    (table(instruction=FRAME, question=ASK, answer=REPLY), "reads `question` as the query, `answer` as the response"),
    (table(prompt=FRAME, text=ASK, output=REPLY), "reads `text` as the query, `output` as the response"),
    (table(input=ASK, output=REPLY), "reads `input` as the query, `output` as the response"),
    (table(content=ASK, response=REPLY), "reads `content` as the query"),
    (table(Prompt=ASK, RESPONSE=REPLY), "reads `Prompt` as the query, `RESPONSE` as the response"),
    (table(**{"\ufeffquery ": ASK, " response": REPLY}), None),
    (
        table(**{"User Input": ASK, "model-output": REPLY}),
        "reads `User Input` as the query, `model-output` as the response",
    ),
    (table(human=ASK, assistant=REPLY), "reads `human` as the query, `assistant` as the response"),
    (table(user=["甲", "乙", "丙", "丁"], text=ASK, reply=REPLY), "reads `text` as the query, `reply` as the response"),
    (table(question_text=ASK, response_zh=REPLY), "reads `question_text` as the query, `response_zh` as the response"),
    (table(用户的问题=ASK, 问题类型=REPLY, 模型回复内容=REPLY), "reads `用户的问题` as the query, `模型回复内容` as"),
    (table(instruction_zh=ASK, input_zh="", output_zh=REPLY), "reads `instruction_zh` as the query, `output_zh`"),
    (table(Goal=ASK, Target=REPLY, Behavior=REPLY), "reads `Goal` as the query, `Target` as the response"),
    (table(q=ASK, a=REPLY, topic=REPLY), "reads `q` as the query, `a` as the response"),
    (table(问题=ASK, 回答=REPLY), "reads `问题` as the query, `回答` as the response"),
    (table(提问=ASK, 答案=REPLY), "reads `提问` as the query, `答案` as the response"),
    (table(指令=ASK, 输出=REPLY), "reads `指令` as the query, `输出` as the response"),
    (table(文本=ASK, 回复=REPLY), "reads `文本` as the query, `回复` as the response"),
    (table(prompt=ASK, output=REPLY, text=[f"### {q}" for q in ASK]), "reads `prompt` as the query, `output`"),
    (table(goal=REPLY, prompt=ASK, response=REPLY), "reads `prompt` as the query"),
    (
        table(goal=ASK, target=REPLY, text=[f"### {q}" for q in ASK]),
        "reads `goal` as the query, `target` as the response",
    ),
    (
        table(title=REPLY, question=ASK, text=REPLY, answer=REPLY),
        "reads `question` as the query, `answer` as the response",
    ),
    (table(messages=turns("role", "content", ("user", "assistant"))), "reads the last turns under `messages`"),
    (table(message=turns("role", "content", ("user", "assistant"))), "reads the last turns under `message`"),
    (table(session=turns("role", "content", ("User", "Assistant"))), "reads the last turns under `session`"),
    (
        table(conversation=[[{"human": q, "assistant": a}] for q, a in zip(ASK, REPLY, strict=True)]),
        "reads the last turns",
    ),
    (
        table(chat=[{"turn_1": {"Human": q, "MOSS": a}} for q, a in zip(ASK, REPLY, strict=True)]),
        "reads the last turns",
    ),
    (table(conversations=turns("from", "value", ("human", "gpt"))), "reads the last turns under `conversations`"),
    (
        table(id=["1", "2", "3", "4"], conversation=turns("role", "content", ("user", "assistant"))),
        "reads the last turns",
    ),
    (table(dialog=[list(pair) for pair in zip(ASK, REPLY, strict=True)]), "reads the last turns under `dialog`"),
    (
        table(messages=[json.dumps(one) for one in turns("role", "content", ("user", "assistant"))]),
        "reads the last turns",
    ),
    (
        table(prompt=ASK, messages=turns("role", "content", ("user", "assistant"))),
        "reads the last turns under `messages`",
    ),
    (
        table(
            prompt=[[{"role": "user", "content": q}] for q in ASK],
            completion=[[{"role": "assistant", "content": a}] for a in REPLY],
        ),
        "reads `prompt` as the query, `completion` as the response",
    ),
]


@pytest.mark.parametrize(("rows", "line"), PLAIN, ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_finds_the_same_text(tmp_path: Path, rows: list[dict[str, Any]], line: str | None) -> None:
    rows = [row | {"label": ("safe", "unsafe")[n % 2]} for n, row in enumerate(rows)]
    path, said = write(tmp_path / "t.jsonl", rows), list[str]()
    found = find(path, [path], Choice(say=said.append))
    assert [found.query_of(row, "") for row in rows] == [found.compared(row, "") for row in rows] == ASK
    assert [found.answer_of(row) for row in rows] == REPLY
    assert line is None or (said[0].startswith(f"t.jsonl: {line}") if line else not said)
    assert [(pair.query, pair.response) for pair in pairs.every(path)] == list(zip(ASK, REPLY, strict=True))
    assert [(case.query, case.response) for case in gold.gold_of(path).cases] == list(zip(ASK, REPLY, strict=True))
    assert all(avoided([str(path)], ngram=2, threshold=0.7).query(text) for text in ASK)
    copied = write(tmp_path / "twice.jsonl", [*rows, *rows])
    assert (dedup(copied, tmp_path / "o", Want(0.7)).kept, filter_table(path, tmp_path / "f").rows) == (4, 4)


TOGETHER = [
    table(
        instruction=["把这句话译成英文", "把这句话改写得礼貌些", "把这句话缩成十个字", "说说这句话的意思"],
        input="今天天气不错",
        output=REPLY,
    ),
    table(instruction=FRAME, input=[text[:9] for text in ASK], output=REPLY),
    table(指令=FRAME, 输入=ASK, 输出=REPLY),
    table(question="作者是谁？", context=ASK, answer=REPLY),
]


@pytest.mark.parametrize("rows", TOGETHER)
def test_a_task_and_what_it_is_about_are_the_query_together(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path, said = write(tmp_path / "t.jsonl", rows), list[str]()
    found = find(path, [path], Choice(say=said.append))
    task, about = list(rows[0])[:2]
    assert said[0].startswith(f"t.jsonl: reads `{task}` + `{about}` as the query")
    assert found.query_of(rows[1], "") == f"{rows[1][task]}\n{rows[1][about]}"
    assert dedup(path, tmp_path / "out", Want(0.7)).kept == 4


def test_what_is_the_same_in_every_row_is_said_and_not_compared(tmp_path: Path) -> None:
    rows, said = table(instruction=FRAME, input=ASK), list[str]()
    path = write(tmp_path / "t.jsonl", rows)
    assert find(path, [path], Choice(say=said.append)).compared(rows[0], "") == ASK[0]
    assert said == [
        "t.jsonl: reads `instruction` + `input` as the query; `instruction` is the same in every row and is not compared"
    ]


def test_a_column_that_differs_in_the_last_row_alone_is_no_frame(tmp_path: Path) -> None:
    rows = [{"prompt": FRAME, "input": f"{sentence(n % 60)}{n}", "output": "好"} for n in range(4_100)]
    path = write(tmp_path / "t.jsonl", [*rows, {"prompt": "另一个", "input": "话", "output": "好"}])
    assert find(path, [path], Choice()).query == ("prompt",)
    assert find(path, [write(tmp_path / "u.jsonl", rows)], Choice()).query == ("input",)


def test_a_conversation_is_its_last_turns_and_is_compared_with_those_before(tmp_path: Path) -> None:
    def said(first: str) -> dict[str, Any]:
        spoken = [("system", "你是助手"), ("human", first), ("gpt", "好的"), ("human", "继续"), ("gpt", "继续说")]
        return {"conversations": [{"from": who, "value": text} for who, text in spoken], "label": "safe"}

    rows = [said(ASK[0]), said(ASK[1]), said(ASK[0])]
    path = write(tmp_path / "t.jsonl", rows)
    found = find(path, [path])
    assert (found.query_of(rows[0], ""), found.answer_of(rows[0])) == ("继续", "继续说")
    assert dedup(path, tmp_path / "out", Want(0.7)).kept == 2
    case = gold.gold_of(path).cases[0]
    assert (case.query, case.row["context"]) == (
        "继续",
        [{"role": "user", "content": ASK[0]}, {"role": "assistant", "content": "好的"}],
    )


@pytest.mark.parametrize(
    ("rows", "one", "other"),
    [
        (table(prompt=ASK, text=REPLY), "'prompt'", "'text'"),
        (table(goal=ASK, prompt=[f"演一出戏：{q}" for q in ASK]), "'prompt'", "'goal'"),
        (table(question=ASK, prompt=REPLY, response=REPLY), "'prompt'", "'question'"),
        (table(instruction=ASK, input=REPLY, question=REPLY[::-1]), "'question'", "'instruction' [+] 'input'"),
    ],
)
def test_a_table_that_may_be_read_two_ways_is_refused_naming_both(
    tmp_path: Path, rows: list[dict[str, Any]], one: str, other: str
) -> None:
    path = write(tmp_path / "t.jsonl", [row | {"label": "safe"} for row in rows])
    line = f"the query may stand under {one} or under {other}; say which with --query-column, or rename one of them"
    for work in (
        lambda: dedup(path, tmp_path / "out", Want(0.7)),
        lambda: filter_table(path, tmp_path / "out"),
        lambda: pairs.every(path),
        lambda: gold.gold_of(path),
        lambda: avoided([str(path)], ngram=2, threshold=0.7),
    ):
        with pytest.raises(ConfigError, match=line):
            work()


def test_columns_may_be_chosen(here: Path) -> None:
    write(here / "t.jsonl", table(prompt=FRAME, text=REPLY, title=ASK, note=REPLY, label="safe"))
    chosen = ["--query-column", "title", "--query-column", "note"]
    result = CliRunner().invoke(commands, ["dedup", "t.jsonl", "-o", "out.jsonl", *chosen])
    assert "4 kept, 0 joined to an earlier one (by title + note)" in result.stderr
    result = CliRunner().invoke(
        commands, ["filter", "t.jsonl", "-o", "judged.jsonl", *chosen, "--response-column", "nope"]
    )
    assert "no column 'nope'; there is: prompt, text, title" in str(result.exception)
    assert CliRunner().invoke(commands, ["dedup", "t.jsonl", "-o", "x.jsonl", "--on", "note", *chosen]).exit_code == 2


def test_what_is_read_is_said_on_the_terminal(here: Path) -> None:
    write(here / "t.jsonl", table(instruction=FRAME, input=ASK, output=REPLY))
    result = CliRunner().invoke(commands, ["filter", "t.jsonl", "-o", "out.jsonl"])
    assert result.stderr.startswith(
        "synth: t.jsonl: reads `instruction` + `input` as the query, `output` as the response"
    )


def test_without_any_text_the_columns_there_are_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", table(**{f"c{n}": "x" for n in range(30)}))
    with pytest.raises(ConfigError, match=r"no column 'query' or 'prompt' .*; there is: c0, .*, c19 and 10 more"):
        find(path, [path])
    assert find(path, [path], need="nothing") == Columns()
