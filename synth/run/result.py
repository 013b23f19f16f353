"""What an invocation came to: counts, cells, cost, and the exit status it leads to."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from synth.dataset.card import without
from synth.dataset.reader import SPLITS
from synth.dataset.staging import Staging
from synth.engine.ask import Engine
from synth.engine.waiting import thrown_away
from synth.errors import DOUBT, ConfigError, Stopped
from synth.fold.acceptor import Acceptor
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.reader import Reader
from synth.journal.store import Journal
from synth.journal.usage import Prices, Usage, bill
from synth.plan.tally import total
from synth.quality.agreement import agreement
from synth.quality.coverage import coverage
from synth.quality.diversity_report import report
from synth.run.cost import by_cell, by_scenario
from synth.types import HARD, Label

OK, FAILED, SHORT, INTERRUPTED = 0, 1, 3, 130
DOUBTED = f"stopped: {DOUBT}"
"""How a run ends whose data it cannot vouch for."""


@dataclass
class Result:
    """What a run came to: cells, splits, drops, cost and agreement over the folder's life, with the exit status."""

    cells: list[dict[str, Any]]
    """A row for every cell of every lane: target, accepted rows and how it ended."""
    splits: dict[str, int]
    """How many rows each split of the dataset has."""
    dropped: dict[str, int]
    """How many queries and rows were dropped, by `stage.reason`."""
    counts: dict[str, Any]
    calls: int
    """How many calls this invocation made."""
    spent: list[dict[str, Any]]
    """What was spent over the folder's life, by scenario, stage and model: replies, tokens and cost."""
    total: dict[str, Any]
    """The sum of all that was spent; `whole` is false where a model has no price or a server gave no token counts:
    then it is at least so much."""
    coverage: dict[str, Any]
    replies: list[dict[str, Any]]
    """By model, template and subcategory: how many replies were ok, refusals, truncated …"""
    agreement: dict[str, Any]
    """How far the judges agree, as `agreement.agreement` gives it."""
    stopped: str | None = None
    """Why the run stopped early; None if it went to its end."""
    message: str | None = None
    """What the user is told of the stop; None if there was none."""
    status: int = OK
    """The exit status of `synth run`: 0, 1 (failed), 3 (short of its target) or 130 (interrupted)."""
    doubts: list[dict[str, Any]] = field(default_factory=list)
    """What speaks against the data, as `findings.Doubt.facts` gives it; with `whole`, against all of it."""
    notes: list[str] = field(default_factory=list)
    """Lines for the user on the run's backends and judges."""
    controls: list[dict[str, Any]] = field(default_factory=list)
    """By judge: how many pairs with known labels it got right, of how many, with the 95 % interval, whether it is fit, and three it
    got wrong."""
    diversity: dict[str, Any] = field(default_factory=dict)
    """How much queries and answers differ from each other, as `diversity_report.report` gives it."""
    rounds: list[dict[str, int]] = field(default_factory=list)
    """By round over all lanes: how many queries it asked for, how many of them were new, how many rows were accepted of it."""
    asked_without: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the models' servers do not take: by model and field of a request's body what is done about it (`left out` …)."""
    stand_ins: dict[str, int] = field(default_factory=dict)
    """By model, how many of the replies in the folder's journal a stand-in for it made up (`synth serve`)."""


def result_of(
    fold: Fold,
    engine: Engine,
    journal: Journal | Reader,
    staging: Staging,
    *,
    prices: Prices,
    stopped: Stopped | ConfigError | None = None,
) -> Result:
    """The result of a run's fold that has ended, or was stopped."""
    lanes, spent = list(fold.lanes.values()), journal.spent()
    cells = [cell for lane in lanes for cell in _cells(lane, [line for line in spent if line.lane == lane.id], prices)]
    dropped = sum((lane.counts.dropped for lane in lanes), Counter[str]())
    result = Result(
        cells=cells,
        splits={split: staging.count(split) for split in (*SPLITS, *sorted(_aside(lanes).keys() - {*SPLITS}))},
        dropped=dict(sorted(dropped.items())),
        counts=_counts(lanes),
        calls=engine.calls.total(),
        spent=by_scenario(spent, {lane.id: lane.spec.lane.scenario for lane in lanes}, prices),
        total=asdict(bill(spent, prices)),
        coverage=coverage(lanes, staging.elements(), seed=fold.seed, size=fold.page),
        diversity=report(lanes, staging, fold.labels),
        rounds=_rounds(lanes),
        replies=fold.replies.rows(),
        agreement=agreement(
            fold.judges,
            ((lane.spec.lane.subcategory, lane.counts.votes) for lane in lanes),
            fold.labels,
            (lane.counts.answered for lane in lanes),
        ),
        notes=list(engine.models.circuits.notes),
        asked_without=decisions.adapted(journal.decisions()),
        stand_ins=journal.stand_ins(),
    )
    if result.stand_ins:
        result.notes.append(f"{made_up(result.stand_ins)}: for trying things out, not for training")
    result.notes += [
        f"model {model!r} was asked with {without(fields)}, since its server does not take it otherwise"
        for model, fields in result.asked_without.items()
    ]
    if given_up := sum(line.given_up for line in spent):
        result.notes.append(f"{given_up} requests were given up on; --retry-given-up asks for them again")
    result.notes += thrown_away(engine.waiting.thrown_away, engine.models, engine.calls.total())
    result.notes += _damaged(engine)
    result.status = OK if all(cell["status"] == "met" for cell in cells) and any(result.splits.values()) else SHORT
    if stopped is not None:
        result.stopped = f"stopped: {stopped.why if isinstance(stopped, Stopped) else 'provider'}"
        result.message = _message(stopped, cells)
        result.status = _status_of(stopped, rows=any(result.splits.values()))
    return result


