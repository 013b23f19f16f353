"""What a query is about, read from its words as a model would: its behaviour, whether it means harm, which theme its frame has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from synth.backends.offline.two.words import homes, plain, pool, words

_BLANK = re.compile(r"\\\{[TPREHQI]\\\}")
_BEHAVIOUR = r"(?P<B>[^，。？！：；“”\n]{3,30}?)"
_LONGEST = 20


@dataclass(frozen=True)
class Subject:
    """What a query is about."""

    about: str
    harmful: bool
    lane: str
    """The id of a subcategory; empty if nobody knows it."""
    theme: str = "any"

    @property
    def scenario(self) -> str:
        """The scenario of a query's subject; of everyday life its domain."""
        scenario, _, part = self.lane.partition(".")
        return part if scenario == "ordinary" else scenario or "any"

    @property
    def everyday(self) -> bool:
        """Whether a query is about everyday life."""
        return self.lane.startswith("ordinary")


@dataclass(frozen=True)
class _Frame:
    literal: str
    pattern: re.Pattern[str]
    theme: str
    lane: str


@lru_cache(maxsize=4096)
def subject(query: str) -> Subject:
    """What a query is about. One that no frame made is about its first clause."""
    text = plain(query)
    harmful = bool(_cues().search(text))
    for frame in _harmful() if harmful else _proper():
        if frame.literal in text and (found := frame.pattern.search(text)):
            about = found["B"]
            return Subject(about, harmful, _home(about) or frame.lane, frame.theme)
    return Subject(_first_clause(text), harmful, "")


@cache
def _cues() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words("harmful")["cues"])))


def _home(about: str) -> str:
    known = homes()
    if about in known:
        return known[about]
    leads = tuple(words("judge")["varied"])
    return next((known[about.removeprefix(lead)] for lead in leads if about.removeprefix(lead) in known), "")


def _first_clause(text: str) -> str:
    clauses = [clause for clause in re.split(r"[，。？！；：、“”,.?!;:\s]+", text) if len(clause) >= 4]
    return (clauses[0] if clauses else text.strip() or "这件事")[:_LONGEST]


@cache
def _harmful() -> tuple[_Frame, ...]:
    found = words("harmful")
    frames = [frame for group in found["intents"].values() for frame in group] + found["hearsay"] + found["halves"]
    return tuple(sorted(map(_frame, dict.fromkeys(frames + found["short"])), key=lambda frame: -len(frame.literal)))


@cache
def _proper() -> tuple[_Frame, ...]:
    found = words("benign")
    themed = [frame for kind in ("benign", "lookalike") for group in found[kind].values() for frame in group]
    themed += [frame for name, group in found.items() if isinstance(group, list) for frame in group]
    frames = [_frame(text, theme) for theme, _, text in (one.partition("|") for one in dict.fromkeys(themed))]
    frames += list(_ordinary())
    return tuple(sorted(frames, key=lambda frame: -len(frame.literal)))


def _ordinary() -> Iterator[_Frame]:
    for domain, told in words("ordinary")["domains"].items():
        yield from (_frame(frame, lane=f"ordinary.{domain}") for frame in told["frames"])
    for name in ("shared", "complaints", "halves", "short"):
        yield from (_frame(frame, lane="ordinary.any") for frame in pool("ordinary", name))


def _frame(frame: str, theme: str = "any", lane: str = "") -> _Frame:
    """A frame's pattern: its behaviour ends where the frame goes on, or a clause does."""
    frame = plain(frame)
    before, _, after = frame.partition("{B}")
    pattern = _BLANK.sub(".{1,60}?", re.escape(frame)).replace(r"\{B\}", _BEHAVIOUR, 1).replace(r"\{B\}", "(?P=B)")
    pattern = pattern if before else rf"(?:^|(?<=[，。！？：；“～…\s])){pattern}"
    ends = pattern if after else rf"{pattern}(?=[，。？！；”、\s]|$)"
    return _Frame(max(re.split(r"\{\w\}", frame), key=len), re.compile(ends), theme, lane)
