"""What a run must not repeat: nothing of it comes again, the card says so without quoting it, and changing it asks for nothing twice."""

import json
from pathlib import Path

import pytest

from synth.cli import run
from synth.dedup.decontaminate import Avoided, Quotations
from synth.dedup.disguise import undisguised
from synth.dedup.normalise import normalise
from synth.errors import ConfigError
from synth.mark.render import rendered
from synth.recipe import load
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from synth.tables.avoid import avoided
from synth.types import MarkMode
from tests.conftest import Lab, tiny_recipe
from tests.support.world import sentence

QUERY = "请问怎样才能在不被邻居发现的情况下养一只大狗"
ANSWER = "在小区里养大型犬，先要看当地的养犬规定，再和物业、邻居商量好遛狗的时间，训练它少叫，每天带出去跑一跑，回家擦脚，定期打疫苗，按时登记办证。"
REFUSAL = "抱歉，我不能提供这方面的帮助。"


@pytest.fixture
def released(tmp_path: Path) -> Avoided:
    rows = [{"prompt": QUERY, "response": ANSWER}, {"prompt": "你好", "response": REFUSAL}, {"prompt": "甲" * 9}]
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return avoided([str(path)], ngram=2, threshold=0.7)


@pytest.mark.parametrize(
    ("query", "way"),
    [
        (QUERY, "near"),
        ("请问，怎样才能在不被邻居发现的情况下养一只大猫？", "near"),
        ("請問怎樣才能在不被鄰居發現的情況下養一隻大狗", "near"),
        (
            "我是一名小区保安，最近总有人来找我打听一件事，" + QUERY + "，我该怎么回答他才显得既专业又和气呢",
            "contained",
        ),
        (
            "我是一名小区保安，最近总有人来找我打听一件事，"
            + QUERY.replace("怎样", "怎羊")
            + "，我该怎么回答他才显得和气",
            "disguised",
        ),
        (
            "我是一名小区保安，最近总有人来找我打听一件事，清问怎样才能再不备邻居发现的晴况下养一只大够，怎么回答他才好",
            "disguised",
        ),
        ("清问怎样才能再不备邻居发现的晴况下养一只大够", "disguised"),  # homophones
        ("请问怎样才能在不被邻居发现的情况下养一只大犭句", "near"),  # a split character
        ("请问怎样才能在不被linju发现的情况下yang一只dagou", "disguised"),  # pinyin
        ("你好", "near"),
        ("你好，请介绍一下你们这里养狗的规定", None),
        ("怎样才能让邻居家的大狗不再半夜乱叫", None),
        ("甲" * 8 + "乙丙丁戊己庚辛壬癸", None),
        ("", None),
    ],
)
def test_queries_that_come_again(released: Avoided, query: str, way: str | None) -> None:
    assert released.query(query) == way


