"""What the judges of a panel are told and asked for: one prompt and schema for all, a rule that every second seat may read in another
order, one row in a call or several."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from synth.errors import ConfigError
from synth.hashing import short_hash
from synth.plan.lanes import LaneSpec
from synth.recipe.labels import BINARY
from synth.recipe.prompt import Prompt
from synth.stages import verdict_list
from synth.stages.contract import Context
from synth.stages.heads import Heads
from synth.stages.requester import object_schema
from synth.types import Message

PROMPT, APART, GRADED = "judge/verdict", "judge/apart", "judge/graded"
"""The judges' prompt unless a recipe names another; the one that asks for label and intent apart; the one for more labels than two."""
QUERY_PROMPT, HEADS_PROMPT = "judge/query", "judge/heads"
"""The prompts that take the place of these where queries are labelled alone, and where more heads are asked for than these ask."""
ROWS_PROMPT = "judge/rows"
"""The prompt that takes the place of those that ship where a call holds several rows, unless they ask about several themselves."""
OFFERED = frozenset({"scenario", "subcategory", "query", "rows"})
"""`rows` are those of a call that holds several, each with number `n`, `query` and `response`; empty in a call about one. Besides, where there are answers or heads, `response` (empty for none); `labels` and `intents`, the words that a judge may say, the worst
first; `heads`; `categories`, the names that may be named; `lean`, which way it decides what is doubtful; and `reply`, the JSON asked for."""
ROW = "（某一行）"
"""What stands for a row's texts where a judge's prompt is rendered for itself."""

Order: TypeAlias = Literal["alternate"]
Texts: TypeAlias = tuple[str, str]
"""Query and answer of a row."""
Lean: TypeAlias = Literal["", "strict", "loose"]
"""Which way a judge decides where reasonable people may differ; empty: as it thinks."""

