"""Why a cell fell short, in the user's words: who did what, how often."""

from collections.abc import Iterator, Sequence
from typing import Any

from synth.quality.doubts.evidence import Evidence, Who
from synth.quality.doubts.votes import RoleNames
from synth.stages.parsing import meaning_of

ALIKE = 3
"""Queries of one call that are alike, from which on they are told."""
MORE_QUERIES = (
    "another or a larger model as writer, or more `query.elements`, brings new ones; a smaller -n needs fewer"
)
"""The way out where a writer repeats itself."""


def cause(evidence: Evidence, cast: RoleNames, lane: str, status: str) -> dict[str, Any] | None:
    """Who brought a lane's cell to the end `status`, in words, with three samples; None where nobody can be named."""
    kind, _, reason = status.partition(": ")
    if kind == "exhausted" and reason == "novelty":
        return _repeats(evidence, cast, lane)
    if kind not in ("stalled", "blocked"):
        return None
    reason = "query.refusal" if kind == "blocked" else reason
    return _told(evidence, list(_of_drops(evidence, cast, reason)), (meaning_of(reason) or ("", ""))[1])


def _repeats(evidence: Evidence, cast: RoleNames, lane: str) -> dict[str, Any] | None:
    found = evidence.lanes.get(lane)
    if found is None or not found.by:
        return None
    model = min(found.by, key=lambda name: (-found.by[name], name))
    who = (cast.roles.get((next(iter(cast.gate), ""), model), "writer"), model)
    alike = f"; {found.alike} of {found.of} in one call alike" if found.alike >= ALIKE else ""
    words = f"{_name(who)} repeats itself: {found.known:,} of {found.written:,} queries were known already{alike}; {MORE_QUERIES}"
    return {"words": words, "samples": evidence.samples_of("repeats", who)}


def _of_drops(evidence: Evidence, cast: RoleNames, reason: str) -> Iterator[tuple[str, str, Who]]:
    """What a reason comes to for each role that has to do with it: words, the measure that counted it, and who."""
    if reason == "judge.no_verdict":
        yield from _silent(evidence)
    elif reason == "judge.other_label":
        yield from _other_labels(evidence)
    elif reason == "judge.hard":
        if seats := ", ".join(_name(seat) for seat in cast.seats if seat is not None):
            yield f"the judges {seats} differ", "", ("", "")
    else:
        measure = f"drop {reason}"
        for who in evidence.who(measure):
            said, _ = meaning_of(reason) or (f"lost to {reason}", "")
            yield f"{_name(who)}: {evidence.share(measure, who).count:,} replies or rows {said}", measure, who


def _silent(evidence: Evidence) -> Iterator[tuple[str, str, Who]]:
    for who in evidence.who("no_verdict"):
        if (share := evidence.share("no_verdict", who)).count:
            yield f"{_name(who)} gave no verdict {share.count:,} of {share.n:,} times", "no_verdict", who


def _other_labels(evidence: Evidence) -> Iterator[tuple[str, str, Who]]:
    for kind in sorted(evidence.shares):
        for who in evidence.who(kind) if kind.startswith("stance ") else ():
            share = evidence.share(kind, who)
            if 2 * share.count > share.n:
                stance = kind.partition(" ")[2]
                yield f"{_name(who)} missed the label {share.count:,} of {share.n:,} times as `{stance}`", kind, who


def _told(evidence: Evidence, found: Sequence[tuple[str, str, Who]], way_out: str) -> dict[str, Any] | None:
    if not found:
        return None
    samples = [sample for _, measure, who in found for sample in evidence.samples_of(measure, who)]
    lines = [*(words for words, _, _ in found), *filter(None, [way_out])]
    return {"words": "; ".join(lines), "samples": samples[:3]}


def _name(who: Who) -> str:
    return f"{who[0]} ({who[1]})"