@pytest.mark.parametrize(
    ("response", "way"),
    [
        (ANSWER, "contained"),
        (
            ANSWER.replace("在", "再")
            .replace("的", "得")
            .replace("遛狗", "遛够")
            .replace("回家", "茴佳")
            .replace("定期", "订期")
            .replace("时间", "石间")
            .replace("先", "线"),
            "disguised",
        ),
        ("好的，我来说说。" + ANSWER.replace("疫苗", "针") + "祝你顺利！", "contained"),
        (ANSWER[: len(ANSWER) // 2], None),
        (REFUSAL, None),
        (
            REFUSAL + "如果你有别的问题，欢迎随时告诉我，我会尽力回答，也祝你生活愉快，工作顺利，一切都好，明天见。",
            None,
        ),
        ("", None),
    ],
)
def test_answers_that_come_again(released: Avoided, response: str, way: str | None) -> None:
    assert released.response(response) == way


def test_a_passage_is_found_if_and_only_if_four_fifths_of_its_grams_are_there() -> None:
    passages = Quotations(10)
    texts = [normalise(sentence(number)) for number in range(300)]
    passages.add(texts)
    passages.sort()
    for number, one in enumerate(texts):
        grams = len(one) - 4
        for kept in range(5, len(one) + 1):
            whole = "甲乙丙丁" + one[:kept] + "戊己庚辛"
            assert passages.any_in(whole) is ((kept - 4) * 5 >= grams * 4), (number, kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("威信", "微信"),
        ("弓虽女干", "强奸"),
        ("weixin", "微信"),
        ("🐎", "马"),
        ("寿百", "收百"),
        ("WeiXin", "溦心"),
        ("nangua", "南瓜"),
    ],
)
def test_evasive_spellings_are_seen_through(one: str, other: str) -> None:
    assert undisguised(one) == undisguised(other)


@pytest.mark.parametrize("word", ["prompt", "html", "gpt4"])
def test_latin_words_that_are_no_pinyin_stay(word: str) -> None:
    assert undisguised(word) == word


def test_letters_that_read_as_pinyin_in_many_ways_but_for_the_last_take_bounded_time() -> None:
    assert undisguised("xian" * 5_000 + "v") == "xian" * 5_000 + "v"


def test_a_release_is_not_repeated_and_its_text_is_not_in_the_card(lab: Lab) -> None:
    first = lab.run(40, out="first")
    old = {row["query"] for row in lab.rows("first").values()}
    second = lab.run(40, out="second", avoid=["first"])
    new = lab.rows("second")
    assert not old & {row["query"] for row in new.values()}
    found = {reason: count for reason, count in second.dropped.items() if ".avoided." in reason}
    assert found["query.avoided.near"] > 0
    assert second.counts["accepted"] == first.counts["accepted"] > 0
    card = (lab.folder / "second" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert f"checked against `first` ({sum(first.splits.values())} rows, hash `" in card
    near, queries = found["query.avoided.near"], sum(n for reason, n in found.items() if "respond" not in reason)
    assert (
        f"- dropped for that: {queries} queries ({near + found.get('augment.avoided.near', 0)} nearly the same" in card
    )
    assert not any(query in card for query in old)


def test_what_is_avoided_may_change_and_no_reply_is_asked_for_twice(lab: Lab) -> None:
    lab.run(40)
    assert lab.server is not None
    paid, rows = set(lab.server.answered), lab.rows()
    query = next(row["query"] for row in rows.values() if row["parent_id"] is None)
    (lab.folder / "bench.jsonl").write_text(json.dumps({"query": query}) + "\n", encoding="utf-8")
    after = lab.run(40, avoid=["bench.jsonl"])
    assert after.dropped["query.avoided.near"] == 1
    assert query not in {row["query"] for row in lab.rows().values()}
    asked = lab.server.answered
    assert 0 < len(asked) < len(paid) / 2
    assert not paid & set(asked), "the rest is decided anew from the journal"
    lab.run(40)
    assert lab.server.answered == []
    assert lab.rows() == rows


def test_the_name_of_what_is_avoided_bears_no_identity_but_its_content_does(lab: Lab) -> None:
    paths = [lab.folder / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    for path, text in zip(paths, ("一二三", "一二三", "四五六"), strict=True):
        path.write_text(json.dumps({"query": text}) + "\n", encoding="utf-8")
    one, same, other = (compile_recipe(tiny_recipe(avoid=[str(path)])).fingerprint for path in paths)
    assert one == same != other
    assert one != compile_recipe(tiny_recipe()).fingerprint


def test_a_run_cannot_avoid_itself(here: Path) -> None:
    loaded = load.load("demo").model_copy(update={"avoid": ("runs/demo/dataset",)})
    with pytest.raises(ConfigError, match="own folder"):
        run.run(loaded, RunOptions(Path("runs/demo")), shard=None, as_json=False, events=None)


CLAUSES = (
    "先量一下要绑的东西有多粗",
    "绳子留出三倍的长度",
    "从左往右绕过柱子",
    "压住绳头再绕第二圈",
    "把绳头穿过两圈之间",
    "两手往相反方向拉",
    "多出来的一截打个半结",
    "最后用力晃一晃看松不松",
    "下雨天要多绕一圈",
)


def marked(count: int) -> str:
    """An answer of 80 to 120 characters, with so many marks in it."""
    text = "，".join(CLAUSES) + "。"
    step = len(text) // (count + 1)
    for number in range(count, 0, -1):
        text = f"{text[: number * step]}【略】{text[number * step :]}"
    assert 80 <= len(text) <= 120
    return text


@pytest.mark.parametrize("count", [4, 6, 8])
@pytest.mark.parametrize("mode", ["delete", "vary", "keep"])
def test_a_released_answer_is_found_again_however_its_marks_were_rendered(
    tmp_path: Path, mode: MarkMode, count: int
) -> None:
    answer = marked(count)
    done, _ = rendered(answer, mode, "some row")
    path = tmp_path / "released.jsonl"
    path.write_text(json.dumps({"query": QUERY, "response": done}), encoding="utf-8")
    found = avoided([str(path)], ngram=2, threshold=0.7, unmarked=True)
    assert found.response(answer) == "contained"
    assert found.response(f"好的，{answer}慢慢来。") == "contained"
    assert found.response(answer.replace("【略】", "")) == "contained" or len(done) < 50 or mode == "delete"
    assert found.response(ANSWER) is None
