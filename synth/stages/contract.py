"""What a stage is: a module with `Options`, the keys under its name in a recipe, and `bind`, which makes of them a source of queries,
a branch that makes more of a query, or a step of every row. The module's name, or its entry point's, is the stage's.

A class of one of the three inherits what it does not say itself. What a stage promises the flow makes sure of, not the stage.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from synth.errors import ParseError
from synth.plan.lanes import LaneSpec
from synth.recipe.backend import Frozen
from synth.recipe.labels import LabelScheme
from synth.recipe.prompt import Load, Prompt
from synth.recipe.stages import Kind
from synth.recipe.taxonomy import Taxonomy
from synth.stages.asker import OFFERED, Asker
from synth.stages.fallback import Router
from synth.stages.lenient_json import field as field_of
from synth.stages.reply_stats import ReplyStats
from synth.stages.requester import object_schema
from synth.types import Aside, Ask, Drop, Judged, Label, Note, Request, Sample, Stance

__all__ = [
    "Aside",
    "Ask",
    "Branch",
    "Context",
    "Drop",
    "Frozen",
    "Judged",
    "Note",
    "ParseError",
    "Sample",
    "Slot",
    "Source",
    "Step",
    "field_of",
]

Written: TypeAlias = list[tuple[int, Sample | Drop]]
"""What one page of a lane's queries holds, by coordinate, ascending; a coordinate may be missing."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a row is wanted for: a label, and the stances by weight in which an answer may be asked for. A pair of the user's has none."""

    label: Label
    stances: Mapping[Stance, float]


class _Stage(Protocol):
    """What every stage may say of itself."""

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """Whether the prompt of that name may be used in a lane."""
        del spec, prompt
        return True

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """How many calls it makes, at least and at most: of a source for so many pages, of a branch for so many queries of its making,
        of a step for so many rows."""
        return low, high


class Source(_Stage, Protocol):
    """Where a lane's queries come from, page by page: page k holds coordinates k * size … k * size + size - 1."""

    kind: ClassVar[Kind] = "source"
    answered: ClassVar[bool] = False
    """Whether its queries come with answers."""
    from_file: ClassVar[bool] = False
    """Whether it holds rows of a file: those of its `lanes`, and no more than are `available`."""
    books: ClassVar[str] = ""
    """The stage its drops and calls stand under; nothing: its own name."""
    size: int
    """Coordinates of a page."""
    widest: int = 0
    """How far its lanes can be widened: see `plan.rounds.WIDEST`."""
    lanes: Collection[str] = ()
    """The ids of the lanes that have rows in its file."""
    hash: str | None = None
    """Of its file."""

    def available(self, spec: LaneSpec) -> int | None:
        """How many coordinates the lane has; None is no limit."""
        del spec
        return None

    def request(self, spec: LaneSpec, call: int) -> Request | None:
        """The request of a lane's `call`-th page, to the first who is asked; None where a page costs no call."""
        del spec, call
        return None

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The queries of one page, and a drop where there is none."""
        ...


class Branch(_Stage, Protocol):
    """Makes more queries of a root query, before the near-duplicate check; it only ever adds."""

    kind: ClassVar[Kind] = "branch"
    plain: ClassVar[Collection[str]] = ()
    """The names of its queries (of `shares`) that may also be made in refuse-only lanes."""
    same_request: Collection[str] = ()
    """The names of its queries that are known to ask for what their root asks for. Nothing checks that of a model's."""

    def shares(self, spec: LaneSpec) -> Mapping[str, float]:
        """By name the queries it may make of one of this lane's root queries, and the share of them it makes it of."""
        ...

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        """The new query of that name, its root as parent, or why there is none."""
        ...


class Step(_Stage, Protocol):
    """What happens to one row after the near-duplicate check. It knows no order and no count, and leaves the query as it is."""

    kind: ClassVar[Kind] = "step"
    responds: ClassVar[bool] = False
    """Whether it gives rows their answer."""
    judges: ClassVar[bool] = False
    """Whether it gives rows their label."""
    rewrites: ClassVar[bool] = False
    """Whether it changes the answer or the turns before the query. What was said of the row before is then void: a step that judges
    must follow. In refuse-only lanes it is left out."""

    seats: Sequence[tuple[str, str]] = ()
    """Of one that judges: role and model of each who votes, in the order of a row's votes."""

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row as it goes on, what stopped it, or the row set aside."""
        ...


@dataclass(frozen=True)
class PromptOf:
    """A prompt that a stage has asked for, with an example of what only that stage offers it."""

    prompt: Prompt
    examples: Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """What a stage is bound with."""

    name: str
    """The stage's."""
    seed: int
    labels: LabelScheme
    taxonomy: Taxonomy
    specs: Sequence[LaneSpec]
    """The recipe's lanes, those included of which a file of the user's may have no row."""
    answers: bool
    """Whether rows have answers."""
    stats: ReplyStats
    router: Callable[[str], Router]
    """Who is asked for a role."""
    model_of: Callable[[str], str]
    """The name of a role's model; of a role made of others, the names of all of them."""
    load: Load
    """Reads a prompt, and keeps what it was."""
    prompts: list[PromptOf] = field(default_factory=list)
    """Those the stage has asked for."""

    def prompt(self, name: str, offered: Iterable[str] | Mapping[str, Any]) -> Prompt:
        """The prompt of that name, which may use the variables offered. Of one that is this stage's own, an example is offered
        along: `synth check` renders the prompt with it."""
        found = self.load(name, offered)
        self.prompts.append(PromptOf(found, dict(offered) if isinstance(offered, Mapping) else {}))
        return found

    def asker(
        self, role: str, prompt: str, more: Mapping[str, Any] | None = None, **properties: Mapping[str, Any]
    ) -> Asker:
        """Asks a role about rows, with the prompt of that name, for an object of these properties (a JSON schema each). `more` are
        examples of what only this stage offers the prompt."""
        found = self.prompt(prompt, dict.fromkeys(OFFERED) | dict(more or {}))
        return Asker(self.name, self.router(role), found, object_schema(self.name, **properties), self.seed)
