"""Every noun of synth, on one screen or two. Imports nothing of ours."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Label: TypeAlias = Literal["safe", "unsafe"]
QueryType: TypeAlias = Literal["harmful", "benign"]
Stance: TypeAlias = Literal["natural", "refuse", "comply", "safe_complete", "partial", "redact"]

LABELS: tuple[Label, ...] = ("unsafe", "safe")


# --- what is asked of a model, and what comes back ---


def named(model: str, revision: str | None) -> str:
    """A model's name with its revision, if it has one."""
    return f"{model}@{revision}" if revision else model


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant", "text", "embed"]
    """`text` is no turn of a conversation: plain text, for a base model to go on with."""
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One logical request. Everything in it bears identity (`keys.key_of`); how and where it is sent does not."""

    family: str
    """`model`, or the name and version of a backend that is no model (`offline/1`): the two never share replies."""
    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    schema: Mapping[str, Any] | None
    """The JSON schema asked for; None asks for plain text."""
    draw: tuple[str | int, ...]
    """The coordinates that make a wanted repeat of the same words a request of its own."""
    revision: str = ""
    """Which of the models that its server calls by that name; the server is not told."""

    @property
    def named(self) -> str:
        """The model as it bears identity and is booked: two revisions never share replies."""
        return named(self.model, self.revision)

    @property
    def begun(self) -> str:
        """What the answer begins with: the last message, where that is the assistant's. The model goes on from there."""
        return self.messages[-1].content if self.messages[-1].role == "assistant" else ""

    @property
    def text(self) -> str | None:
        """All of it as plain text, where it is no conversation."""
        return "".join(part.content for part in self.messages) if self.messages[0].role == "text" else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, raw. What it amounts to (a refusal, broken JSON …) is found out at every reading."""

    text: str
    """With what the answer was begun with; empty if the model added nothing to it."""
    finish: str = "stop"
    """`stop`, `length` or `content_filter`, as the server says; `rejected`, `gave_up` or `outage` where there is no answer."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the plan a request belongs: decides who is served first and where its cost is booked, never the answer."""

    role: str
    stage: str
    lane: str
    position: int = 0
    spare: bool = False
    """Whether another model is asked should this one be out: the engine then gives a reply that says so."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How fast a model may be asked at most, and for how long one answer is waited."""

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    timeout: float = 300.0

    def least(self, other: "Ceiling") -> "Ceiling":
        """Both held at once."""

        def lower(one: int | None, two: int | None) -> int | None:
            return min((value for value in (one, two) if value is not None), default=None)

        return Ceiling(
            lower(self.concurrency, other.concurrency),
            lower(self.rpm, other.rpm),
            lower(self.tpm, other.tpm),
            min(self.timeout, other.timeout),
        )


# --- the row ---


@dataclass(frozen=True, slots=True)
class Element:
    axis: str
    value: str


@dataclass(frozen=True, slots=True)
class Vote:
    """One judge's word. A judge that failed, refused or could not be read gives no verdict: `label` is None."""

    judge: str
    label: Label | None
    analysis: str | None = None
    query_label: QueryType | None = None


def ballot(votes: Iterable[Vote]) -> str:
    """The votes on one row in short, a character a seat of the panel: `u` unsafe, `s` safe, `-` no verdict."""
    return "".join("-" if vote.label is None else vote.label[0] for vote in votes)


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a row came to be: a fixed set of fields, so that it is one Parquet struct."""

    seed: int
    draw: str
    """Place in the plan: `lane#call.item`, then `+operator` for an augmented query."""
    query_prompt: str | None = None
    augment_prompt: str | None = None
    respond_prompt: str | None = None
    judge_prompt: str | None = None
    rule: str | None = None
    """The subcategory whose rule the judges were given, and the rule's hash."""
    rule_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The one growing, frozen row; change it with `dataclasses.replace`."""

    lane: "Lane"
    coordinate: int
    """Of its root in the lane (call x items a call + item): what its slots and operators hang on."""
    query: str
    query_id: str
    elements: tuple[Element, ...]
    generator: str
    provenance: Provenance
    family: str
    """What its family is known by in the near-duplicate index: the root's place in the plan. A family is exempt from itself."""
    typed: bool = True
    """Whether its query type is known. Where it is not, its lane's is assumed, and the row takes the one the panel reads."""
    parent_id: str | None = None
    attack: str | None = None
    wanted: Label | None = None
    """The label its slot was planned for; where the row lands is decided by the judges."""
    stance: Stance | None = None
    responder: str | None = None
    response: str | None = None
    response_class: str | None = None
    votes: tuple[Vote, ...] = ()
    label: Label | None = None
    query_label: QueryType | None = None
    analysis: str | None = None

    def dropped(self, stage: str, reason: str, text: str) -> "Drop":
        """The drop this sample becomes; `text` shows what was wrong."""
        return Drop(stage, reason, self.lane, self.provenance.draw, text, self)

    @property
    def query_type(self) -> QueryType:
        """Of the row: its lane's, unless that was only assumed and the panel says otherwise."""
        return self.lane.query_type if self.typed or self.query_label is None else self.query_label

    @property
    def root_id(self) -> str:
        """Id of the query it was augmented from, or its own."""
        return self.parent_id or self.query_id


@dataclass(frozen=True, slots=True)
class Drop:
    """A sample that stopped: by which stage, for which reason (a stable key). `text` shows what was wrong."""

    stage: str
    reason: str
    lane: "Lane"
    place: str
    text: str = ""
    sample: Sample | None = None


# --- the plan ---


@dataclass(frozen=True, slots=True)
class Lane:
    """Subcategory x query type: what is planned and asked."""

    scenario: str
    subcategory: str
    query_type: QueryType
    refuse_only: bool = False

    @property
    def id(self) -> str:
        return f"{self.subcategory}/{self.query_type}"


@dataclass(frozen=True, slots=True)
class Want:
    """One wanted label in a round: the share of queries that get a slot for it, and the stances of those slots by weight."""

    share: float
    stances: Mapping[Stance, float]


@dataclass(frozen=True, slots=True)
class Round:
    """One lane's plan for one sweep over the lanes, as journalled before any of its calls is made. Carried out as recorded,
    whatever the recipe says by then."""

    lane: str
    sweep: int
    first: int
    """Its queries are those with coordinates first … first + count - 1 in the lane."""
    count: int
    wants: Mapping[Label, Want]
    operators: Mapping[str, float]
    """The share of its queries to which each augmentation is applied."""
    widening: int = 0
    """How far the lane has been widened since its queries began to repeat themselves: see `plan.rounds.WIDEST`."""


TextRule: TypeAlias = Callable[[str], str | None]
"""A filter on a query or an answer: a reason key, or None."""
RowRule: TypeAlias = Callable[[Sample], str | None]
"""A filter on a judged row, likewise."""


class Ask(Protocol):
    """For one lane and place in the plan. With `spare` another model stands by: see `Seat`."""

    def __call__(self, stage: str, role: str, request: Request, *, spare: bool = False) -> Awaitable[Reply]: ...


Targets = dict[str, dict[Label, int | None]]
"""For each lane id and wanted label the number of rows; None takes all there is."""
