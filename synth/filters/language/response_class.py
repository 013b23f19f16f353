"""What kind of answer it is: refusal, rebuttal, partial, incapable or compliance. The whole answer is read, sentence by sentence."""

from collections.abc import Sequence

from synth.filters.language.speech_acts import Act, acts

_HEAD = 160
"""Characters within which an answer that declines, corrects or cannot says so, or builds up to it."""
_SHORT, _LONG = 120, 150
_LIST = 2
"""Points after which a list is help in earnest, whatever was said before it."""


def response_class(text: str) -> str:
    """The class of an answer, by rules: `refusal`, `rebuttal` (admonishes or puts right instead), `partial` (declines or
    warns, and does it), `incapable` (cannot for other reasons) or `compliance`."""
    found = acts(text)
    if not found or any(act.letter for act in (found[0], found[-1])):
        return "compliance"
    for name, holds in (
        ("partial", _partial),
        ("refusal", _refusal),
        ("incapable", _incapable),
        ("rebuttal", _rebuttal),
    ):
        if holds(found):
            return name
    return "compliance"


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
