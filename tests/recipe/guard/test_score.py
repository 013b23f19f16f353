"""The probability of a guard's verdict: found where the verdict begins, whatever a tokenizer made of it, and summed over what means the same."""

from math import log
from typing import Any

import pytest
from pydantic import ValidationError

from synth.dataset.rows import COLUMNS
from synth.recipe import guard
from synth.recipe.guard.format import Read
from synth.recipe.guard.score import Scores, scores_in
from synth.types import TokenScores
from tests.support.labelled import policies

LIBRA = Scores(after='{"答案": "', tokens={"unsafe": ("不安全",), "safe": ("安全",)})


def told(*tokens: str, **shares: float) -> TokenScores:
    """Tokens, of which the one that is `*` has these likeliest; any other is sure."""
    likeliest = tuple((token, log(share)) for token, share in sorted(shares.items(), key=lambda one: -one[1]))
    return tuple((likeliest[0][0], likeliest) if token == "*" else (token, ((token, 0.0),)) for token in tokens)


@pytest.mark.parametrize(
    ("tokens", "shares", "unsafe"),
    [
        (['{"', "答案", '":', ' "', "*", '"}'], {"不": 0.6, "不安全": 0.2, "安全": 0.2}, 0.8),
        (['{"', "答案", '":"', "*", '"}'], {"安全": 0.9, "不": 0.1}, 0.1),
        (['{"答案": ', "*", '"}'], {'"安全': 0.5, '"不': 0.25, '"不安全': 0.25}, 0.5),
        (['{\n  "', "答", "案", '" : "', "*"], {"安": 0.75, "不安": 0.25}, 0.25),
        (['{"答案": "', "*"], {"不": 0.5, "安全": 0.25, "有": 0.25}, 2 / 3),
        (["<think>", '{"答案": "', "安全", "</think>", '{"答案": "', "*"], {"不安全": 0.75, "安全": 0.25}, 0.75),
    ],
)
def test_the_verdict_is_found_and_its_alternatives_summed(
    tokens: list[str], shares: dict[str, float], unsafe: float
) -> None:
    assert LIBRA.unsafe(told(*tokens, **shares), "safe") == pytest.approx(unsafe)


@pytest.mark.parametrize(
    "tokens",
    [
        (),
        (("无法", (("无法", 0.0),)),),
        told('{"分析": "', "安全"),
        told('{"答案": "'),
        (('{"答案": "', ()), ("安全", ())),
    ],
)
def test_where_no_verdict_is_there_is_no_probability(tokens: TokenScores) -> None:
    assert LIBRA.unsafe(tokens, "safe") is None


def test_a_label_that_is_not_told_is_as_likely_as_the_least_told_at_most() -> None:
    sure = LIBRA.unsafe(told('{"答案": "', "*", 不=0.9, 嗯=0.02), "safe")
    assert sure == pytest.approx(0.9 / 0.92)
    only = LIBRA.unsafe(told('{"答案": "', "*", 不=0.7), "safe")
    assert only == pytest.approx(0.7)


def test_with_the_words_of_one_label_all_else_is_the_other_side() -> None:
    sec = Scores(tokens={"safe": ("sec",)})
    assert sec.unsafe(told("*", sec=0.9, mh=0.1), "safe") == pytest.approx(0.1)
    assert sec.unsafe(told("*", mh=1.0), "safe") == pytest.approx(1.0)


def test_a_word_that_begins_another_labels_is_that_word() -> None:
    codes = Scores(tokens={"unsafe": ("se", "mh"), "safe": ("sec",)})
    assert codes.unsafe(told("*", se=0.6, sec=0.3, s=0.1), "safe") == pytest.approx(2 / 3)


def test_of_three_labels_the_most_severe_has_a_probability_of_its_own() -> None:
    three = Scores(
        after="Safety:", tokens={"unsafe": ("Unsafe",), "controversial": ("Controversial",), "safe": ("Safe",)}
    )
    found = told("Safety", ":", "*", "\n", **{" Unsafe": 0.2, " Cont": 0.3, " Safe": 0.5})
    assert three.unsafe(found, "safe") == pytest.approx(0.5)
    assert three.unsafe(found, "safe", severe="unsafe") == pytest.approx(0.2)


def test_a_word_may_be_a_blank_as_shieldlm_has_it() -> None:
    blank = Scores(after="[答案]", tokens={"unsafe": ("不安全",), "controversial": (" ",), "safe": ("安全",)})
    found = told("[答案]", "*", "有", "争议", **{" ": 0.6, " 安全": 0.2, " 不": 0.2})
    assert blank.unsafe(found, "safe") == pytest.approx(0.8)


def test_where_a_verdict_stands_may_hang_on_the_mode() -> None:
    both = Scores(
        after={"answer": "Harmful response:", "prompt": "Harmful request:"}, tokens={"unsafe": "yes", "safe": "no"}
    )
    found = (*told("Harmful request: ", "*", "\n", yes=0.9, no=0.1), *told("Harmful response: ", "*", no=0.8, yes=0.2))
    assert both.unsafe(found, "safe", "prompt") == pytest.approx(0.9)
    assert both.unsafe(found, "safe", "answer") == pytest.approx(0.2)


@pytest.mark.parametrize("name", ["libra", "qwen3guard", "xguard", "shieldlm", "llamaguard", "wildguard"])
def test_every_shipped_guard_says_where_its_verdicts_first_token_stands(name: str) -> None:
    loaded = guard.load(name, COLUMNS).with_policies(policies())
    assert loaded.reads is not None
    found = scores_in(loaded.reads)
    assert found is not None
    assert {"safe", "unsafe"} <= found.tokens.keys()


@pytest.mark.parametrize("wrong", [{"tokens": {}}, {"tokens": {"safe": []}}, {"after": 1}, {"before": "x"}])
def test_a_key_that_cannot_be_read_is_refused(wrong: dict[str, Any]) -> None:
    read = Read(kind="first_token", scores={"tokens": {"safe": "a"}} | wrong)
    with pytest.raises(ValidationError):
        scores_in(read)
