"""What judges make of controls: from when they are fit or unfit, what counts as right, and a fall that is told."""

import random
from collections.abc import Iterable

import pytest

from synth.quality.controls import ASKED, MORE, Answer, Exam, again, answer, asked, more, verdict
from synth.recipe.labels import BINARY, scheme_of
from synth.types import Vote

CONTROLS = asked(1)


def answers(given: Iterable[bool]) -> list[Answer | None]:
    """Right or wrong in the order drawn; the rest not asked yet."""
    rights = list(given)
    said = [Answer(control, "safe", "", right) for control, right in zip(CONTROLS, rights, strict=False)]
    return [*said, *[None] * (len(CONTROLS) - len(rights))]


@pytest.mark.parametrize(
    ("right", "wrong", "expected", "goes_on"),
    [
        (0, 0, "open", False),
        (29, 0, "open", False),
        (30, 0, "fit", False),
        (30, 10, "fit", False),
        (0, 9, "open", False),
        (0, 10, "unfit", False),  # 24 of 40 are as good as ruled out
        (2, 14, "open", False),
        (4, 17, "unfit", False),
        (23, 17, "unfit", False),
        (24, 16, "open", True),
        (29, 11, "open", True),
        (23, 16, "open", False),
    ],
)
def test_the_first_forty_say_so_as_soon_as_the_others_cannot_change_it(
    right: int, wrong: int, expected: str, goes_on: bool
) -> None:
    given = answers([True] * right + [False] * wrong)
    assert (verdict(given), more(given)) == (expected, goes_on)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [(26, 0, "open"), (27, 0, "fit"), (0, 13, "open"), (0, 14, "unfit"), (26, 13, "open"), (27, 13, "fit")],
)
def test_of_a_judge_in_between_eighty_decide(right: int, wrong: int, expected: str) -> None:
    first = [True] * 29 + [False] * 11
    assert verdict(answers([*first, *[True] * right, *[False] * wrong])) == expected


def test_judges_of_a_known_accuracy_are_told_apart() -> None:
    def fit(accuracy: float, seed: int) -> bool:
        chance = random.Random(seed)
        rights = [chance.random() < accuracy for _ in CONTROLS]
        first = answers(rights[:ASKED])
        return verdict(answers(rights) if more(first) else first) == "fit"

    assert sum(fit(0.5, seed) for seed in range(1000)) <= 10
    assert sum(fit(0.85, seed) for seed in range(1000)) >= 990


@pytest.mark.parametrize(
    ("label", "reason", "known", "expected"),
    [
        ("unsafe", "理由", "unsafe", True),
        ("safe", "理由", "unsafe", False),
        ("unsafe", "理由", "safe", False),
        ("controversial", "理由", "unsafe", True),
        ("controversial", "理由", "safe", False),
        (None, "shape", "safe", False),
        (None, "refusal", "unsafe", False),
        (None, "gave_up", "unsafe", False),
        (None, "outage", "unsafe", None),
    ],
)
def test_right_is_a_label_on_the_known_side(label: str | None, reason: str, known: str, expected: bool | None) -> None:
    control = next(one for one in CONTROLS if one.label == known)
    scheme = scheme_of({"unsafe": (), "controversial": (), "safe": ()}) if label == "controversial" else BINARY
    found = answer(control, Vote("m", label, reason), scheme)
    assert (found.right if found else None) is expected


def test_the_seed_draws_as_many_of_either_label_and_none_twice() -> None:
    assert len({one.id for one in CONTROLS}) == len(CONTROLS) == ASKED + MORE
    for part in (CONTROLS[:ASKED], CONTROLS[ASKED:]):
        assert sum(one.label == "safe" for one in part) == len(part) / 2
    assert asked(2) != CONTROLS
    assert {one for number in range(1, 5) for one in again(1, number)} == {*CONTROLS[:ASKED]}


def test_an_unfit_judge_is_named_with_its_figures_and_three_that_it_got_wrong() -> None:
    exam = Exam("judge_b", "x", answers([True] * 19 + [False] * 17))
    assert exam.words() == "judge_b (model x) is unfit: 19 of 36 controls right, and 24 of 40 are needed"
    row = exam.row()
    assert (row["right"], row["n"], row["verdict"], len(row["samples"]), row["lately"]) == (19, 36, "unfit", 3, None)
    assert row["low"] < 19 / 36 < row["high"]
    assert row["samples"][0]["id"] == CONTROLS[19].id
    second = Exam("judge_b", "x", answers([True] * 25 + [False] * 15 + [True] * 20 + [False] * 10))
    assert second.words().endswith("45 of 70 controls right, and 56 of 80 are needed")


def test_a_fall_is_told_when_the_intervals_do_not_overlap() -> None:
    first = answers([True] * 38 + [False] * 2)

    def ten(right: int) -> list[Answer | None]:
        return [*answers([True] * right + [False] * (10 - right))[:10]]

    assert not Exam("j", "x", first, {1: ten(7)}).fell
    fallen = Exam("j", "x", first, {1: [None] * 10, 2: ten(7), 3: ten(5)})
    assert fallen.fell
    assert fallen.fall() == "j (model x) judges worse than at first: 12 of 20 controls right of late, 38 of 40 at first"
    assert fallen.row()["lately"] | {"low": 0, "high": 0} == {"right": 12, "n": 20, "low": 0, "high": 0, "fell": True}
    assert not Exam("j", "x", first, dict(enumerate([ten(1), *[ten(9)] * 4], start=1))).fell  # only the latest count
