"""What a run will ask for, before anything is asked: calls, tokens and cost, as a range. A folder's journal is not looked at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from synth.plan.lanes import LaneSpec
from synth.plan.rounds import next_round
from synth.quality.controls import ASKED, MORE
from synth.quality.grid import Grid
from synth.recipe.checks import SEMANTIC
from synth.recipe.routing import first_asked
from synth.recipe.schema import Recipe
from synth.run import prefixes
from synth.run.compile import CompiledRecipe
from synth.run.controls import questions_of
from synth.run.prefixes import QUERY, TOKENS_A_CHARACTER, Lengths, Prefixes, lengths
from synth.stages.embed import NAME as EMBED
from synth.stages.flow import Flow
from synth.stages.together import rows_per_call
from synth.types import CONTROLS, Label, Round, Targets

SLOTS_LOW, SLOTS_HIGH = 1.15, 2.5
"""Slots asked for each accepted row, in an estimate: if nearly all hit, and if most miss."""
PAGES_HIGH = 2.0
"""The most vectors that a run asks for, as a multiple of those of a first round."""
ANSWER_LOW, ANSWER_HIGH = 0.2, 0.7
"""The share of `max_tokens` that an answer takes in an estimate, low and high."""


KNOWN = 5
"""Replies of a stage from which on an estimate goes by what they took."""


@dataclass(slots=True)
class Measured:
    """For an estimate: what the replies of a stage have taken so far."""

    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    timed: int = 0
    """How many of these replies were waited for; the others stood in the journal."""
    seconds: float = 0.0
    """How long those were waited for, added up."""

    @property
    def each(self) -> float | None:
        """Seconds that one of these replies took, on the average; None if none was waited for."""
        return self.seconds / self.timed if self.timed else None


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    roles: Sequence[str]
    low: float
    """Calls."""
    high: float
    lengths: Lengths
    """Of its rendered prompts."""
    answers: bool = True
    """Whether tokens come back."""
    rows: int = 1
    """For how many rows a reply answers at most."""


@dataclass(frozen=True)
class StageEstimate:
    """What one stage of a run will ask for: calls and tokens in and out, each from low to high."""

    stage: str
    roles: Sequence[str]
    calls: tuple[float, float]
    tokens_in: tuple[float, float]
    tokens_out: tuple[float, float]
    cache: Prefixes
    """What of the tokens in a cache of prompts would save."""


@dataclass(frozen=True)
class Estimate:
    """What a run will ask for, stage by stage, and what that costs at the recipe's prices, from low to high."""

    stages: Sequence[StageEstimate]
    cost: tuple[float, float] | None
    """None where no model of the recipe has a price."""

    def parts(self) -> Iterator[str | Grid]:
        """The estimate for the terminal: a table of stages, then the cost."""
        rows = [
            [one.stage, _range(*one.calls), _range(*one.tokens_in), _range(*one.tokens_out), ", ".join(one.roles)]
            for one in self.stages
        ]
        yield Grid(("stage", "calls", "tokens in", "tokens out", "roles"), rows, words=(0, 4))
        if self.cost is None:
            yield "cost: unknown; give `price: {input: , output: }` per million tokens under `models`"
        else:
            yield "cost: {:,.2f} to {:,.2f}, at the recipe's prices".format(*self.cost)
        low, high = (sum(one.tokens_in[end] for one in self.stages) for end in (0, 1))
        yield from prefixes.parts([(one.stage, one.cache) for one in self.stages], (low, high))


def estimate(
    compiled: CompiledRecipe,
    chosen: Sequence[LaneSpec],
    targets: Targets,
    measured: Mapping[str, Measured] | None = None,
) -> Estimate:
    """An estimate of a run, stage by stage: calls and tokens in and out, low and high; the cost where the
    recipe gives prices. Stages whose replies were `measured` are held to go on as these."""
    recipe, seen = compiled.recipe, measured or {}
    found, low_cost, high_cost = [], 0.0, 0.0
    for stage in _stages(compiled, chosen, targets):
        asked = _asked(recipe, stage.roles)
        tokens, *out = _tokens(recipe, stage, asked, seen.get(stage.name))
        calls, told = (stage.low, stage.high), (stage.low * tokens, stage.high * tokens)
        models = len({recipe.models[role].named for role in asked})
        cache = prefixes.prefixes(stage.lengths, tokens, calls, len(chosen), models)
        found.append(StageEstimate(stage.name, [*dict.fromkeys(stage.roles)], calls, told, (out[0], out[1]), cache))
        low_cost += _cost(recipe, asked, told[0], out[0])
        high_cost += _cost(recipe, asked, told[1], out[1])
    priced = any(role.charged for role in recipe.models.values())
    return Estimate(found, (low_cost, high_cost) if priced else None)


def _tokens(
    recipe: Recipe, stage: _Stage, asked: Mapping[str, float], seen: Measured | None
) -> tuple[float, float, float]:
    """Tokens of one of a stage's prompts, and of all its answers, at least and at most."""
    if seen is not None and seen.replies >= KNOWN:
        each = seen.tokens_out / seen.replies
        return seen.tokens_in / seen.replies, stage.low * each, stage.high * each
    out = stage.answers * stage.rows * sum(share * recipe.models[role].max_tokens for role, share in asked.items())
    return stage.lengths.whole * TOKENS_A_CHARACTER, stage.low * out * ANSWER_LOW, stage.high * out * ANSWER_HIGH


