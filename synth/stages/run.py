"""The run stage: rows of a split of another run's dataset, in place of a writer's and of answerers, to be judged again."""

import json
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import IO, Annotated, Any

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from synth.errors import ConfigError
from synth.plan.lanes import LaneSpec
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT
from synth.sanitize import plain
from synth.stages.contract import Context, Frozen, Source, Written
from synth.stages.repeats import Repeats
from synth.types import HARD, Ask, Drop, Element, Message, Note, Provenance, QueryType, Sample, Stance

PAGE = 50
NAME = "run"


class Options(Frozen):
    """What a recipe says under `run`: whose rows are judged again, and which."""

    path: str | None = None
    """The folder of the run. None: the command line has to name it."""
    split: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*$")] = HARD
    """The split of that run whose rows are judged again."""

    def identity(self) -> dict[str, Any]:
        """What of another run's rows changes the data: which they are. What they hold is hashed as a user's file is."""
        return {"split": self.split}


class _Row(BaseModel, frozen=True):
    """A row of a dataset as synth writes it. A folder may be anybody's, so nothing in it is taken on trust."""

    query_id: str
    parent_id: str | None = None
    root_id: str | None = None
    subcategory: str
    query_type: QueryType
    query: Annotated[str, StringConstraints(min_length=1)]
    response: Annotated[str, StringConstraints(min_length=1)]
    response_class: str | None = None
    attack: str | None = None
    stance: Stance | None = None
    generator: str
    responder: str | None = None
    elements: tuple[Element, ...] = ()
    context: tuple[Message, ...] = ()
    provenance: Provenance
    notes: tuple[Note, ...] = ()
    votes: tuple[dict[str, str | None], ...] = ()


_ROW = TypeAdapter(_Row)


class Made(Source):
    """A source of rows that another run has made: ids, roots and provenance stay theirs, their votes become notes. They have passed
    gate and text rules, and do not again."""

    answered = from_file = from_run = True
    size = PAGE

    def __init__(self, options: Options, context: Context) -> None:
        self._specs = {spec.lane.id: spec for spec in context.specs}
        self._refuse_only = {spec.lane.subcategory for spec in context.specs if spec.lane.refuse_only}
        self._offsets: dict[str, array[int]] = {}
        self._repeated = frozenset[int]()
        if options.path is None:
            self.lanes = frozenset(self._specs)
            self.missing = f"{context.name}.path: names no run whose rows are to be judged; say --set {NAME}.path=DIR"
            return
        self._path = options.path
        # On disk, since pages go by lane and rows do not: memory holds where each of them stands.
        self._rows: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the source is gone)
        weakref.finalize(self, self._rows.close)
        self._spool(context.made(options.path, options.split))
        if not self._offsets:
            raise ConfigError(f"{options.path}: its split {options.split!r} holds no rows")
        self.lanes = frozenset(self._offsets)

    def _spool(self, rows: Iterable[Mapping[str, Any]]) -> None:
        digest, texts = blake2b(digest_size=8), Repeats()
        for number, told in enumerate(rows, start=1):
            row = self._checked(told, number)
            lane = self._lane_of(row, number)
            line = row.model_dump_json().encode("utf-8", "surrogatepass") + b"\n"
            offset = self._rows.tell()
            self._offsets.setdefault(lane, array("Q")).append(offset)
            texts.add(offset, row.query_id, row.stance or "", row.responder or "", row.response)
            self._rows.write(line)
            digest.update(line)
        self.hash, self._repeated = digest.hexdigest(), texts.found()

    def available(self, spec: LaneSpec) -> int | None:
        """How many rows of the other run belong to a lane."""
        return len(self._offsets.get(spec.lane.id, ()))

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The rows of a lane on one page of those another run has made; a drop for each that cannot be used. Costs no call."""
        del ask, widening
        offsets = self._offsets[spec.lane.id][call * PAGE : (call + 1) * PAGE]
        return [
            (call * PAGE + item, self._entry(spec, call * PAGE + item, offset)) for item, offset in enumerate(offsets)
        ]

    def _entry(self, spec: LaneSpec, coordinate: int, offset: int) -> Sample | Drop:
        self._rows.seek(offset)
        row = _ROW.validate_json(self._rows.readline())
        place = f"{spec.lane.id}#{coordinate}"
        told = "\n".join((row.query, row.response, *(turn.content for turn in row.context)))
        if offset in self._repeated:
            return Drop(NAME, "repeated", spec.lane, place, row.query)
        if not spec.lane.refuse_only and FORBIDDEN_SUBJECT.search(told):
            return Drop(NAME, "refuse_only_subject", spec.lane, place, row.query)
        if spec.lane.refuse_only and row.stance not in (None, "refuse"):
            return Drop(NAME, "refuse_only", spec.lane, place, row.query)
        return Sample(
            lane=spec.lane,
            coordinate=coordinate,
            query=row.query,
            query_id=row.query_id,
            root_id=row.root_id or row.parent_id or row.query_id,
            elements=row.elements,
            generator=row.generator,
            provenance=replace(row.provenance, judge_prompt=None, rule=spec.lane.subcategory, rule_hash=spec.rule_hash),
            family=row.query_id,
            parent_id=row.parent_id,
            attack=row.attack,
            context=row.context,
            stance=row.stance,
            responder=row.responder,
            response=row.response,
            response_class=row.response_class,
            notes=tuple(_notes(row)),
        )

    def _checked(self, told: Mapping[str, Any], number: int) -> _Row:
        try:
            row = _ROW.validate_python({name: value for name, value in told.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ConfigError(
                f"{self._path}: row {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}; name a run of queries with answers, as "
                "synth made it"
            ) from error
        clean = {"query": plain(row.query), "response": plain(row.response)}
        return row.model_copy(update=clean)

    def _lane_of(self, row: _Row, number: int) -> str:
        kind = "harmful" if row.subcategory in self._refuse_only else row.query_type
        lane = f"{row.subcategory}/{kind}"
        if lane not in self._specs:
            raise ConfigError(
                f"{self._path}: row {number}: is of {lane}, and there is no such lane in the recipe; name the taxonomies of that run, as "
                "--taxonomy libra"
            )
        return lane


def _notes(row: _Row) -> Iterator[Note]:
    """What was noted of a row before, and the votes that it had; what its panel noted stands under this stage, since another judges it now."""
    for note in row.notes:
        yield replace(note, stage=NAME, key=f"judge.{note.key}") if note.stage == "judge" else note
    for vote in row.votes:
        yield Note(NAME, "vote", json.dumps(vote, ensure_ascii=False))


def bind(options: Options, context: Context) -> Made:
    """The source of rows that another run made, from what stands under `run`."""
    return Made(options, context)