def made_up(stand_ins: Mapping[str, int]) -> str:
    """That so many replies of these models, in a run's folder, are those of a stand-in, as the beginning of a line for the user."""
    count, models = sum(stand_ins.values()), ", ".join(map(repr, stand_ins))
    return f"{count:,} replies in this folder, as of {models}, are of a stand-in (`synth serve`), sentence frames of no model"


def said_again(result: Result, engine: Engine) -> list[str]:
    """Those notes of a run's result that the next run there gives too, if it has nothing to ask."""
    passing = {
        *engine.models.circuits.notes,
        *thrown_away(engine.waiting.thrown_away, engine.models, engine.calls.total()),
        *_damaged(engine),
    }
    return [note for note in result.notes if note not in passing]


def _damaged(engine: Engine) -> list[str]:
    damaged = len(engine.damaged)
    return [f"{damaged} replies in the journal were not what was written; they were asked for again"] if damaged else []


def _rounds(lanes: list[Acceptor]) -> list[dict[str, int]]:
    """What each round came to, over all lanes that had it."""
    found: dict[int, Counter[str]] = {}
    for tally in (tally for lane in lanes for tally in lane.tallies):
        told = {"lanes": 1, "asked": tally.plan.count, "new": tally.roots, "accepted": tally.accepted}
        found.setdefault(tally.plan.sweep, Counter()).update(told)
    return [{"round": sweep, **found[sweep]} for sweep in sorted(found)]


def _grounds(lane: Acceptor, label: Label) -> dict[str, Any] | None:
    """The figures a cell that fell short was judged by, and the same in words."""
    if lane.status(label) == "met" or (end := lane.grounds(label)) is None:
        return None
    return asdict(end) | {"share": end.share, "words": str(end)}


def _kept_free(lane: Acceptor, label: Label) -> dict[str, dict[str, int]]:
    """The rows by axis and value that a cell that fell short has kept free for them in vain."""
    lacks = {} if lane.status(label) == "met" else lane.quota.lacks.get(label, {})
    found = {
        axis: {value: rows for value, rows in sorted(values.items()) if rows > 0} for axis, values in lacks.items()
    }
    return {axis: values for axis, values in found.items() if values}


def _floors(lane: Acceptor, label: Label) -> dict[str, dict[str, Any]]:
    """For each stance of a cell that has a floor: how many accepted rows it came to, whether that is under the floor, and its yield."""
    rows, found = lane.counts.accepted[label], {}
    for stance, floor in lane.spec.floors.get(label, {}).items():
        accepted = lane.counts.stances.get(label, Counter())[stance]
        found[str(stance)] = {
            "floor": floor,
            "accepted": accepted,
            "share": accepted / rows if rows else None,
            "under": accepted < int(floor * rows),  # of few rows none need be
            "slots": sum(tally.slots.get(label, Counter())[stance] for tally in lane.tallies),
            "hits": sum(tally.hits.get(label, Counter())[stance] for tally in lane.tallies),
        }
    return found


def _message(stopped: Stopped | ConfigError, cells: list[dict[str, Any]]) -> str:
    if not isinstance(stopped, Stopped) or stopped.why != "budget":
        return str(stopped)
    wanted = sum(cell["target"] or 0 for cell in cells)
    lacking = sum(max(0, (cell["target"] or 0) - cell["accepted"]) for cell in cells)
    short = f"{lacking:,} of {wanted:,} rows are lacking; " if wanted else ""
    return f"{stopped}; {short}run the same command with a larger one to go on"


def _aside(lanes: list[Acceptor]) -> Counter[str]:
    return sum((lane.counts.aside for lane in lanes), Counter[str]())


def _counts(lanes: list[Acceptor]) -> dict[str, Any]:
    """born = accepted + surplus + aside + dropped; `aside` is by split, and `hard`, one of these, stands beside it too;
    `unanswered`, queries that nobody had to answer, are among the surplus."""
    counts = [lane.counts for lane in lanes]
    return {
        "born": sum(count.born for count in counts),
        "accepted": sum(sum(count.accepted.values()) for count in counts),
        "surplus": sum(sum(count.surplus.values()) + count.unanswered for count in counts),
        "hard": _aside(lanes)[HARD],
        "dropped": sum(sum(count.dropped.values()) for count in counts),
        "unanswered": sum(count.unanswered for count in counts),
        "aside": dict(sorted(_aside(lanes).items())),
    }


def _cells(lane: Acceptor, lines: list[Usage], prices: Prices) -> list[dict[str, Any]]:
    spent = by_cell(lane, lines, prices)
    return [
        {
            "scenario": lane.spec.lane.scenario,
            "subcategory": lane.spec.lane.subcategory,
            "name": str(lane.spec.subcategory["name"]),
            "query_type": lane.spec.lane.query_type,
            "label": label,
            "target": lane.targets[label],
            "accepted": lane.counts.accepted[label],
            "surplus": lane.counts.surplus[label],
            "status": lane.status(label),
            "grounds": _grounds(lane, label),
            "kept_free": _kept_free(lane, label),
            "floors": _floors(lane, label),
            "slots": total(lane.tallies, label, "slots"),
            "hits": total(lane.tallies, label, "hits"),
            **spent[label],
        }
        for label in lane.spec.labels.names
        if label in lane.targets
    ]


def _status_of(stopped: Stopped | ConfigError, *, rows: bool) -> int:
    if isinstance(stopped, ConfigError):
        return stopped.status
    if stopped.why == "interrupted":
        return INTERRUPTED
    return SHORT if rows or stopped.why == DOUBT else FAILED