def seconds(
    compiled: CompiledRecipe, chosen: Sequence[LaneSpec], targets: Targets, measured: Mapping[str, Measured]
) -> tuple[float, float] | None:
    """Of an estimated run, how long its answers take one after the other, low and high, in seconds; None where a
    stage's answers were not timed."""
    stages = _stages(compiled, chosen, targets)
    each = [measured[stage.name].each if stage.name in measured else None for stage in stages]
    if None in each:
        return None
    low, high = (
        sum(getattr(stage, end) * (one or 0.0) for stage, one in zip(stages, each, strict=True))
        for end in ("low", "high")
    )
    return low, high


def _stages(compiled: CompiledRecipe, chosen: Sequence[LaneSpec], targets: Targets) -> list[_Stage]:
    flow, size = compiled.flow, compiled.flow.source.size
    wanted = {spec.lane.id: _wanted(compiled, spec, targets[spec.lane.id]) for spec in chosen}
    rows = sum(sum(lacks.values()) for lacks in wanted.values())
    whole = [replace(spec, assumed_yield=None) for spec in chosen]  # no pilot: all that a lane may come to ask for
    plans = [plan for spec in whole if (plan := next_round(spec, wanted[spec.lane.id], []))]
    pages = (
        sum(ceil(max(wanted[plan.lane].values()) / size) for plan in plans),
        sum(ceil(plan.count / size) for plan in plans),
    )
    found = []
    for name, roles in _asking(compiled):
        bound = next((bound for bound in flow.stages if bound.name == name), None)
        if bound is None:  # vectors
            least = sum(max(wanted[plan.lane].values()) for plan in plans)
            most = sum(plan.count * (1 + sum(plan.operators.values())) for plan in plans)
            found.append(_Stage(EMBED, roles, least, most * PAGES_HIGH, Lengths(QUERY, 0, 0), answers=False))
            continue
        grown = sum(plan.count * _share(flow, chosen, plan, name) for plan in plans)
        of = {"source": pages, "branch": (grown, grown), "step": (rows * SLOTS_LOW, rows * SLOTS_HIGH)}
        low, high = bound.stage.calls(*of[bound.stage.kind])
        length, most = lengths(compiled, chosen, bound, several=True), rows_per_call(bound.stage)
        found.append(_Stage(name, roles, low, high, length, rows=most))
    return [*found, *_controls(compiled, chosen)]


def _controls(compiled: CompiledRecipe, chosen: Sequence[LaneSpec]) -> list[_Stage]:
    """What judges are asked to see whether they can judge, and as much again should that be open."""
    if (questions := questions_of(compiled)) is None:
        return []
    roles = [judge.roles[0] for judge in questions.judges]
    bound = next(bound for bound in compiled.flow.stages if bound.stage is questions.panel)
    length = lengths(compiled, chosen, bound, several=False)
    return [_Stage(CONTROLS, roles, ASKED * len(roles), (ASKED + MORE) * len(roles), length)]


def _asking(compiled: CompiledRecipe) -> list[tuple[str, list[str]]]:
    """The stages that ask models, in the order of a row's life, with the roles that each asks."""
    found: dict[str, list[str]] = {}
    for place, role in compiled.recipe.roles_named():
        found.setdefault(EMBED if place == SEMANTIC else place.partition(".")[0], []).append(role)
    return list(found.items())


def _share(flow: Flow, chosen: Sequence[LaneSpec], plan: Round, branch: str) -> float:
    """How many queries a branch makes of one root, on the average."""
    spec = next(spec for spec in chosen if spec.lane.id == plan.lane)
    return sum(share for name, share in plan.operators.items() if flow.branch_of(spec, name) == branch)


def _wanted(compiled: CompiledRecipe, spec: LaneSpec, wanted: Mapping[Label, int | None]) -> dict[Label, int]:
    available = compiled.flow.source.available(spec) or 0
    return {label: available if count is None else count for label, count in wanted.items() if label in spec.cells}


def _asked(recipe: Recipe, names: Sequence[str]) -> dict[str, float]:
    """The share of a stage's calls for each model's role: its roles evenly, of a mixture by weight, of a chain the first."""
    found: dict[str, float] = {}
    for name in names:
        for role, share in first_asked(name, recipe.composed).items():
            found[role] = found.get(role, 0.0) + share / len(names)
    return found


def _cost(recipe: Recipe, asked: Mapping[str, float], tokens_in: float, tokens_out: float) -> float:
    """The cost of these tokens; roles without a price cost nothing."""
    prices = [(share, recipe.models[role].charged) for role, share in asked.items()]
    return sum(share * (price.input * tokens_in + price.output * tokens_out) / 1e6 for share, price in prices if price)


def _range(low: float, high: float) -> str:
    return f"{low:,.0f} to {high:,.0f}"
