"""That a screen leaves out no pattern that matches, and what is worked out of texts is remembered within bounds."""

import re

import pytest

from synth.filters.language.latest import latest
from synth.filters.language.leaked_verdict import _SCREEN as VERDICTS
from synth.filters.language.repetition import goes_round, is_loop, stutters
from synth.filters.language.screen import Screen
from synth.filters.language.speech_acts import SCREEN, own_words, sentences
from tests.support.hostile import strings

SPOKEN = [
    "抱歉，我无法提供这类内容。不过一般来说，可以先看看说明书，例如第3页。",
    "As an AI, I can't help with that. However, here's an outline: first, ask for 2024 figures.",
    "这种说法没有依据，是偏见；请你尊重他人，必要时拨打12345求助。",
    "因此，该回答属于“违规”。\nLabel: UNſAFE\n答案是不安全。",
]


@pytest.mark.parametrize(
    ("pattern", "flags", "matched", "left_out"),
    [
        ("抱歉|对不起", 0, ["对不起"], ["对起不", "抱"]),
        ("我[^，]{0,4}(?:不能|无法)帮", 0, ["我真的无法帮"], ["我帮", "无法"]),
        ("(?<!不)安全(?!帽)|^safe", 0, ["很安全", "safe"], ["安心", "sa fe"]),
        ("(?:也许)?是(?:(?:甲|乙)丙)+", 0, ["是乙丙"], ["也许", "是丙乙"]),
        (r"\d{3}(?=元)|x*y", 0, ["一٣٣٣元", "y"], ["元", "x"]),
        ("(?i:Kiss)|不", 0, ["\u212aıſS", "kiSs"], ["K I S S"]),
        ("kiss", re.IGNORECASE, ["\u212aİſſ"], ["ki"]),
        ("[^a]|.?", 0, ["a", ""], []),
    ],
)
def test_what_a_pattern_cannot_match_without(pattern: str, flags: int, matched: list[str], left_out: list[str]) -> None:
    screen = Screen({"one": pattern}, flags)
    said = screen.chances([*matched, *left_out])
    assert [said.finds(at, "one") for at in range(len(matched))] == [True] * len(matched)
    assert said.may[len(matched) :] == [0] * len(left_out)


@pytest.mark.parametrize(("screen", "cut"), [(SCREEN, True), (VERDICTS, False)])
def test_a_screen_leaves_out_nothing_that_matches(screen: Screen, cut: bool) -> None:
    texts = [*SPOKEN, *strings(5, 30, longest=12)]
    parts = [part for text in texts for part in (sentences(own_words(text)) if cut else [text])]
    said = screen.chances(parts)
    for name in screen.known:
        found = [bool(screen.whole(name).search(part)) for part in parts]
        assert [said.finds(at, name) for at in range(len(parts))] == found


def test_the_latest_texts_are_remembered_within_so_many_characters() -> None:
    asked = []

    @latest(room=1_000)
    def size(text: str, *, more: int = 0) -> int:
        asked.append(text)
        return len(text) + more

    for text in ("a" * 300, "b" * 300, "a" * 300, "c" * 2_000, "c" * 2_000, "a" * 300):
        assert size(text) == len(text)
    assert [text[0] for text in asked] == [
        "a",
        "b",
        "c",
        "c",
    ]  # what is longer than the room is not kept, and drives nothing out
    assert [size("d" * 300), size("a" * 300), size("d" * 300, more=1)] == [300, 300, 301]
    assert [text[0] for text in asked[4:]] == ["d", "a", "d"]  # the oldest went for the latest; options are told apart


def test_repetition_is_counted_as_by_hand() -> None:
    texts = [
        *strings(6, 150, longest=20),
        "好的好的" * 9,
        "一二三四五六" * 4,
        "啊" * 50,
        "哈哈，哈哈，哈哈，哈哈，哈哈！",
        "",
        "abcd" * 12 + "e",
    ]
    end, stutter = (
        re.compile(r"(.{6,60}?)\1{3,}\Z"),
        re.compile(r"((?:[^\W\d_]){2,12}?)[，,。！!？?、；;]?(?:\1[，,。！!？?、；;]?){4,}"),
    )
    for text in ("".join(one.split()) for one in texts):
        seen, run, found = set[str](), 0, 0
        for at in range(len(text) - 7):
            run, before = (run + 1, run) if text[at : at + 8] in seen else (0, run)
            found += before if not run and before >= 24 else 0
            seen.add(text[at : at + 8])
        found += run if run >= 24 else 0
        assert goes_round(text, 8) == found / max(1, len(text) - 7)
        whole = len(text) > 32 and text in (text + text)[1:-1]
        assert is_loop(text) == bool(whole or end.search(text[-400:]))
        assert not stutters(text, 5) or stutter.search(text)
