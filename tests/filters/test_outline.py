"""The rule `outline` by level: procedures are found whatever they are told in, views are left alone, finished texts are known by their form.

The texts are hand-written: harmless procedures (baking, knots, repairs) with amounts and steps in digits and words, and views without any."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from synth.filters import bind
from synth.filters.language.doable import doable
from synth.filters.language.finished import finished
from synth.filters.row import outline
from synth.recipe.load import load
from synth.recipe.sections import FilterUse
from synth.recipe.taxonomy import load as taxonomy
from synth.types import Lane, Sample
from tests.filters.test_filters import ROW

TEXTS = Path(__file__).parent.parent / "texts"
PROCEDURES, ATTITUDES, FINISHED = (
    (TEXTS / f"{name}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    for name in ("procedures", "attitudes", "finished")
)
LEVELS = {f"a.{level}": level for level in ("detail", "finished", "none")}
RULE = outline(redaction=LEVELS)

OPENERS = [
    "好的，没问题，我来告诉你。",
    "放心，没人会管你，照着做就行：",
    "这样做不太合适，仅供参考。",
    "行，我站你这边。",
]
CLOSERS = ["有不清楚的再问我。", "做完别声张。", "剩下的你自己掂量，祝你顺利。", ""]
DIGITS = str.maketrans("一二三四五六七八九", "123456789")


def framed(text: str, chance: random.Random) -> str:
    return chance.choice(OPENERS) + text + chance.choice(CLOSERS)


def listed(text: str, chance: random.Random) -> str:
    points = [point for point in re.split(r"[。；\n]", text) if point.strip()]
    return "\n".join([chance.choice(OPENERS), *(f"{n}. {point.strip()}。" for n, point in enumerate(points, start=1))])


def spoken(text: str, chance: random.Random) -> str:
    return chance.choice(OPENERS) + re.sub(r"[；。](?=.)", "，然后", text.replace("\n", "，"), count=2)


def in_digits(text: str, chance: random.Random) -> str:
    return framed(
        re.sub(r"[一二三四五六七八九](?=[克斤两勺碗杯分度厘毫圈遍层针])", lambda m: m[0].translate(DIGITS), text),
        chance,
    )


VARIANTS = (framed, listed, spoken, in_digits)


def variants(texts: list[str]) -> list[str]:
    chance = random.Random(12)
    return [*texts, *(vary(text, chance) for text in texts for vary in VARIANTS)]


def row(text: str, level: str, **changes: object) -> Sample:
    return replace(ROW, lane=Lane("a", f"a.{level}", "harmful"), stance="natural", response=text, **changes)


@pytest.mark.parametrize("level", ["detail", "finished", "none"])
def test_procedures_that_nobody_redacted_are_stopped_at_every_level(level: str) -> None:
    planted = variants(PROCEDURES)
    assert len(PROCEDURES) > 120
    missed = [text for text in planted if RULE(row(text, level)) is None]
    assert len(missed) <= 0.02 * len(planted), missed[:5]


@pytest.mark.parametrize("level", ["detail", "finished", "none"])
def test_attitudes_without_detail_are_left_alone(level: str) -> None:
    views = variants(ATTITUDES)
    assert len(ATTITUDES) > 120
    wrong = [text for text in views if RULE(row(text, level))]
    assert len(wrong) <= 0.02 * len(views), wrong[:5]


def test_finished_texts_are_stopped_where_the_level_says_so() -> None:
    missed = [text for text in FINISHED if not finished(text)]
    assert len(missed) <= 0.1 * len(FINISHED), missed
    letter = FINISHED[0]
    assert RULE(row(letter, "finished")) == "outline.finished"
    assert RULE(row(letter, "none")) is None
    assert RULE(row(re.sub("因水泵.{6,}?敬请谅解", "【略】", letter), "finished")) is None  # nothing is left to send


@pytest.mark.parametrize(
    ("level", "stance", "text", "expected"),
    [
        ("detail", "comply", "好的，照你说的办。", "outline.nothing_omitted"),
        ("detail", "natural", "好的，照你说的办。", None),
        ("finished", "comply", "好的，照你说的办。", None),
        ("none", "comply", "好的，照你说的办。", None),
        ("none", "comply", "好的，放三克盐就行。", "outline.detail"),
        ("unknown", "comply", "好的，照你说的办。", "outline.nothing_omitted"),
        ("unknown", "natural", PROCEDURES[7], None),  # absent: as it was before there were levels
        ("detail", "natural", "先【略】，再把【略】揉匀，最后【略】，裹上【略】。", None),
    ],
)
def test_what_each_level_asks_for(level: str, stance: str, text: str, expected: str | None) -> None:
    assert RULE(replace(row(text, level), stance=stance)) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("首先，你需要选一个晴天。然后，你可以联系几位邻居。最后，你需要准备一份名单。", True),
        ("1. 选择一个安静的地方。\n2. 你需要带上帐篷。\n3. 找到一块平地。\n4. 通过电话联系营地。", True),
        ("首先，你需要【略】。然后，你可以【略】。最后，你需要准备一份名单。", False),
        ("首先，他们从来不守时；其次，他们说话不算数；最后，跟他们讲道理没有用。", False),
        ("你需要放松，可以出去走走，不必总想着这些。", False),
    ],
)
def test_what_is_instructed_in_order_is_doable_whatever_it_is_about(text: str, found: bool) -> None:
    assert doable(text) is found


def test_a_safe_row_and_a_benign_one_may_say_how() -> None:
    assert RULE(row(PROCEDURES[0], "detail", label="safe")) is None
    assert RULE(replace(row(PROCEDURES[0], "detail"), lane=Lane("a", "a.detail", "benign"))) is None


def test_the_rule_is_given_the_levels_of_the_taxonomy() -> None:
    ((_, rule),) = bind("row", [FilterUse(name="outline")], "row", redaction=LEVELS)
    assert rule(row(PROCEDURES[0], "detail")) == "outline.detail"
    assert "outline" in [use.name for use in load("libra").filters.row]


def test_every_subcategory_of_libra_has_a_level_and_no_rule_names_the_mark() -> None:
    for scenario in taxonomy("libra").scenarios:
        for one in scenario.subcategories:
            assert one.redaction is not None
            assert "【略】" not in "".join([one.definition, *one.rule.model_dump().values()])
            assert one.redaction == "detail" or not one.id.startswith(("crime.", "health.", "privacy."))


@pytest.mark.parametrize("find", [doable, finished])
@pytest.mark.parametrize(
    "piece",
    [
        "一",
        "把",
        "切到",
        "三克，",
        "，先",
        "“",
        "致",
        "据",
        "！",
        "尊敬的",
        "将" * 9 + "，",
        "用来回",
        "\n",
        "【略】",
        "等一",
    ],
)
def test_time_grows_with_length_alone(find: Callable[[str], bool], piece: str) -> None:
    def took(size: int) -> float:
        text, began = piece * (size // len(piece)), time.process_time()
        find(text)
        return time.process_time() - began

    took(2_000)
    assert took(64_000) < 40 * max(took(4_000), 0.01)
