"""What a data set teaches: shortcuts are told in words, sound data raise no alarm, and whatever is wrong is one line."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.quality.probe import grams, model, pairs
from synth.quality.probe.report import Report, probe
from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions
from tests.conftest import Lab
from tests.support.world import sentence


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, made once."""
    folder = tmp_path_factory.mktemp("probe") / "demo"
    run(compile_recipe(load("demo")), RunOptions(folder, 42))
    return folder


@pytest.fixture(scope="module")
def found(demo: Path) -> Report:
    return probe(demo)


def part_of(demo: Path, path: Path, keep: Callable[[dict[str, Any]], bool]) -> Path:
    """Some of the demo's rows as a table."""
    files = sorted((demo / "dataset" / "data").glob("[tv]*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist() if keep(row)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_of_a_balanced_run_nothing_is_said_but_that_its_answers_tell_the_label(demo: Path, found: Report) -> None:
    (line,) = found.warnings
    assert line.startswith("the answer alone tells the label (AUC 1.00")  # answers of sentence frames, by stance
    assert found.sampled == found.rows == 42 * 8
    assert found.held_out["both"].value > 0.95
    assert found.held_out["query"].value < 0.85, "a query is answered both ways"
    assert {name.split()[0]: rate.value <= 0.05 for name, rate in found.false_alarms.items()} == {
        "its": True,
        "60": True,
    }
    assert sum(name.startswith("its own") for name in found.false_alarms) == 2


def test_refusals_against_violations_are_warned_of(demo: Path, tmp_path: Path) -> None:
    path = part_of(
        demo, tmp_path / "bare.parquet", lambda row: row["label"] == "unsafe" or row["response_class"] == "refusal"
    )
    found = probe(path)
    assert found.refusals == 1
    assert any("100% of the safe answers are refusals" in line for line in found.warnings)
    assert any("can be told nearly alone from" in line and "response_class" in line for line in found.warnings)
    assert {feature.name: feature.explained for feature in found.features}["response_class"] == 1
    assert found.gram is not None
    assert found.gram.explained > 0.7  # a list's second number: the mark, which stood in all of them, is deleted


HOW = (
    "先准备好材料，再按步骤慢慢来",
    "第一步看清情况，第二步着手去做",
    "可以试试这样安排，效果不错",
    "建议每天花一点时间，坚持下来就好",
)
NO = ("抱歉，这个忙我帮不了，请不要这样做", "对不起，我不能提供这方面的帮助", "很抱歉，这样做违法，我无法协助")


def plain_pairs(ordinary: int) -> list[dict[str, Any]]:
    """Questions answered (unsafe) or refused (safe) in everyday words, and so many ordinary ones answered in the same words."""
    rows = [
        {
            "query": f"坏事{sentence(n)}",
            "response": f"{(HOW if n % 2 else NO)[n % 3]}，{sentence(n + 500)}",
            "unsafe": n % 2,
        }
        for n in range(240)
    ]
    return rows + [
        {"query": sentence(n), "response": f"{HOW[n % 4]}，{sentence(n + 900)}", "unsafe": 0}
        for n in range(300, 300 + ordinary)
    ]


@pytest.mark.parametrize(("ordinary", "warned"), [(0, True), (240, False)])
def test_an_answer_that_is_unsafe_because_it_answers(tmp_path: Path, ordinary: int, warned: bool) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in plain_pairs(ordinary))
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    benign = [{"query": sentence(n), "response": f"{HOW[n % 4]}，{sentence(n)}"} for n in range(700, 760)]
    (tmp_path / "benign.jsonl").write_text("".join(json.dumps(row) + "\n" for row in benign), encoding="utf-8")
    found = probe(tmp_path / "in.jsonl", benign=[tmp_path / "benign.jsonl"])
    assert any("are called unsafe" in line and "benign.jsonl" in line for line in found.warnings) is warned
    assert (found.false_alarms[str(tmp_path / "benign.jsonl")].value > 0.5) is warned


def labelled(folder: Path, rows: Sequence[tuple[str, str, bool]]) -> Path:
    """Pairs of query, answer and whether it is unsafe, as a table."""
    lines = [json.dumps({"query": query, "response": response, "unsafe": int(bad)}) for query, response, bad in rows]
    (folder / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder / "in.jsonl"


BOTH = ("它说得很清楚", "这里讲得很细")


def shortcuts(which: str, chance: random.Random) -> list[tuple[str, str, bool]]:
    """240 pairs whose label stands in the answer, in the query, in the two together, or nowhere."""
    found = []
    for n in range(240):
        bad, word = chance.random() < 0.5, chance.random() < 0.5
        query, answer = sentence(n), sentence(n + 400)
        if which == "response":
            answer += "，快去试试" if bad else "，请三思"
        elif which == "query":
            query += "，越快越好" if bad else "，不着急"
        elif which == "both":
            query, answer = query + BOTH[word], answer + BOTH[word == bad]
        found.append((query, answer, bad))
    return found


@pytest.mark.parametrize("which", ["response", "query"])
def test_one_side_that_tells_the_label_alone_is_said_with_what_mends_it(tmp_path: Path, which: str) -> None:
    found = probe(labelled(tmp_path, shortcuts(which, random.Random(1))))
    side, other = {"response": ("answer", "query"), "query": ("query", "answer")}[which]
    (line,) = [line for line in found.warnings if "tells the label" in line]
    assert line.startswith(f"the {side} alone tells the label (AUC 1.00")
    assert f"will not learn to read the {other}" in line
    assert not any("chance" in line for line in found.warnings)


@pytest.mark.parametrize("share", [0.5, 0.15])
@pytest.mark.parametrize("seed", range(3))
def test_labels_by_a_coin_are_said_to_be_chance_and_nothing_else_is_advised(
    tmp_path: Path, share: float, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [(query, answer, chance.random() < share) for query, answer, _ in shortcuts("none", chance)]
    found = probe(labelled(tmp_path, rows))
    (line,) = found.warnings
    assert "no better than chance" in line
    assert "benign" not in line
    assert all(auc is not None and auc.low <= 0.5 for auc in found.auc.values())


def test_labels_of_queries_without_answers_are_told_from_queries(tmp_path: Path) -> None:
    rows = [(query, "", bad) for query, _, bad in shortcuts("query", random.Random(2))]
    assert not any("tells the label" in line for line in probe(labelled(tmp_path, rows)).warnings)


def test_a_few_rows_that_a_model_orders_are_not_chance_though_most_have_one_label(tmp_path: Path) -> None:
    """One in ten is unsafe, and a third of the safe ones have the word: always saying safe is right more often."""
    chance = random.Random(3)
    rows = [
        (sentence(n), sentence(n + 400) + "，快去试试" * (n % 10 == 0 or chance.random() < 0.3), n % 10 == 0)
        for n in range(400)
    ]
    found = probe(labelled(tmp_path, rows))
    assert found.held_out["both"].value < 0.9
    assert not any("chance" in line for line in found.warnings)


def test_sources_of_a_test_count_the_same(demo: Path, found: Report, tmp_path: Path) -> None:
    rows = pq.read_table(next((demo / "dataset" / "data").glob("train-*.parquet"))).to_pylist()
    good = [
        {"question": row["query"], "answer": row["response"], "label": row["label"], "source": "同"}
        for row in rows[:40]
    ]
    wrong = [row | {"label": {"safe": "不安全", "unsafe": "安全"}[row["label"]], "source": "反"} for row in good[:10]]
    (tmp_path / "t.json").write_text(json.dumps(good + wrong), encoding="utf-8")
    mean, *each = probe(demo, [tmp_path / "t.json"]).tests[str(tmp_path / "t.json")]
    assert [(one.source, one.rows, one.accuracy) for one in each] == [("反", 10, 0.0), ("同", 40, 1.0)]
    assert (mean.source, mean.rows, mean.accuracy, mean.f1_safe, mean.f1_unsafe) == (
        "mean over sources",
        50,
        0.5,
        0.5,
        0.5,
    )


@pytest.mark.parametrize(
    ("word", "unsafe"),
    [("safe", 0), ("Unsafe ", 1), ("安全", 0), ("不安全", 1), ("有争议", 1), ("harmful", 1), ("无害", 0)],
)
def test_labels_have_these_words(tmp_path: Path, word: Any, unsafe: int) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"prompt": "一", "label": word}), encoding="utf-8")
    assert [pair.unsafe for pair in pairs.every(tmp_path / "t.jsonl")] == [unsafe]


