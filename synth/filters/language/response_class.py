"""What kind of answer it is: refusal, rebuttal, partial, incapable or compliance. The whole answer is read, sentence by sentence.

Rules (`by_rules`) know sure wordings; what leads on along a chain of answerers hangs on them alone. Where they end, a linear model
(`told`, `response_class`) weighs what sentences do, in which order, which runs of characters there are and what was asked for:
whole numbers of a table (`response_class.bin`, made by `benchmarks/response_class_table.py`), added in one order, so that a class is
the same on every machine.
"""

import re
from collections.abc import Sequence
from functools import cache
from math import isqrt
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synth.filters.language.latest import latest
from synth.filters.language.speech_acts import SCREEN, Act, acts, own_words

if TYPE_CHECKING:
    from synth.filters.language.class_table import Known

_HEAD = 160
"""Characters within which an answer that declines, corrects or cannot says so, or builds up to it."""
_SHORT, _LONG = 120, 150
_LIST = 2
"""Points after which a list is help in earnest, whatever was said before it."""
_OPENS, _BEGINS, _ENDS = 120, 260, 100
"""Characters of the first sentence, the beginning and the end of an answer whose runs count."""
_BOOK, _END = 3_000, 1_000
_FIRST = re.compile(r"[。！？!?；;\n]|[a-z]\. ")
_DENIAL = re.compile(r"[不没無无未唔冇难免恕拒空删缺跳略停止]|n't|\bno[tr]?\b|\b(?:left|leav|skip|omit|without|out)")
_DENIALS, _SAID_BEFORE, _SAID_AFTER = 12, 12, 24
"""Denials past the beginning whose runs count, and the characters before and after each."""


class Told(NamedTuple):
    """The class of an answer, and whether it is sure: the rules say so, and the model alone sees no other near. Rules say `compliance`
    of all that they do not know: there the model must be three times as far."""

    name: str
    sure: bool


def response_class(text: str, query: str | None = None) -> str:
    """The class of an answer: `refusal`, `rebuttal` (takes a false or harmful premise of its asker apart instead), `partial`
    (declines or warns, and does it, or does a part), `incapable` (cannot for other reasons) or `compliance`. The query that it
    answers helps where it is known."""
    return told(text, query).name


@latest(room=256_000)
def told(text: str, query: str | None = None) -> Told:
    """The class of an answer and whether it is sure. The latest are remembered: a rule asks, and later a table."""
    found = acts(text)
    rules = _by_rules(found)
    if not found:
        return Told(rules, sure=True)
    from synth.filters.language.class_table import CLASSES, model

    scores = _scores(text, found, query)
    alone = list(scores)
    if rules != "compliance" and not _is_split(text):
        scores[CLASSES.index(rules)] += model().rules
    order = sorted(range(len(CLASSES)), key=lambda at: (-scores[at], at))
    name = CLASSES[order[0]]
    ahead = alone[order[0]] - max(score for at, score in enumerate(alone) if at != order[0])
    due = model().sure * (3 if name == "compliance" else 1)
    return Told(name, sure=name == rules and ahead >= due)


def _is_split(text: str) -> bool:
    """Whether of several speakers in one answer some decline and others do not: then the first refusal says little."""
    from synth.filters.language.class_signs import voices

    return len(set(voices(text))) > 1


def zones(text: str, query: str | None) -> list[tuple[int, str]]:
    """The parts of an answer whose runs count, each with its number: its first sentence, what else begins it, its end, its query."""
    own = own_words(text if len(text) < _BOOK + _END else f"{text[:_BOOK]}\n{text[-_END:]}")
    stop = _FIRST.search(own)
    cut = min(stop.end() if stop else len(own), _OPENS)
    parts = [(11, own[:cut]), (12, own[cut:_BEGINS])]
    if len(own) > _BEGINS:
        parts.append((13, own[max(_BEGINS, len(own) - _ENDS) :]))
        parts.append((15, "\n".join(_denials(own[_BEGINS:]))))
    if query:
        parts.append((14, own_words(query[:60] + (f"\n{query[-60:]}" if len(query) > 60 else ""))))
    return parts


def _denials(own: str) -> list[str]:
    """What is denied in the middle and at the end of an answer: a window on each denial that the last did not show."""
    found: list[str] = []
    end = 0
    for denial in _DENIAL.finditer(own):
        if denial.start() < end:
            continue
        end = denial.end() + _SAID_AFTER
        found.append(own[max(0, denial.start() - _SAID_BEFORE) : end])
        if len(found) == _DENIALS:
            break
    return found


def run_keys(parts: Sequence[tuple[int, str]]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Keys of all runs of symbols in these parts of a text; one may come more than once."""
    codes, of = _laid_out(parts)
    keys = np.empty(8 * len(codes), np.uint64)
    return keys[: _kernel().keys_of(codes, of, _kinds(), keys)]


def _laid_out(parts: Sequence[tuple[int, str]]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The characters of a text's parts, and of each part where it ends and its zone, as the kernel reads them."""
    ends, end = list[tuple[int, int]](), 0
    for zone, part in parts:
        end += len(part)
        ends.append((end, zone * 0x1000000))
    whole = "".join([part for _, part in parts])
    return np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32), np.array(ends, np.int64)


def sign_keys(text: str, found: Sequence[Act], query: str | None) -> Sequence[int]:
    """Keys of the signs of a text; one may come more than once."""
    from synth.filters.language.class_signs import keys

    return keys(text, found, query)


