"""When a server that has had enough says it may be asked again: the headers in use for that."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_WHOLE = re.compile(rf"(?:{_DURATION.pattern})+")
LONGEST = 30 * _SECONDS["d"]
"""Seconds that are believed at most."""
_READ = 64
"""Characters of a header that can be read at most: a longer one says nothing."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds after which a server says, in the headers of its answer, that it may be asked again, a month at most; None if it does not
    say, or nothing that can be read. `headers` are read by lower-case names."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, LONGEST)
    if told := headers.get("retry-after"):
        return _seconds_or_date(told)
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if _number(headers.get(f"x-ratelimit-remaining-{what}")) == 0
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _seconds_or_date(text: str) -> float | None:
    if (seconds := _duration(text)) is not None:
        return seconds
    if len(text) > _READ:
        return None
    try:
        when = parsedate_to_datetime(text)
        left = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError):  # whatever a date can be wrong in
        return None
    return min(max(0.0, left), LONGEST)


def _duration(text: str) -> float | None:
    """`6m0s`, `1.5s`, `20ms`, or plain seconds."""
    if (seconds := _number(text)) is not None:
        return min(seconds, LONGEST)
    if len(text) > _READ or not _WHOLE.fullmatch(text.strip()):
        return None
    return min(sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)), LONGEST)


def _number(text: str | None) -> float | None:
    try:
        number = float(text if text and len(text) <= _READ else "nan")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