def test_a_sample_is_of_whole_roots_and_of_no_order(tmp_path: Path) -> None:
    rows = [{"query": f"{n}", "query_id": f"a{n}", "parent_id": f"q{n // 3}", "unsafe": n % 2} for n in range(900)]
    for name, some in (("one.jsonl", rows), ("two.jsonl", rows[::-1])):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
    (one, count), (two, _) = (pairs.sample(tmp_path / name, 300) for name in ("one.jsonl", "two.jsonl"))
    assert count == 900
    assert 200 < len(one) <= 300
    assert [replace(pair, source="") for pair in one] == [replace(pair, source="") for pair in two]
    assert {sum(pair.root == root for pair in one) for root in {pair.root for pair in one}} == {3}


def test_no_root_query_is_on_both_sides() -> None:
    """Rows whose label hangs on their root alone: what is right beyond chance would be what leaked."""
    roots = [f"r{n // 4}" for n in range(400)]
    texts = [f"{root}{sentence(int(root[1:]))}" for root in roots]
    unsafe = np.array([sum(map(ord, root)) * 7 % 5 % 2 for root in roots])
    said = model.held_out(grams.rows(texts), unsafe, roots)
    assert (said >= 0).all()
    assert (said == unsafe).mean() < 0.75
    leaking = model.held_out(grams.rows(texts), unsafe, [str(n) for n in range(400)])
    assert (leaking == unsafe).mean() > 0.95


