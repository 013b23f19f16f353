"""Every noun of synth, on one screen or two. Imports nothing of ours."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias

Label: TypeAlias = str
"""One of the recipe's: `recipe.labels.LabelScheme` has them."""
QueryType: TypeAlias = Literal["harmful", "benign"]
Stance: TypeAlias = Literal["natural", "refuse", "comply", "safe_complete", "partial", "redact"]

LABELLED: Final = ("train", "validation", "test")
"""The splits of rows that stand in a cell. Every other split holds rows that were set aside."""


def named(model: str, revision: str | None) -> str:
    """What a model is called everywhere: its name with its revision, if it has one."""
    return f"{model}@{revision}" if revision else model


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One logical request. Everything in it bears identity (`hashing.key_of`); how and where it is sent does not."""

    family: str
    """`model`, or the name and version of a backend that is no model (`offline/1`): the two never share replies."""
    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    schema: Mapping[str, Any] | None
    """The JSON schema asked for; None asks for plain text."""
    draw: tuple[str | int, ...]
    """The coordinates that make a wanted repeat of the same words a request of its own."""
    kind: Literal["chat", "completion", "embedding"] = "chat"
    """What the messages give: a conversation's next turn; how a base model continues the first one's text; that text's vector."""
    revision: str = ""
    """Which of the models that its server calls by that name; the server is not told."""
    unasked: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of `params` that stand at a default nobody asked for: they bear identity, and a server is not sent them."""

    @property
    def named(self) -> str:
        """A request's model as it bears identity and is booked: two revisions never share replies."""
        return named(self.model, self.revision)

    @property
    def prefill(self) -> str:
        """What the answer to a request begins with: the last message, where that is the assistant's. The model goes on from it."""
        return self.messages[-1].content if self.messages[-1].role == "assistant" else ""

    @property
    def text(self) -> str | None:
        """All of a request as plain text, where a base model goes on with it."""
        return "".join(part.content for part in self.messages) if self.kind == "completion" else None


TokenScores: TypeAlias = tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
"""The tokens of an answer in order, each with the likeliest at its place and their natural log probabilities."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, raw. What it amounts to (a refusal, broken JSON …) is found out at every reading. `text` holds what it was begun with."""

    text: str
    finish: str = "stop"
    """`stop`, `length` or `content_filter` as the server says, `broken` where that is not known; `rejected`, `gave_up` or `outage` without answer."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning: str | None = None
    scores: TokenScores = ()
    """Of the answer's tokens, where a request asked for them (`logprobs`) and its server tells."""
    stand_in: bool = False
    """Whether its server named itself a stand-in for one, as `synth serve` does: no model wrote this."""
    word: str = field(default="", compare=False)
    """Of a `broken` one, the server's word for how it ended. It is told, not kept."""


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
class Element:
    axis: str
    value: str


@dataclass(frozen=True, slots=True)
class Vote:
    """One judge's word. A judge that failed, refused or could not be read gives no verdict: `label` is None. `categories` are ids."""

    judge: str
    label: Label | None
    analysis: str | None = None
    query_label: str | None = None
    refusal: bool | None = None
    categories: tuple[str, ...] = ()


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
class Note:
    """What a stage wants kept of a row: a grade, an operator's parameters, a language."""

    stage: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The one growing, frozen row; change it with `dataclasses.replace`."""

    lane: "Lane"
    coordinate: int
    """Of its root in the lane (call x items a call + item): what its slots and operators hang on."""
    query: str
    query_id: str
    """Of what the user says as sent: the query, and the user's turns of `context`."""
    root_id: str
    """The query that all of its family goes back to. Set by the source and inherited by every stage; splits hang on it alone."""
    elements: tuple[Element, ...]
    generator: str
    provenance: Provenance
    family: str
    """What its family is known by in the near-duplicate index: the root's place in the plan. A family is exempt from itself."""
    query_type_known: bool = True
    """Whether its query type is known. Where it is not, its lane's is assumed, and the row takes the one the panel reads."""
    parent_id: str | None = None
    attack: str | None = None
    request: str | None = None
    """What it asks for, where that is known though its own words hide it: its root's text. None: its own words are all there is."""
    context: tuple[Message, ...] = ()
    """The turns before `query`."""
    wanted: Label | None = None
    """The label its slot was planned for; where the row lands is decided by the judges."""
    stance: Stance | None = None
    responder: str | None = None
    response: str | None = None
    response_class: str | None = None
    votes: tuple[Vote, ...] = ()
    label: Label | None = None
    query_label: str | None = None
    analysis: str | None = None
    notes: tuple[Note, ...] = ()
    read_type: QueryType | None = None
    categories: tuple[str, ...] | None = None

    def dropped(self, stage: str, reason: str, text: str) -> "Drop":
        """The drop this sample becomes; `text` shows what was wrong."""
        return Drop(stage, reason, self.lane, self.provenance.draw, text, self)

    @property
    def query_type(self) -> QueryType:
        """The query type of a sample: its lane's, unless that was only assumed and the panel says otherwise."""
        return self.lane.query_type if self.query_type_known else self.intent or self.lane.query_type

    @property
    def intent(self) -> QueryType | None:
        """The query type that the panel's `query_label` amounts to; None for a label in between, and where there is none."""
        return self.query_label if self.query_label in ("harmful", "benign") else self.read_type  # type: ignore[return-value]

    @property
    def compared(self) -> str:
        """What the gate, the vectors and the staged index compare with other queries. It bears no id."""
        return self.query if self.request is None else self.request

    @property
    def conversation(self) -> tuple[Message, ...]:
        """All turns of a sample: those before the query, the query, and the answer where there is one."""
        answer = () if self.response is None else (Message("assistant", self.response),)
        return (*self.context, Message("user", self.query), *answer)


REASON: Final = re.compile(r"\w[\w.-]{0,80}")
"""What a reason may be: it is counted, and names a file."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A sample that stopped: by which stage, for which reason (a stable key). `text` shows what was wrong."""

    stage: str
    reason: str
    lane: "Lane"
    coordinate: str
    text: str = ""
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """A judged sample that is kept and counted, and stands in no cell: in a split of its own name, an ASCII identifier."""

    split: str
    sample: Sample

    def __post_init__(self) -> None:
        # `accepted` and `default` are synth's words for all that stands in cells.
        if not (self.split.isascii() and self.split.isidentifier()) or self.split in (*LABELLED, "accepted", "default"):
            raise ValueError(f"no row can be set aside in {self.split!r}")


Judged: TypeAlias = Sample | Drop | Aside
"""What comes of a slot."""
MARK: Final = "【略】"
"""What stands in an answer where operative detail was left out."""
MarkMode: TypeAlias = Literal["delete", "vary", "keep"]
"""How the mark goes out in a data set: deleted without a hole, put into vague words, or kept."""
HARD: Final = "hard"
"""The split of rows on which the judges differ."""
CONTROLS: Final = "controls"
"""The lane under which requests about pairs with known labels are booked. No fold has a lane of that name."""


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
    """One lane's plan for one sweep over the lanes, journalled before any of its calls is made, and carried out as recorded."""

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
    """Asks for one lane, at one position in the plan. With `spare` another model stands by: see `Origin`."""

    def __call__(self, stage: str, role: str, request: Request, *, spare: bool = False) -> Awaitable[Reply]: ...


Targets = dict[str, dict[Label, int | None]]
"""For each lane id and wanted label the number of rows; None takes all there is."""
