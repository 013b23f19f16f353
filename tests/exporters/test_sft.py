"""What a guard is asked and its verdict, apart: answers and queries, drawn lists of categories and rules, what is said of the rest."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from synth.dataset.reader import Dataset
from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError
from synth.exporters import find, guard_of, sft
from synth.exporters._draws import Chance, draws
from synth.recipe import guard
from tests.conftest import Lab
from tests.support.labelled import HEADS, THREE, folder, policies, policies_by_id, row

NAMES = ("libra", "qwen3guard", "xguard", "shieldlm", "llamaguard", "wildguard")


def mixed() -> list[dict[str, Any]]:
    """Two answers to each query, of every subcategory and grade; one query of three is benign, one in ten not judged."""
    made = []
    for number, subcategory in enumerate([*policies_by_id()] * 2):
        intent = None if number % 10 == 9 else ("benign" if number % 3 == 0 else "harmful")
        for at, label in enumerate(("safe", ("unsafe", "controversial")[number % 2])):
            told = row(number, subcategory, label, query_label=intent, response_class=("refusal", "compliance")[at])
            made.append(told | {"id": f"{number:04d}-{at}"})
    return made


def export(dataset: Dataset, out: Path, **options: Any) -> list[dict[str, Any]]:
    (path,) = (path for path in find("sft")(dataset, out, **options) if path.name == "train.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def text_of(part: Any) -> str:
    return part if isinstance(part, str) else str(part[-1]["content"])


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_stands_apart_and_is_read_back(tmp_path: Path, name: str) -> None:
    dataset = folder(tmp_path / "run", mixed(), recipe=THREE)
    records = export(dataset, tmp_path / "out", guard=name)
    found, rows = guard_of(dataset, name), {one["id"]: one for one in mixed()}
    assert len({record["id"] for record in records}) == len(records)
    for record in records:
        assert not {"query", "response"} & set(record)
        mode = "prompt" if "-prompt" in record["id"] else "answer"
        if name != "wildguard":
            assert record["messages"] == record["prompt"] + record["completion"]
            assert record["completion"][0]["role"] == "assistant"
        if mode == "answer" and not record["id"].endswith("-drop"):
            one = rows[record["id"]]
            assert found.read(text_of(record["completion"]), mode).label == found.truth(one, mode).label
            assert one["query"] in text_of(record["prompt"])
            assert one["response"] in text_of(record["prompt"])
        assert found.read(text_of(record["completion"]), mode).label is not None


@pytest.mark.parametrize("name", ["qwen3guard", "wildguard", "xguard"])
def test_each_query_stands_once_as_a_record_of_its_own_where_it_was_judged(tmp_path: Path, name: str) -> None:
    rows = mixed()
    records = export(folder(tmp_path / "run", rows), tmp_path / "out", guard=name, modes=["prompt"])
    judged = {one["query_id"]: one for one in rows if one["query_label"]}
    assert {record["id"] for record in records} == {f"{id}-prompt" for id in judged}
    for record in records:
        one = judged[record["id"].removesuffix("-prompt")]
        assert one["query"] in text_of(record["prompt"])
        assert one["response"] not in text_of(record["prompt"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("llamaguard", "unsafe\nS4"),
        ("qwen3guard", "Safety: Unsafe\nCategories: Sexual Content or Sexual Acts"),
        ("xguard", "ma"),
    ],
)
def test_what_may_only_be_refused_is_taught_by_its_queries(tmp_path: Path, name: str, said: str) -> None:
    dataset = folder(tmp_path / "run", [row(1, "crime.minors", "safe", response_class="refusal")])
    records = {
        one["id"]: text_of(one["completion"]) for one in export(dataset, tmp_path / "out", guard=name, augment=False)
    }
    assert records["0001-prompt"] == said
    assert "nsafe" not in records["0001-a"]


def test_a_query_of_which_rows_differ_is_left_out(tmp_path: Path) -> None:
    rows = [
        row(1, query_label="harmful"),
        row(1, query_label="benign") | {"id": "0001-b"},
        row(2, query_label=None),
        row(3),
    ]
    counts = Counter[str]()
    records = list(sft.records(folder(tmp_path / "run", rows), guard="qwen3guard", modes="prompt", counts=counts))
    assert [record["id"] for _, record in records] == ["0003-prompt"]
    assert counts["query_not_judged"] == 2


def test_llama_guards_lists_are_shuffled_thinned_and_numbered_anew() -> None:
    """Of 1,000 rows: every category at every place; the list and the numbers give back what the row violates."""
    found = guard.load("llamaguard", COLUMNS).with_policies(policies())
    assert found.reads
    assert found.reads.categories
    names, places = found.reads.categories.names, Counter[tuple[str, int]]()
    codes = {name: code for code, name in names.items()}
    subcategories = [id for id, (policy,) in policies_by_id().items() if policy.codes["llama_guard"]]
    for number in range(1_000):
        violated = [subcategories[number % len(subcategories)], subcategories[number * 7 % len(subcategories)]]
        one = row(number, violated[0], "unsafe", categories=violated)
        truth = set(found.truth(one).codes)
        for suffix, draw in draws(found, one, "answer", Chance(known=True)):
            (asked,), verdict = found.messages(one, "answer", draw=draw), found.verdict(one, "answer", draw=draw)
            shown = re.findall(r"^(S\d+): (.+)\.$", asked.content, re.MULTILINE)
            assert [code for code, _ in shown] == [f"S{at}" for at in range(1, len(shown) + 1)]
            if not suffix:
                assert len(shown) == len(names)
                places.update((name, at) for at, (_, name) in enumerate(shown))
            assert re.fullmatch(r"safe|unsafe\nS\d+(,S\d+)*", verdict)
            numbers = verdict.partition("\n")[2].split(",") if "\n" in verdict else []
            assert numbers == sorted(numbers)
            listed = {codes[name] for _, name in shown}
            assert {codes[dict(shown)[number]] for number in numbers} == truth & listed
            assert (truth & listed == truth) if suffix != "-flip" else (verdict == "safe" and shown)
    assert len(places) == len(names) ** 2


@pytest.mark.parametrize(("recipe", "expected"), [(HEADS, ["", "-drop", "-flip"]), ({}, ["", "-drop"])])
def test_a_label_is_turned_round_only_where_every_category_is_known(
    tmp_path: Path, recipe: dict[str, Any], expected: list[str]
) -> None:
    dataset = folder(tmp_path / "run", [row(1, "crime.property", "unsafe", query_label=None)], recipe=recipe)
    counts = Counter[str]()
    records = [record["id"] for _, record in sft.records(dataset, guard="llamaguard", modes="answer", counts=counts)]
    assert records == [f"0001-a{suffix}" for suffix in expected]
    assert counts["unflipped"] == ("-flip" not in expected)


def test_of_a_published_text_without_a_list_of_categories_no_twin_is_missed(tmp_path: Path) -> None:
    dataset = folder(tmp_path / "run", [row(1, "crime.property", "unsafe", query_label=None)])
    (tmp_path / "asks.txt").write_text("请审核。问：{query} 答：{response}\n", encoding="utf-8")
    counts, prompt = Counter[str](), tmp_path / "asks.txt"
    list(sft.records(dataset, guard="llamaguard", modes="answer", prompt=prompt, counts=counts))
    assert (counts["answer"], counts["unflipped"]) == (1, 0)


def test_shieldlms_rules_stand_in_half_of_the_rows_with_the_one_that_decides() -> None:
    found = guard.load("shieldlm", COLUMNS).with_policies(policies())
    subcategories, ruled = [*policies_by_id()], 0
    for number in range(1_000):
        one = row(number, subcategories[number % len(subcategories)], ("safe", "unsafe")[number % 2])
        (policy,) = policies_by_id()[one["subcategory"]]
        ((_, draw),) = draws(found, one, "answer", Chance(rules=5))
        asked, verdict = found.messages(one, "answer", draw=draw)[-1].content, found.verdict(one, "answer", draw=draw)
        rules = re.findall(r"^(\d+)\. “(.+)”一类", asked, re.MULTILINE)
        assert [int(number) for number, _ in rules] == [*range(1, len(rules) + 1)]
        cited = re.search(r"依据规则(\d+)，", verdict)
        assert bool(cited) == bool(rules)
        if cited:
            ruled += 1
            assert 2 <= len(rules) <= 6
            line = next(line for line in asked.splitlines() if line.startswith(f"{cited[1]}. "))
            assert policy.name in line
            assert line.endswith(policy.safe if one["label"] == "safe" else policy.unsafe)
            assert len({name for _, name in rules}) == len(rules)
    assert abs(ruled - 500) <= 3 * 16


def test_records_are_the_same_by_seed_and_others_by_another(tmp_path: Path) -> None:
    dataset = folder(tmp_path / "run", mixed())
    one, again, other = (
        export(dataset, tmp_path / name, guard="llamaguard", seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == again
    assert [record["id"] for record in one if "drop" in record["id"]] == [
        record["id"] for record in other if "drop" in record["id"]
    ]
    assert one != other


def test_what_is_left_out_or_stands_as_something_else_is_counted_and_said(tmp_path: Path) -> None:
    rows = [
        row(1, "ethics.values", "unsafe"),
        row(2, "crime.property", "controversial"),
        row(3, label="safe", query_label=None),
    ]
    rows += [row(4, label="unsafe") | {"subcategory": "mine.own", "categories": ["mine.own"]}]
    dataset, counts = folder(tmp_path / "run", rows, recipe=THREE), Counter[str]()
    list(sft.records(dataset, guard="llamaguard", modes="answer", counts=counts))
    said = "\n".join(sft.last_words(dataset, guard="llamaguard", counts=counts))
    assert "1 rows and queries are unsafe and stand as safe" in said
    assert "stand as unsafe" in said
    assert "1 rows and queries are left out: their category has no code" in said
    assert "no query alone is among them" in said
    assert said.startswith("6 records about answers, 0 about queries alone")
    assert "refuse-only" in "\n".join(sft.last_words(dataset, guard="libra", counts=Counter()))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"guard": "libra", "modes": ["prompt"]}, "does not judge 'prompt', only answer"),
        ({"guard": "libre"}, "no prompt 'guard/libre'"),
        ({"guard": "mine.j2"}, "no guard's file that can be read"),
        ({"guard": "libra", "prompt": "nowhere.txt"}, "--prompt nowhere.txt: cannot be read"),
        ({"guard": "xguard", "prompt": "plain.txt"}, "has no place for query and answer"),
        ({"guard": "libra", "mode": "answer"}, "unknown option 'mode'; did you mean 'modes'"),
        ({"guard": "libra", "rest": "none"}, "rest: input should be 'safe' or 'class'"),
    ],
)
def test_what_cannot_be_exported_is_one_line(here: Path, options: dict[str, Any], expected: str) -> None:
    (here / "plain.txt").write_text("请审核。\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=expected) as caught:
        export(folder(here / "run", [row(1)]), here / "out", **options)
    assert "\n" not in str(caught.value)


def test_a_dataset_without_the_guards_codes_says_how_to_get_them(tmp_path: Path) -> None:
    dataset = folder(tmp_path / "run", [row(1)], coded=False)
    with pytest.raises(ConfigError, match=r"policies\.json has none of them; write `codes: \{qwen3guard"):
        export(dataset, tmp_path / "out", guard="qwen3guard")
    assert export(dataset, tmp_path / "out", guard="wildguard")


OWN = """
{% block system %}审核员{% endblock %}
{% block user %}
{{ mode }}：{{ query }}{% if response %}／{{ response }}{% endif %}
{% endblock %}
{% block assistant %}
{{ word }} {{ named }}
{% endblock %}
{% block read %}
kind: first_token
words: {unsafe: bad, safe: ok}
modes: [answer, prompt]
newline: true
categories: {of: tc260, separator: "、"}
{% endblock %}
"""


@pytest.mark.parametrize("place", ["mine.j2", "prompts/guard/mine.j2"])
def test_a_guard_of_ones_own_is_a_file(here: Path, place: str) -> None:
    (here / "prompts" / "guard").mkdir(parents=True)
    (here / place).write_text(OWN, encoding="utf-8")
    records = export(
        folder(here / "run", [row(1, "crime.property", "unsafe")]),
        here / "out",
        guard=place if "/" not in place else "mine",
    )
    assert [(record["id"], text_of(record["completion"])) for record in records] == [
        ("0001-a", "bad A.4g"),
        ("0001-prompt", "bad A.4g"),
    ]
    assert [turn["content"] for turn in records[1]["prompt"]] == ["审核员", "prompt：第1个绳结怎么打？\n"]


def test_a_run_is_exported_as_it_stands(lab: Lab, tmp_path: Path) -> None:
    lab.run(16)
    records = export(Dataset(lab.folder / "run"), tmp_path / "out", guard="wildguard")
    rows = lab.rows(split="train")
    judged = {one["id"] for one in rows.values() if one["query_label"]}
    assert {record["id"] for record in records if "-prompt" not in record["id"]} == judged
    assert all(record["prompt"].endswith("Answers: [/INST]\n<|assistant|>\n") for record in records)


def test_codes_written_into_a_taxonomy_reach_a_finished_run(lab: Lab) -> None:
    lab.run(16)
    made = Dataset(lab.folder / "run")
    before = lab.bytes()
    with pytest.raises(ConfigError, match="run the same command again"):
        export(made, lab.folder / "out", guard="qwen3guard")
    path = lab.folder / "taxonomies" / "tiny.yaml"
    coded = path.read_text(encoding="utf-8").replace("behaviours:", "codes: {qwen3guard: Violent}, behaviours:")
    path.write_text(coded, encoding="utf-8")
    lab.run(16)
    assert lab.bytes() == before
    records = export(Dataset(lab.folder / "run"), lab.folder / "out", guard="qwen3guard")
    assert any("Categories: Violent" in text_of(record["completion"]) for record in records)