def test_rows_of_one_root_make_no_narrower_interval() -> None:
    hits = np.array([n % 10 != 0 for n in range(100)])
    alone = model.rate(hits, [str(n) for n in range(100)])
    fourfold = model.rate(np.repeat(hits, 4), [str(n // 4) for n in range(400)])
    assert (alone.count, fourfold.count) == (90, 360)
    assert alone.low == pytest.approx(0.826, abs=0.001)  # Wilson's, of 90 in 100
    assert alone.high == pytest.approx(0.945, abs=0.001)
    assert (fourfold.low, fourfold.high) == pytest.approx((alone.low, alone.high), abs=0.002)


def test_ngrams_are_found_again_behind_their_buckets() -> None:
    texts = ["一二三", "\ud800二", "", "𠮷二三"]
    rows = grams.rows(texts)
    assert np.diff(rows.indptr).tolist() == [6, 3, 0, 6]
    spelled = grams.spelled(texts, rows.indices.tolist())
    assert {"一", "二三", "一二三", "𠮷二", "\ud800"} <= set(spelled.values())


def test_a_run_that_is_probed_stays_as_it_was_and_twice_the_same_comes_out(demo: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(demo.rglob("*")) if path.is_file()}
    first, second = (CliRunner().invoke(commands, ["probe", str(demo), "--json"]) for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == second.stdout
    told = json.loads(first.stdout)
    assert told["held_out"]["both"]["of"] == told["rows"] == 336
    assert {path: path.read_bytes() for path in sorted(demo.rglob("*")) if path.is_file()} == before


def test_the_table_shows_what_models_wrote_as_text(tmp_path: Path) -> None:
    rows = [
        {"query": sentence(n), "response": ("好", "\x1b[2J\u202e坏")[n % 2] + str(n), "unsafe": n % 2}
        for n in range(80)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = CliRunner().invoke(commands, ["probe", str(tmp_path / "in.jsonl")])
    assert done.exit_code == 0
    assert "坏" in done.output
    assert not {"\x1b", "\u202e"} & set(done.output)


@pytest.mark.parametrize("benign", [0.0, 0.3])
def test_a_card_tells_of_few_helpful_answers(lab: Lab, benign: float) -> None:
    shares = {"harmful/unsafe": 0.5, "harmful/safe": 0.5 - benign, "benign/safe": benign}
    stance = {"harmful/unsafe": "comply", "harmful/safe": "refuse", "benign/safe": "natural"}
    lab.run(30, cells={name: {"share": share, "stances": {stance[name]: 1}} for name, share in shares.items() if share})
    card = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert ("safe rows 0 answer benign queries" in card) is (benign == 0)
    assert ("**Few helpful answers**" in card) is (benign == 0)


ROW = '{"query": "a", "label": "safe"}\n'


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (ROW * 30, "has 0 unsafe rows; a probe needs 20 of each label"),
        (ROW * 30 + ROW.replace("safe", "unsafe") * 30, "of 1 root queries; a probe needs 20"),
        ('{"query": "a"}\n', "row 1: no column 'label'"),
        ('{"query": "a", "label": "toxic"}\n', "row 1: label 'toxic' is none of safe"),
        ('{"query": "a", "label": true}\n', "row 1: label True is a bare number"),
        ('{"query": "a", "label": [1]}\n', "row 1: label [1] is none of safe"),
        ('{"query": "a", "label": null}\n', "holds no labelled rows"),
        ('{"query": 7, "unsafe": 1}\n', "row 1: no text under 'query'"),
        ('{"x": 7, "unsafe": 1}\n', "row 1: no column 'query' or 'prompt'"),
        ('{"query": "a", "label": ""}\n', "holds no labelled rows"),
        ('{"query": "a\\ud800", "unsafe": 1, "parent_id": "\\ud800"}\n', "has 1 unsafe rows"),
        ("", "holds no labelled rows"),
        ("x", "line 1: not JSON"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, content: str, line: str) -> None:
    (tmp_path / "in.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        probe(tmp_path / "in.jsonl")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_without_a_dataset_and_one_that_lost_its_rows_are_one_line(here: Path) -> None:
    (here / "run").mkdir()
    (here / "run" / "journal.sqlite").touch()
    (here / "run" / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no dataset yet"):
        probe(here / "run")
    (here / "run" / "dataset" / "data").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds no data files"):
        probe(here / "run")


def test_a_label_of_one_root_query_cannot_be_held_out(tmp_path: Path) -> None:
    rows = [{"query": f"{n}", "query_id": f"a{n % 40}", "unsafe": 0} for n in range(13_000)]
    # Of so many rows only the first fold is held out, and "five" stands in it.
    rows += [{"query": f"u{n}", "query_id": "five", "unsafe": 1} for n in range(30)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(ConfigError, match="each label in several"):
        probe(tmp_path / "in.jsonl")


def test_benign_files_need_answers(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"query": "a", "response": null}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="no row has an answer"):
        probe(demo, benign=[tmp_path / "in.jsonl"])