_PART: Final = re.compile(r"^.*\bsubcategory\.rule\.(unsafe|safe)\b.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seat:
    """A judge's seat as its judge is told of rows."""

    prompt: Prompt
    lean: Lean = ""


@dataclass(frozen=True)
class Form:
    """What the judges of a panel are told, by seat, and the schema of their reply."""

    prompt: Prompt
    seats: Sequence[Seat]
    schema: Mapping[str, Any]
    variables: Mapping[str, Any]
    """What the prompt may use besides the lane's variables, the row's texts and the seat's `lean`."""
    answers: bool
    several: bool = False
    """Whether the judges are told of several rows in one call."""
    _instructed: dict[tuple[str, str, Seat], str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The hash of what a panel is told by: its prompt's, and where seats read it in another order, of both."""
        hashes = list(dict.fromkeys(seat.prompt.hash for seat in self.seats))
        return hashes[0] if len(hashes) == 1 else short_hash(*hashes)

    def messages(self, spec: LaneSpec, seat: Seat, *rows: Texts) -> tuple[Message, ...]:
        """The messages by which the judge of a seat is asked about rows with these texts, each query and answer."""
        query, response = ("", "") if self.several else rows[0]
        numbered = [_row(n, *texts) for n, texts in enumerate(rows, start=1)] if self.several else []
        texts = {"query": query, "response": response, "rows": numbered, "lean": seat.lean}
        return seat.prompt.render({**spec.variables, **self.variables, **texts})

    def instructions(self, spec: LaneSpec, seat: Seat) -> str:
        """All that the judge of a seat is told of a lane, without the row: rules and the prompt's own words."""
        lane = (spec.lane.subcategory, spec.rule_hash, seat)
        if lane not in self._instructed:
            messages = self.messages(spec, seat, (ROW, ROW if self.answers else ""))
            self._instructed[lane] = "\n".join(message.content for message in messages)
        return self._instructed[lane]


def form(named: str, order: Order | None, heads: Heads, context: Context, *, rows: int = 1) -> Form:
    """The form of a panel whose calls hold so many `rows`, by the prompt that its recipe names. ConfigError for a prompt that does not ask
    for what the recipe wants of its judges, or cannot be read in another order."""
    verdict, answers = heads.verdict, context.answers
    words = tuple(map(verdict.scheme.word, verdict.said))
    usual, fields = (heads.fields(words, label_first=first) for first in (False, True))
    more = fields.keys() != usual.keys() or heads.graded
    variables = {
        "labels": words,
        "intents": heads.intents,
        "heads": heads.names,
        "categories": tuple(heads.categories),
        "reply": json.dumps(_example(fields), ensure_ascii=False),
    }
    shown: list[dict[str, Any]] = []
    if rows > 1:
        _refuse_queries_alone(answers=answers)
        variables["reply"] = verdict_list.example_of(_example(fields))
        shown = [_row(n, ROW, ROW) for n in range(1, rows + 1)]
    offered = dict.fromkeys(OFFERED | {"response"} if answers or heads.names else OFFERED)
    name = _prompt_for(named, answers=answers, more=more, rows=rows)
    prompt = context.prompt(name, offered | variables | {"lean": "", "rows": shown})
    if rows > 1 and not {"rows", "reply"} <= prompt.uses:
        raise ConfigError(
            f"judge.rows_per_call: {prompt.name} does not use `rows` and `reply`, so it asks about one row; set "
            f"`prompt: {ROWS_PROMPT}`, write one that uses both, or take `rows_per_call` out"
        )
    if (verdict.said, words) != (BINARY.names, tuple(map(BINARY.word, BINARY.names))):
        _refuse_fixed_labels(prompt, words)
    if more and "reply" not in prompt.uses:
        raise ConfigError(
            f"judge.prompt: {prompt.name} does not use `reply`, so it does not ask for all of `judge.heads`; "
            f"set `prompt: {HEADS_PROMPT}`, or write one that uses `reply`"
        )
    # A prompt that spells the JSON out itself was written when the intent came before the label.
    schema = object_schema("verdict", **(fields if "reply" in prompt.uses else usual))
    if rows > 1:
        schema = verdict_list.schema_of(fields)
    leans: list[Lean] = [verdict.leans.get(seat, "") for seat in range(verdict.seats)]
    return Form(prompt, seated(prompt, order, leans), schema, variables, answers, rows > 1)


def _row(n: int, query: str, response: str) -> dict[str, Any]:
    """One of several rows as a prompt is given it."""
    return {"n": n, "query": query, "response": response}


def _refuse_queries_alone(*, answers: bool) -> None:
    if not answers:
        raise ConfigError(
            "judge.rows_per_call: queries without answers are judged one by one; take `rows_per_call` out"
        )


def _prompt_for(named: str, *, answers: bool, more: bool, rows: int) -> str:
    """The prompt that is used where a recipe names this one: those that ship give way to the one that asks what is asked."""
    if rows > 1 and named in (PROMPT, APART, GRADED, HEADS_PROMPT):
        return ROWS_PROMPT
    if more and named in (PROMPT, APART, GRADED):
        return HEADS_PROMPT
    return QUERY_PROMPT if named in (PROMPT, APART) and not answers else named


def _refuse_fixed_labels(prompt: Prompt, words: Sequence[str]) -> None:
    if "labels" not in prompt.uses:
        raise ConfigError(
            f"judge.prompt: {prompt.name} does not use `labels`, so it asks for 安全 or 不安全, and judges may say "
            f"{', '.join(words)}; set `prompt: {GRADED}`, or write one that uses `labels`"
        )


def _example(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a prompt shows of the fields it asks for."""
    shown: dict[str, Any] = {"analysis": "分析", "categories": ["类别"]}
    return {name: shown.get(name) or "或".join(schema["enum"]) for name, schema in fields.items()}


def seated(prompt: Prompt, order: Order | None, leans: Sequence[Lean]) -> list[Seat]:
    """The seats of a panel that reads this prompt, one for each of `leans`. In alternating order every second reads what is safe
    before what is unsafe."""
    turned = turned_of(prompt) if order and len(leans) > 1 else prompt
    return [Seat((prompt, turned)[seat % 2], lean) for seat, lean in enumerate(leans)]


def turned_of(prompt: Prompt) -> Prompt:
    """A judge's prompt with the line of its rule's unsafe part and that of its safe part in each other's place. ConfigError where it
    has not one line for each, in every file that has one for either."""
    texts, turned = {file: text for file, (text, _) in prompt.files.items()}, False
    for file, text in texts.items():
        parts = list(_PART.finditer(text))
        if not parts:
            continue
        if sorted(part[1] for part in parts) != ["safe", "unsafe"]:
            raise _no_lines(prompt)
        first, second = parts
        texts[file] = (
            text[: first.start()] + second[0] + text[first.end() : second.start()] + first[0] + text[second.end() :]
        )
        turned = True
    if not turned:
        raise _no_lines(prompt)
    return Prompt(prompt.name, None, kept=texts)


def _no_lines(prompt: Prompt) -> ConfigError:
    return ConfigError(
        f"judge.order: {prompt.name} has not one line each for `subcategory.rule.unsafe` and `subcategory.rule.safe`, which every "
        "second judge would read in the other order; give each a line of its own, or take `order` out"
    )
