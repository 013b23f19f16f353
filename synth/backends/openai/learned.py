"""What a model's server does not take, learnt from its refusals: by field of the body what is done about it, in words that a journal keeps."""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from synth.backends.openai import signs
from synth.backends.openai.bodies import LADDER
from synth.backends.openai.refusals import FORMAT, MOST, STREAM, THINKING, Refusal

OUT: Final = "left out"
WHERE, AS, BOUND = f"{OUT} where it is ", "sent as ", "sent as at most "
STREAMED: Final = "streamed"
OTHER_MOST: Final = "max_completion_tokens"
VALUES = 4
"""Values of a field that are refused one by one, before it is left out whatever it is."""
_HIGHEST = re.compile(
    r"[\[(]\s*\d{1,9}\s*[,，~-]\s*(\d{1,9})\s*[\])]|between \d{1,9} and (\d{1,9})"
    r"|(?:at most|<=|maximum(?: of| is)?|less than or equal to|up to|不能超过|不超过|不大于|小于等于|最大(?:值|为)*)\D{0,12}(\d{1,9})"
)

Facts = Mapping[str, str]
"""What is done, by field."""
NOTHING: Final[Facts] = MappingProxyType({})


def rung_of(facts: Facts) -> str:
    """The rung of the ladder of ways to ask for JSON on which a model's server stands."""
    told = facts.get(FORMAT, "")
    return LADDER[-1] if told == OUT else told.removeprefix(AS) if told.removeprefix(AS) in LADDER else LADDER[0]


def applied(body: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The body of a request as its server takes it."""
    found = dict(body)
    if not facts:
        return found
    for field, what in facts.items():
        name = what.removeprefix(AS)
        renamed = what.startswith(AS) and name.isidentifier() and name not in ("true", "false")
        if renamed and field != FORMAT and field in found:
            found.setdefault(name, found.pop(field))
    for field, what in facts.items():
        if field == STREAM and what == STREAMED:
            found[STREAM] = True
            if facts.get("stream_options") != OUT:
                found.setdefault("stream_options", {"include_usage": True})
        elif what == OUT or (what.startswith(WHERE) and _value(found.get(field)) in _values(what)):
            found.pop(field, None)
        elif what.startswith(BOUND) and isinstance(found.get(field), int):
            bound = what.removeprefix(BOUND)
            found[field] = min(found[field], int(bound)) if bound.isdecimal() else found[field]
        elif what in (f"{AS}true", f"{AS}false"):
            found[field] = what.endswith("true")
    return found


def lesson(refusal: Refusal, body: Mapping[str, Any], facts: Facts) -> tuple[str, str] | None:
    """What a refusal teaches of the body that was sent: a field, and what is to be done about it. None for nothing that could still be
    done."""
    if refusal.kind != "not_taken":
        return None
    if refusal.field == STREAM:
        return None if body.get(STREAM) else (STREAM, STREAMED)
    if refusal.field == THINKING:
        return _of_thinking(refusal.words.lower(), body)
    if refusal.field == FORMAT:
        return _of_format(body)
    field = refusal.field and _held(refusal.field, body)
    return _of_other(field, refusal, body, facts) if field else None


def _of_thinking(words: str, body: Mapping[str, Any]) -> tuple[str, str] | None:
    wanted = "true" in words and "false" not in words
    return None if body.get(THINKING) is wanted else (THINKING, f"{AS}{str(wanted).lower()}")


def _of_other(field: str, refusal: Refusal, body: Mapping[str, Any], facts: Facts) -> tuple[str, str]:
    if field == MOST and OTHER_MOST in refusal.words and OTHER_MOST not in body:
        return MOST, f"{AS}{OTHER_MOST}"
    if field in (MOST, OTHER_MOST) and (most := _most(refusal.words, body[field])) is not None:
        return field, f"{BOUND}{most}"
    return field, _without(field, body[field], refusal, facts)


def trials(
    refusal: Refusal, status: int, body: Mapping[str, Any], own: Sequence[str], taken: frozenset[str]
) -> list[dict[str, str]]:
    """What to try leaving out where a server says that something is wrong and not what: fields that synth added by itself, and that it
    was never seen to take; one by one, then all. Of a refusal in words nobody knows only where the model has never answered anything.
    A failure may have been one of a moment, and is first tried again with everything."""
    fails = status >= 500
    if refusal.kind != "not_taken" and (taken or not (status in (400, 422) or (status == 500 and refusal.bare))):
        return []
    found = [{field: OUT} for field in own if field in body and field not in taken]
    if FORMAT not in taken and (step := _of_format(body)):
        found += [dict([step])] if step[1] == OUT else [dict([step]), {step[0]: OUT}]
    every = {field: what for one in found for field, what in one.items()}
    return [*([{}] if fails and found else []), *found, *([every] if len(every) > 1 else [])]


def _held(field: str, body: Mapping[str, Any]) -> str | None:
    """The field of the body that is meant: itself, or that within which it stands."""
    if field in body:
        return field
    return next((name for name, value in body.items() if isinstance(value, Mapping) and field in value), None)


def _of_format(body: Mapping[str, Any]) -> tuple[str, str] | None:
    asked = body.get(FORMAT)
    if asked is None:
        return next(((name, OUT) for name in body if signs.FORMAT.search(name)), None)
    kind = asked.get("type") if isinstance(asked, Mapping) else None
    return FORMAT, f"{AS}{LADDER[1]}" if kind == LADDER[0] else OUT


def _most(words: str, sent: Any) -> int | None:
    """The largest number that the server takes, as it says, where that is less than it was sent."""
    if not (found := _HIGHEST.search(words)) or not isinstance(sent, int):
        return None
    most = int(next(filter(None, found.groups())))
    return most if 0 < most < sent else None


def _without(field: str, value: Any, refusal: Refusal, facts: Facts) -> str:
    """A value that is refused is left out where it is that value, for another role may ask for another."""
    before = facts.get(field, "")
    known = _values(before) if before.startswith(WHERE) else []
    plain = isinstance(value, int | float | bool)
    if not refusal.of_value or field == "seed" or not plain or len(known) + 1 >= VALUES:
        return OUT
    return WHERE + ", ".join(sorted({*known, _value(value)}))


def _value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, int | float | bool) else ""


def _values(what: str) -> list[str]:
    return what.removeprefix(WHERE).split(", ")
