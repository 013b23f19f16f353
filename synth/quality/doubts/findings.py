"""Doubts, found in what was counted of a run: which role fails in which way, how often, and whether that speaks against the whole."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from synth.quality.doubts.bounds import LEAST, alone_on, chance_pairs, exceeds, odd_one
from synth.quality.doubts.evidence import Evidence, Share, Who, facts_of
from synth.quality.doubts.measures import LEAST_SAID, MEASURES, ONE_ANALYSIS, STANCE, Measure
from synth.quality.doubts.votes import RoleNames
from synth.recipe.labels import NO_VERDICT

_CLASSES = {"truncated": "cut", "refusal": "refusals", "filtered": "refusals", "unreadable": "unreadable"}
"""What is measured of a reply by its class."""
_PANEL = "give the judges other models, or a prompt they can follow"


@dataclass(frozen=True)
class Doubt:
    """One thing that speaks against the data: who, what, how often, and three samples."""

    kind: str
    role: str
    model: str
    count: int
    n: int
    words: str
    """What was found, with its figures and share."""
    mend: str
    """What the user may change."""
    samples: list[dict[str, str]]
    whole: bool = False
    """Whether it speaks against the whole data set."""

    def facts(self) -> dict[str, Any]:
        """The doubt as run.json has it."""
        return asdict(self) | {"share": round(self.count / self.n, 4) if self.n else 0.0}

    def __str__(self) -> str:
        return f"{self.role} ({self.model}): {self.words}; {self.mend}"


def doubts(
    evidence: Evidence,
    cast: RoleNames,
    replies: Mapping[tuple[str, str, str], int],
    controls: Iterable[Mapping[str, Any]] = (),
) -> list[Doubt]:
    """All doubts about a run, those that speak against the whole first. `replies` are counts by model, template and class,
    `controls` what judges came to on pairs with known labels."""
    unfit = [one for one in controls if one["verdict"] == "unfit"]
    found = [
        *map(_unfit, unfit),
        *_panel(evidence, cast, {one["role"] for one in unfit}),
        *_of_texts(evidence),
        *_of_said(evidence),
        *_of_replies(evidence, cast, replies),
    ]
    return sorted(found, key=lambda doubt: (not doubt.whole, doubt.kind, doubt.role, doubt.model))


def against_the_whole(found: Iterable[Doubt]) -> Doubt | None:
    """The first of these doubts that speaks against the whole data set."""
    return next((doubt for doubt in found if doubt.whole), None)


def _unfit(judge: Mapping[str, Any]) -> Doubt:
    """A judge whose controls say that it cannot judge."""
    right, n = judge["right"], judge["n"]
    words = f"{right} of {n} pairs with known labels judged right ({right / n:.0%}), too few for a judge"
    samples = [
        {"place": one["id"], "text": f"is {one['known']}, judged {one['said'] or 'not at all'}: {one['analysis']}"}
        for one in judge["samples"]
    ]
    mend = "take another model for it"
    return Doubt("unfit_judge", judge["role"], judge["model"], n - right, n, words, mend, samples, whole=True)


def _of_texts(evidence: Evidence) -> Iterator[Doubt]:
    for kind, measure in MEASURES.items():
        for who in evidence.who(kind):
            samples = evidence.samples_of(kind, who)
            yield from _judged(kind, measure, who, evidence.share(kind, who), samples)
    for kind in sorted(evidence.shares):
        word, _, stance = kind.partition(" ")
        if word == "stance":
            measure = replace(STANCE, words=STANCE.words.replace("{stance}", stance))
            for who in evidence.who(kind):
                samples = evidence.samples_of(kind, who)
                yield from _judged("stance", measure, who, evidence.share(kind, who), samples)


def _of_said(evidence: Evidence) -> Iterator[Doubt]:
    for who in evidence.who("said"):
        share = evidence.commonest_analysis(who)
        if share.n >= LEAST_SAID:
            yield from _judged("one_analysis", ONE_ANALYSIS, who, share, evidence.samples_of("said", who))


def _of_replies(evidence: Evidence, cast: RoleNames, replies: Mapping[tuple[str, str, str], int]) -> Iterator[Doubt]:
    counts: dict[tuple[str, Who], Counter[str]] = {}
    for (model, template, name), count in replies.items():
        stage = cast.templates.get(template, "")
        if role := cast.roles.get((stage, model)):
            counts.setdefault((stage, (role, model)), Counter())[_CLASSES.get(name, "other")] += count
    for (stage, who), found in sorted(counts.items()):
        for kind in dict.fromkeys(_CLASSES.values()):
            name = "refused" if kind == "refusals" and stage == "respond" else kind
            reasons = [reason for reason, measured in _CLASSES.items() if measured == kind]
            samples = [one for reason in reasons for one in evidence.samples_of(f"drop {stage}.{reason}", who)]
            yield from _judged(name, MEASURES[name], who, Share(found[kind], found.total()), samples[:3])


def _judged(
    kind: str, measure: Measure, who: Who, share: Share, samples: Sequence[Mapping[str, str]]
) -> Iterator[Doubt]:
    if not exceeds(share.count, share.n, measure.fit):
        return
    whole = measure.whole is not None and exceeds(share.count, share.n, measure.whole)
    words = f"{measure.words.format(count=f'{share.count:,}', n=f'{share.n:,}')} ({share.count / share.n:.0%})"
    yield Doubt(kind, *who, share.count, share.n, words, measure.mend, [dict(one) for one in samples], whole)


# --- the panel ---


def _panel(evidence: Evidence, cast: RoleNames, unfit: set[str]) -> Iterator[Doubt]:
    seats = [seat for seat in cast.seats if seat is not None]
    if len(seats) < 2 or len(seats) != len(cast.seats):
        return
    odd = odd_one(evidence.ballots, len(seats))
    if odd is not None:
        yield _odd(evidence, seats, odd)
        return
    pairs = chance_pairs(evidence.ballots, len(seats), least=LEAST)
    if len(seats) > 2 and len(pairs) < len(seats) * (len(seats) - 1) // 2:
        return
    if pairs:
        named = _to_blame(evidence, cast, seats, unfit)
        n, met = _agreed(evidence.ballots)
        yield Doubt(
            "chance",
            " and ".join(role for role, _ in named),
            " and ".join(dict.fromkeys(model for _, model in named)),
            met,
            n,
            f"the judges agree no better than chance: on {met:,} of {n:,} rows ({met / n:.0%})",
            _PANEL,
            facts_of(evidence.odd.get("all", [])),
            whole=True,
        )


def _odd(evidence: Evidence, seats: Sequence[Who], odd: int) -> Doubt:
    """The judge that stands alone; against the whole where it agrees with no other better than chance."""
    alone = {seat: alone_on(evidence.ballots, seat) for seat in range(len(seats))}
    total = sum(alone.values())
    pairs = chance_pairs(evidence.ballots, len(seats), least=0)
    lost = all(tuple(sorted((odd, other))) in pairs for other in range(len(seats)) if other != odd)
    share = f"{alone[odd]:,} of {total:,} rows on which one judge stands alone ({alone[odd] / total:.0%})"
    return Doubt(
        "odd_judge",
        *seats[odd],
        alone[odd],
        total,
        f"differs from all other judges on {share}" + (", and agrees with none better than chance" if lost else ""),
        "give the role another model",
        facts_of(evidence.odd.get(str(odd), [])),
        whole=lost,
    )


def _to_blame(evidence: Evidence, cast: RoleNames, seats: Sequence[Who], unfit: set[str]) -> Sequence[Who]:
    """Of judges that agree no better than chance those whose controls or own analyses speak against them; all of them
    where none or each is such a one."""
    for guilty in (
        [seat for seat in seats if not unfit.isdisjoint((seat[0], *cast.members.get(seat[0], ())))],
        [seat for seat in seats if any(_fails(evidence, kind, seat) for kind in ("empty_analysis", "contradiction"))],
    ):
        if 0 < len(guilty) < len(seats):
            return guilty
    return seats


def _fails(evidence: Evidence, kind: str, seat: Who) -> bool:
    of = [evidence.share(kind, who) for who in evidence.who(kind) if who[0] == seat[0]]
    return any(exceeds(share.count, share.n, MEASURES[kind].fit) for share in of)


def _agreed(voted: Mapping[str, int]) -> tuple[int, int]:
    whole = {votes: count for votes, count in voted.items() if NO_VERDICT not in votes}
    return sum(whole.values()), sum(count for votes, count in whole.items() if len(set(votes)) == 1)
