"""What a stage is: a module with `Options`, the keys under its name in a recipe, and `bind`, which makes of them a source of queries,
a branch that makes more of a query, or a step of every row. The module's name, or its entry point's, is the stage's.

A class of one of the three inherits what it does not say itself. What a stage promises the flow makes sure of, not the stage.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from synth.dedup.passages import Passages
from synth.errors import ConfigError, ParseError
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
    """What a row is wanted for: a label, and the weights of the stances in which an answer may be asked for. The
    user's own pairs have no slot."""

    label: Label
    stances: Mapping[Stance, float]
    """The weight of each stance in which an answer for this label may be asked for."""


class _Stage(Protocol):
    """What every stage may say of itself: the prompts it uses in a lane, and how many calls it makes."""

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """What every stage says of a lane: whether the prompt of that name may be used in it."""
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
    """Whether this source's queries come with answers, as pairs do."""
    from_file: ClassVar[bool] = False
    """Whether a source reads rows of a user's file: those of its `lanes`, and no more than are `available` in each."""
    from_run: ClassVar[bool] = False
    """Whether a source's rows are those of another run: gate and text rules have let them pass, and are not asked again."""
    books: ClassVar[str] = ""
    """The stage name under which a source's drops and calls are counted; empty: its own name."""
    size: int
    """How many coordinates (places for a query) one page of a source holds."""
    widest: int = 0
    """The highest level to which a source's lanes can be widened; see `plan.rounds.WIDEST`."""
    lanes: Collection[str] = ()
    """The ids of the lanes that have rows in a source's file."""
    hash: str | None = None
    """The hash of the file that a source reads; None for a source without one."""
    passages: Passages | None = None
    """The passages that many rows of a source's file share; None where the recipe does not ask for them."""
    missing: str = ""
    """What a source must still be told before a run, as a line for the user; empty: nothing."""

    def available(self, spec: LaneSpec) -> int | None:
        """What every source says of a lane: how many coordinates it has for it; None is no limit."""
        del spec
        return None

    def request(self, spec: LaneSpec, call: int) -> Request | None:
        """What every source says of a lane's `call`-th page: its request, to the model that is asked first; None where
        a page costs no call."""
        del spec, call
        return None

    def variables(self, spec: LaneSpec, call: int) -> Mapping[str, Any]:
        """What every source tells its prompts of a lane's `call`-th page besides the lane itself; none where a page
        costs no call."""
        del spec, call
        return {}

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """What every source gives for one page of a lane: its queries, and a drop for each coordinate that has none."""
        ...


class Branch(_Stage, Protocol):
    """A stage that makes more queries of a root query, before the near-duplicate check; it only ever adds."""

    kind: ClassVar[Kind] = "branch"
    plain: ClassVar[Collection[str]] = ()
    """The names (of `shares`) under which a branch may make queries in refuse-only lanes too."""
    same_request: Collection[str] = ()
    """The names (of `shares`) whose queries are known to ask for what their root asks for. Nothing checks what a
    model makes of that."""

    def shares(self, spec: LaneSpec) -> Mapping[str, float]:
        """What every branch says of a lane: the share of root queries that it makes one of, for each kind of query, by
        name."""
        ...

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        """What every branch makes of a root query, its parent: a query of the given kind, or a drop with the reason."""
        ...


class Step(_Stage, Protocol):
    """A stage that works on one row after the near-duplicate check. It knows no order and no count, and leaves the
    query as it is."""

    kind: ClassVar[Kind] = "step"
    responds: ClassVar[bool] = False
    """Whether a step gives rows their answer."""
    judges: ClassVar[bool] = False
    """Whether a step gives rows their label."""
    rewrites: ClassVar[bool] = False
    """Whether a step changes the answer or the turns before the query. Earlier verdicts on the row are then void: a
    step that judges must follow. In refuse-only lanes such a step is left out."""
    redacts: ClassVar[bool] = False
    """Whether a step takes out of answers what may leave the journal in no form: what it `withholds` until then. It stands
    behind what answers, and before every judge."""

    seats: Sequence[tuple[str, str]] = ()
    """The judges of a step that gives labels, as (role, model), in the order in which a row's votes stand."""

    def withholds(self, spec: LaneSpec, sample: Sample) -> bool:
        """What every step says of a row that has not come to it: whether it has yet to take out of the answer what may leave
        the journal in no form. A drop before that shows no word of it."""
        del spec, sample
        return False

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """What every step gives for a row: the row changed, dropped with the reason, or set aside."""
        ...


@dataclass(frozen=True)
class PromptOf:
    """A prompt that a stage has loaded, with examples of the variables that this stage alone offers it."""

    prompt: Prompt
    examples: Mapping[str, Any]


def _nothing_made(folder: str, split: str) -> Iterable[Mapping[str, Any]]:
    del split
    raise ConfigError(f"{folder}: rows of another run cannot be read here")


@dataclass(frozen=True)
class Context:
    """What a stage is given when it is bound: the recipe's seed, labels, lanes and taxonomy, and how it gets prompts
    and models."""

    name: str
    """The name of the stage that is bound, as the recipe has it."""
    seed: int
    labels: LabelScheme
    taxonomy: Taxonomy
    specs: Sequence[LaneSpec]
    """The recipe's lanes, also those for which a file of the user's may turn out to have no row."""
    answers: bool
    """Whether the recipe's rows have answers."""
    stats: ReplyStats
    """Where the stage counts what became of its replies."""
    router: Callable[[str], Router]
    """Gives for a role's name the router that picks whom a stage asks."""
    model_of: Callable[[str], str]
    """Gives the model's name for a role; for a mixture or chain the names of all its models."""
    max_tokens: Callable[[str], int]
    """Gives for a role's name the most tokens that each of its models may answer."""
    load: Load
    """Reads a prompt by name, checks its variables and keeps its text for the journal's inputs."""
    as_data: Callable[[str], str]
    """How an untrusted text is written between the tags of a prompt."""
    as_turn: Callable[[str], str]
    """How an untrusted text is written where it is a whole turn."""
    passages: bool = False
    """Whether a source finds the passages that many rows of its file share."""
    made: Callable[[str, str], Iterable[Mapping[str, Any]]] = _nothing_made
    """Gives the rows of a split of another run's dataset, by folder and split, their texts as they were judged."""
    prompts: list[PromptOf] = field(default_factory=list)
    """The prompts that the stage has asked for while it was bound."""

    def prompt(self, name: str, offered: Iterable[str] | Mapping[str, Any]) -> Prompt:
        """What a stage is given by its context: the prompt of that name; it may use the variables offered. For
        variables that are this stage's own, an example is offered along: `synth check` renders the prompt with it."""
        found = self.load(name, offered)
        self.prompts.append(PromptOf(found, dict(offered) if isinstance(offered, Mapping) else {}))
        return found

    def asker(
        self, role: str, prompt: str, more: Mapping[str, Any] | None = None, **properties: Mapping[str, Any]
    ) -> Asker:
        """What a stage is given by its context: an asker for one role and prompt, whose reply is an object with these
        properties (a JSON schema each). `more` are examples of what only this stage offers the prompt."""
        found = self.prompt(prompt, dict.fromkeys(OFFERED) | dict(more or {}))
        schema = object_schema(self.name, **properties)
        return Asker(self.name, self.router(role), found, schema, self.seed, self.as_data)