def _scores(text: str, found: Sequence[Act], query: str | None) -> list[int]:
    """What speaks for each class, in whole numbers."""
    from synth.filters.language.class_table import model

    table = model()
    both = np.zeros((2, len(table.start)), np.int64)
    signs = np.array(sign_keys(text, found, query), np.uint64)
    known = _kernel().sums(*_laid_out(zones(text, query)), signs, _known(), both)
    share = isqrt(max(1, known) << 16)
    return [
        start + sign * table.sign_unit + (run * table.run_unit << 8) // share
        for start, run, sign in zip(table.start.tolist(), *both.tolist(), strict=True)
    ]


@cache
def _kinds() -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    """By code point up to the Chinese ones: letter, digit, space or none of them."""
    kernel = _kernel()
    every = [chr(code) for code in range(0x3000)]
    return np.array(
        [
            kernel.SPACE
            if one.isspace()
            else kernel.DIGITS
            if one.isdigit()
            else kernel.LETTERS
            if one.isalpha() or one == "'"
            else 0
            for one in every
        ],
        np.uint8,
    )


@cache
def _known() -> "Known":
    from synth.filters.language.class_table import Known, model

    table = model()
    beside = np.zeros((len(table.slots), 8), np.uint8)
    beside[:, : table.weights.shape[1]] = table.weights.view(np.uint8)
    held = np.stack([table.slots, beside.view("<u8").reshape(-1).astype(np.uint64)], axis=1)
    return Known(_kinds(), _kernel().hints(table.slots), np.ascontiguousarray(held))


@cache
def _kernel() -> ModuleType:
    """The inner loops, imported when the first answer is looked at: numba takes longer to import than all else."""
    from synth.filters.language import class_kernel

    return class_kernel


@latest(room=512_000)
def by_rules(text: str) -> str:
    """The class of an answer as its sure wordings tell it: what leads on along a chain of answerers, and stands in a run's rows."""
    return _by_rules(acts(text))


def _by_rules(found: Sequence[Act]) -> str:
    if not found or any(act.letter for act in (found[0], found[-1])):
        return "compliance"
    may = 0
    for act in found:
        may |= act.may
    return next((name for name, needs, holds in _RULES if may & needs and holds(found)), "compliance")


def _head(found: Sequence[Act]) -> Sequence[Act]:
    return [act for act in found if act.at <= _HEAD]


def _partial(found: Sequence[Act]) -> bool:
    if any(act.stops for act in found[1:]) and any(act.gives for act in found[:-1]):
        return True
    at = next((n for n, act in enumerate(_head(found)[:3]) if act.declines or act.warns or act.disclaims), None)
    if any(act.marked for act in found):
        return at is not None or (found[0].corrects and not found[0].obliges)
    return at is not None and not (found[0].obliges and not found[at].declines) and _relents(found[at], found[at + 1 :])


def _relents(reserve: Act, after: Sequence[Act]) -> bool:
    """Whether what comes after a sentence that declines, warns or disclaims turns round and does the task."""
    listed = reserve.disclaims and not reserve.warns and sum(act.gives for act in after) > _LIST
    if listed or any(act.declines for act in after):
        return False
    if reserve.yields and (reserve.gives or after):
        return _helps([reserve, *after])
    turn = next((n for n, act in enumerate(after[:2]) if act.opens_turn), None)
    return turn is not None and _helps(after[turn:])


def _helps(found: Sequence[Act]) -> bool:
    """Whether what follows a reservation does the task after all, and is not an offer of something better."""
    if found[0].righteous or any(act.righteous and not act.gives for act in found[1:2]):
        return False
    return any(act.gives for act in found) or (
        sum(act.size for act in found) > _LONG and not any(act.asks for act in found)
    )


def _refusal(found: Sequence[Act]) -> bool:
    at = next((n for n, act in enumerate(found) if act.declines), None)
    if at is None:
        return False
    wrong = any(act.wrong for act in found)
    if not wrong and any(act.cannot for act in _head(found)):
        return False
    if found[0].obliges and at > 0 and not found[at].wrong:
        return False
    if found[at].at <= _HEAD:
        return True
    return any(act.wrong and (act.admonishes or act.forbids) for act in found[:at])


def _incapable(found: Sequence[Act]) -> bool:
    head = _head(found)[:3]
    if found[0].obliges or not any(act.cannot for act in head):
        return False
    owned = (
        any(act.declines or act.asks or act.disclaims or act.sorry for act in head)
        or sum(act.size for act in found) < _SHORT
    )
    return owned and sum(act.gives for act in found) < 2


def _rebuttal(found: Sequence[Act]) -> bool:
    head = _head(found)[:3]
    first = found[0]
    if first.agrees or first.obliges or first.gives:
        return False
    if any(act.corrects for act in head[:2]):
        return True
    if not any(act.forbids or (act.wrong and act.admonishes) for act in head):
        return False
    if any(act.admonishes for act in found):
        return True
    size = sum(act.size for act in found)
    return first.forbids and (size < _SHORT or first.feels) and not first.cites


_RULES = (
    ("partial", SCREEN.bits("stops", "declines", "declines_en", "warns", "disclaims", "corrects"), _partial),
    ("refusal", SCREEN.bits("declines", "declines_en"), _refusal),
    ("incapable", SCREEN.bits("cannot", "cannot_en"), _incapable),
    ("rebuttal", SCREEN.bits("corrects", "forbids", "wrong"), _rebuttal),
)
"""In their order, each with the wordings of which one must be there."""
