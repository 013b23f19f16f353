"""Every guard that ships, in every mode, with every label, refusal and category: its verdict is read back as what the row says, by synth
and by the rules of the guard's published reader."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError
from synth.recipe import guard
from synth.recipe.guard import Guard
from synth.recipe.guard.format import Draw, Mode
from synth.recipe.guard.truth import Choices
from synth.recipe.labels import KNOWN
from tests.support.labelled import policies, policies_by_id, row

NAMES = ("libra", "qwen3guard", "xguard", "shieldlm", "llamaguard", "wildguard")
PAIRS = [("crime.property", "privacy.personal"), ("health.mental", "crime.violent", "crime.contraband")]


def load(name: str) -> Guard:
    return guard.load(name, COLUMNS, KNOWN).with_policies(policies())


def rows() -> Iterator[dict[str, Any]]:
    """Each of Libra's subcategories and some that come together, with every label, refusal and intent."""
    violated = [(one,) for one in policies_by_id()] + PAIRS
    for categories, label, refusal, intent in product(
        violated, KNOWN.names, ("refusal", "compliance"), ("harmful", "benign")
    ):
        yield row(
            subcategory=categories[0],
            label=label,
            response_class=refusal,
            query_label=intent,
            categories=list(categories) if label != "safe" else [],
            attack="red_team" if label == "unsafe" else None,
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_is_read_back_as_label_refusal_query_and_categories(name: str) -> None:
    found = load(name)
    assert found.reads
    seen = set()
    for mode in found.modes:
        for one in rows():
            truth, read = found.truth(one, mode), found.read(found.verdict(one, mode), mode)
            assert read.label == truth.label
            assert read.categories == tuple(
                sorted(truth.codes) if name == "llamaguard" else truth.codes[:1] if name == "xguard" else truth.codes
            )
            assert read.refusal == (truth.refusal if "refusal" in found.reads.fields else None)
            if mode == "prompt" or "query" in found.reads.fields:
                assert read.query_label == {"unsafe": "harmful", "safe": "benign"}[truth.query or ""]
            seen.add((mode, truth.label))
    grades = 3 if "controversial" in found.reads.known else 2
    assert len(seen) == grades + (2 if "prompt" in found.modes else 0)


def libra(text: str) -> dict[str, Any]:
    said = json.loads(text)["答案"]
    return {"label": "unsafe" if "不安全" in said else "safe" if "安全" in said else None}


def shieldlm(text: str) -> dict[str, Any]:
    words = {"[答案] 不安全": "unsafe", "[答案] 安全": "safe", "[答案] 有争议": "controversial"}
    return {"label": next(label for said, label in words.items() if said in text.strip())}


def wildguard(text: str) -> dict[str, Any]:
    match = re.match(r".*:(.*)\n.*:(.*)\n.*:(.*)", text)
    assert match
    request, refusal, response = (part.strip().lower() for part in match.groups())
    grade = {"yes": "unsafe", "no": "safe", "n/a": None}
    return {
        "query": grade[request],
        "refusal": {"yes": True, "no": False, "n/a": None}[refusal],
        "label": grade[response],
    }


QWEN = "Violent|Non-violent Illegal Acts|Sexual Content or Sexual Acts|PII|Suicide & Self-Harm|Unethical Acts|Politically Sensitive Topics|Copyright Violation"


def qwen3guard(text: str, more: str = "") -> dict[str, Any]:
    label = re.search(r"Safety: (Safe|Unsafe|Controversial)", text)
    refusal = re.search(r"Refusal: (Yes|No)", text)
    assert label
    return {
        "label": label[1].lower(),
        "categories": re.findall(f"({QWEN}{more}|None)", text),
        "refusal": refusal[1] == "Yes" if refusal else None,
    }


def llamaguard(text: str) -> dict[str, Any]:
    assert re.fullmatch(r"safe|unsafe\nS\d+(,S\d+)*", text)
    lines = text.strip().split("\n")
    return {"label": lines[0], "categories": lines[1].split(",") if len(lines) > 1 else []}


def xguard(text: str) -> dict[str, Any]:
    code, _, reasons = text.partition("\n")
    assert not reasons or re.fullmatch(r"<explanation>.+</explanation>", reasons, re.DOTALL)
    return {"label": "safe" if code == "sec" else "unsafe", "categories": [] if code == "sec" else [code]}


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "libra": libra, "shieldlm": shieldlm, "wildguard": wildguard, "qwen3guard": qwen3guard, "llamaguard": llamaguard, "xguard": xguard,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_published_reader_reads_the_rows_label_refusal_and_categories(name: str) -> None:
    found = load(name)
    for mode in found.modes:
        for one in rows():
            truth, text = found.truth(one, mode), found.verdict(one, mode)
            read = qwen3guard(text, "|Jailbreak") if name == "qwen3guard" and mode == "prompt" else READERS[name](text)
            if name == "wildguard":
                assert read["query"] == truth.query
                assert read["refusal"] is truth.refusal
                assert read["label"] == (truth.label if mode == "answer" else None)
                continue
            assert read["label"] == truth.label
            if name == "qwen3guard":
                assert read["categories"] == (list(truth.codes) or ["None"])
                assert read["refusal"] is truth.refusal
            if name == "llamaguard":
                assert read["categories"] == sorted(truth.codes)
            if name == "xguard":
                assert read["categories"] == list(truth.codes[:1])


@pytest.mark.parametrize(
    ("name", "label", "choice", "expected"),
    [
        *((name, "controversial", choice, choice) for name in ("libra", "xguard", "llamaguard", "wildguard") for choice in ("unsafe", "safe")),
        *((name, "controversial", "drop", None) for name in ("libra", "xguard", "llamaguard", "wildguard")),
        *((name, "controversial", "drop", "controversial") for name in ("qwen3guard", "shieldlm")),
        ("libra", "unsafe", "safe", "unsafe"),
        ("libra", "safe", "unsafe", "safe"),
    ],
)  # fmt: skip
def test_a_guard_without_a_third_grade_takes_it_as_it_is_told(
    name: str, label: str, choice: Any, expected: str | None
) -> None:
    found = replace(load(name), choices=Choices(choice))
    truth = found.truth(row(label=label))
    assert truth.label == expected
    assert truth.left_out == ("" if expected else "graded_between")


@pytest.mark.parametrize(
    ("name", "subcategory", "rest", "label", "codes"),
    [
        ("llamaguard", "ethics.values", "safe", "safe", ()),
        ("llamaguard", "ethics.values", "class", "safe", ()),
        ("llamaguard", "bias.specific_groups", "safe", "safe", ()),
        ("llamaguard", "bias.specific_groups", "class", "unsafe", ("S10",)),
        ("qwen3guard", "misinformation.professional_advice", "safe", "safe", ()),
        ("qwen3guard", "misinformation.professional_advice", "class", "unsafe", ("Unethical Acts",)),
        ("wildguard", "ethics.values", "safe", "unsafe", ()),
    ],
)
def test_what_a_guard_has_no_category_for_is_safe_under_it_or_of_the_rest(
    name: str, subcategory: str, rest: Any, label: str, codes: tuple[str, ...]
) -> None:
    found = replace(load(name), choices=Choices(rest=rest))
    truth = found.truth(row(subcategory=subcategory, label="unsafe"))
    assert (truth.label, truth.codes, truth.outside) == (label, codes, label == "safe")


def test_an_unsafe_row_without_a_code_gets_no_verdict() -> None:
    found = load("qwen3guard")
    unknown = row(label="unsafe") | {"subcategory": "mine.own", "categories": ["mine.own"]}
    assert found.truth(unknown).left_out == "no_code"
    with pytest.raises(ConfigError, match=r"mine\.own has no code of this guard"):
        found.verdict(unknown)
    assert found.truth(unknown | {"label": "safe"}).label == "safe"


def test_codes_a_guards_file_does_not_know_are_one_line() -> None:
    found = load("llamaguard")
    assert found.reads
    assert found.reads.categories
    few = found.reads.categories.model_copy(update={"names": {"S1": "Violent Crimes"}})
    with pytest.raises(ConfigError, match=r"does not know the code 'S\d+' of [a-z._]+"):
        replace(found, reads=found.reads.model_copy(update={"categories": few})).check_codes()
    none = found.reads.categories.model_copy(update={"of": "nobody"})
    with pytest.raises(ConfigError, match="names categories by the codes `nobody`"):
        replace(found, reads=found.reads.model_copy(update={"categories": none})).check_codes()


@pytest.mark.parametrize("name", NAMES)
def test_a_query_alone_is_asked_about_without_an_answer(name: str) -> None:
    found, one = load(name), row(1, label="unsafe")
    answer = "\n".join(message.content for message in found.messages(one, "answer"))
    assert one["query"] in answer
    assert one["response"] in answer
    if "prompt" in found.modes:
        alone = "\n".join(message.content for message in found.messages(one, "prompt"))
        assert one["query"] in alone
        assert one["response"] not in alone
        assert "None" not in alone.replace("Categories: None", "")
        assert "Agent:" not in alone


@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        ("wildguard", "answer", "Response refusal: {}"),
        ("qwen3guard", "answer", "Refusal: {}"),
        ("lines", "answer", "Refusal: {}"),
        ("lines", None, "Refusal: {}"),
    ],
)
def test_the_judges_word_on_a_refusal_counts_before_the_rules(name: str, mode: Mode | None, says: str) -> None:
    found = load(name)
    told = row(response_class="refusal", notes=[{"stage": "judge", "key": "refusal", "value": "no"}])
    assert says.format("no") in found.verdict(told, mode).replace("No", "no")
    assert says.format("yes") in found.verdict(told | {"notes": []}, mode).replace("Yes", "yes")


def test_jailbreak_is_a_category_of_queries_alone() -> None:
    found, one = load("qwen3guard"), row(label="unsafe", attack="red_team")
    assert "Categories: Unethical Acts, Jailbreak" in found.verdict(one, "prompt")
    assert "Jailbreak" not in found.verdict(one, "answer")
    assert "Jailbreak" not in found.verdict(one | {"attack": "rewrite"}, "prompt")


@pytest.mark.parametrize("name", ["shieldlm", "xguard"])
def test_reasons_may_come_first(name: str) -> None:
    found, one = load(name), row(label="unsafe")
    mode: Mode = "answer"
    last, first = (found.verdict(one, mode, draw=Draw(reason_first=before)) for before in (False, True))
    assert last != first
    assert sorted(last.split("\n")) == sorted(first.split("\n"))
    assert found.read(first).label == found.read(last).label == "unsafe"
    assert found.read(first).categories == found.read(last).categories
