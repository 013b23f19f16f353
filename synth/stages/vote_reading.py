"""How a judge's reply becomes votes, and what they are read against: an analysis may be no copy, no placeholder and not against its own
label."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synth.errors import ParseError
from synth.filters.language.analysis import fault
from synth.filters.language.stated_label import contradicts
from synth.sanitize import plain
from synth.stages.heads import Heads
from synth.stages.lenient_json import field as field_of
from synth.stages.parsing import read_object
from synth.stages.verdict_list import read_verdicts
from synth.types import Label, Reply, Vote


@dataclass(frozen=True, slots=True)
class Reading:
    """What a row's votes are read against, and the labels and categories that were read for it."""

    sources: tuple[str, ...] = ()
    """The texts that an analysis may not be copied from: query, answer, rule, all else the judge was told."""
    placeholders: frozenset[str] = frozenset()
    """What the prompt shows in the place of an analysis."""
    labels: list[Label] = field(default_factory=list)
    """Every label in a reply, whether its vote stands or not."""
    named: list[str] = field(default_factory=list)
    """The id of every category that a reply names, likewise."""


@dataclass(frozen=True)
class VoteReader:
    """Reads judges' replies by the heads and labels of their panel; with `checks` a vote whose analysis says nothing does not stand."""

    heads: Heads
    checks: bool

    def one(self, reading: Reading, model: str, reply: Reply) -> Vote:
        """The vote in a judge's reply about one row. Raises ParseError where there is none, or where it is not to stand."""
        return self._vote(reading, model, read_object(reply), "truncated" if reply.finish == "length" else "shape")

    def several(self, readings: Sequence[Reading], model: str, reply: Reply) -> dict[int, Vote]:
        """The votes in a judge's reply about several rows, by the row's place; none for a row of which it says two things, or nothing of
        use. Raises ParseError where it says nothing of any."""
        found = dict[int, Vote]()
        for place, said in read_verdicts(reply, len(readings)).items():
            for one in said:
                with contextlib.suppress(ParseError):
                    found[place] = self._vote(readings[place], model, one, "shape")
            if len(said) > 1:
                found.pop(place, None)
        return found

    def _vote(self, reading: Reading, model: str, found: Mapping[str, Any], lacking: str) -> Vote:
        verdict = self.heads.verdict
        label = verdict.scheme.said(field_of(found, "label"))
        intent, refusal, categories = self.heads.read(found)
        reading.labels.extend([label] if label else [])
        reading.named.extend(categories)
        analysis = field_of(found, "analysis")
        if label not in verdict.said or not isinstance(analysis, str) or not analysis.strip():
            raise ParseError(lacking)
        text = plain(analysis).strip()
        if self.checks:
            if reason := fault(text, reading.sources, reading.placeholders):
                raise ParseError(reason)
            if contradicts(text, label, verdict.scheme):
                raise ParseError("contradicts")
        return Vote(model, label, text, intent, refusal, categories)
