"""The user's own queries or pairs, in place of a writer: a table, read page by page in its own order."""

import json
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from synth.dedup.passages import Finder
from synth.errors import ConfigError
from synth.mark.rows import restored_row
from synth.plan.lanes import LaneSpec
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT, REFUSE_ONLY
from synth.sanitize import plain
from synth.stages.contract import Context, Source, Written
from synth.stages.query import query_id
from synth.stages.repeats import Repeats
from synth.tables.columns import find
from synth.tables.revisited import bytes_of, revisited
from synth.tables.text_columns import Choice, Columns
from synth.types import Ask, Drop, Message, Provenance, Sample

UNSORTED = "own.unsorted"
PAGE = 50


class OwnFile(Source):
    """A source that reads rows of the user's table by lane, holding only their offsets.

    A row names its `query`, maybe `response`, `subcategory`, `query_type`; in a file without a column `query` the two are found.
    A row whose subcategory is none of the taxonomy's stands under `own.unsorted`; a row that names no query
    type is asked for as `harmful`, and gets the type its judges read.
    """

    from_file = True
    books = "query"
    size = PAGE

    def __init__(self, path: str, context: Context) -> None:
        self._path, self._pairs, self._seed = Path(path), self.answered, context.seed
        self._specs = {spec.lane.id: spec for spec in context.specs}
        self._refuse_only = {spec.lane.subcategory for spec in context.specs if spec.lane.refuse_only}
        self._offsets: dict[str, array[int]] = {}
        self._digest = blake2b(digest_size=8)
        self._repeated = frozenset[int]()
        """Offsets of pairs that stand in the file before."""
        self._finder = Finder() if context.passages else None
        self.unsorted = 0
        self._columns: Columns | None = None
        self.reads = ""
        """What is read as the query, in a line, where that is not its column `query`."""
        if self._path.is_dir():
            raise ConfigError(f"{path or '.'}: is a folder; `{context.name}` reads one table, so name the file")
        try:
            self._open = revisited(self._path)
            with self._open() as lines:
                self._scan(lines)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); check `{context.name}`") from error
        for piece in bytes_of(self._path):
            self._digest.update(piece)
        if not self._offsets:
            raise ConfigError(f"{path}: holds no rows")
        self.hash, self.lanes = self._digest.hexdigest(), frozenset(self._offsets)
        if self._finder:
            self.passages = self._finder.found()
            self.hash += f" {self.passages.hash}"

    def _scan(self, lines: IO[bytes]) -> None:
        offset, pairs = 0, Repeats()
        for number, line in enumerate(lines, start=1):
            if line.strip():
                row = self._parse(line, number)
                lane = self._lane_of(row, number)
                self._offsets.setdefault(lane, array("Q")).append(offset)
                if self._pairs:
                    said = [text for _, text in row["before"]]
                    pairs.add(offset, lane, "\n".join([*said, row["query"].strip()]), row["response"].strip())
                if self._finder:
                    self._finder.add([plain(row["query"])])
            offset += len(line)
        self._repeated = pairs.found()

    def available(self, spec: LaneSpec) -> int | None:
        """How many rows of the user's own file belong to a lane."""
        return len(self._offsets.get(spec.lane.id, ()))

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The rows of a lane on one page of the user's own file, as queries or pairs; a drop for each row that cannot
        be used. Costs no call."""
        del ask, widening
        offsets = self._offsets[spec.lane.id][call * PAGE : (call + 1) * PAGE]
        with self._open() as lines:
            return [
                (call * PAGE + item, self._entry(lines, spec, call * PAGE + item, offset))
                for item, offset in enumerate(offsets)
            ]

    def _entry(self, lines: Any, spec: LaneSpec, coordinate: int, offset: int) -> Sample | Drop:
        lines.seek(offset)
        row = self._row(_read(lines.readline()), place := f"{spec.lane.id}#{coordinate}")
        text, response = plain(row["query"]).strip(), plain(row["response"]).strip() if self._pairs else None
        context = tuple(Message(who, plain(said)) for who, said in row["before"])
        if offset in self._repeated:
            return Drop("query", "repeated", spec.lane, place, text)
        if not spec.lane.refuse_only and FORBIDDEN_SUBJECT.search(
            "\n".join((text, response or "", *(turn.content for turn in context)))
        ):
            return Drop("query", "refuse_only_subject", spec.lane, place, text)  # whatever type the file gives it
        id = query_id(spec, text, context)
        return Sample(
            lane=spec.lane,
            coordinate=coordinate,
            query=text,
            query_id=id,
            root_id=id,
            elements=(),
            generator=self._path.name,
            family=id if self._pairs else place,  # one query of the user's may have several answers
            provenance=Provenance(seed=self._seed, draw=place, rule=spec.lane.subcategory, rule_hash=spec.rule_hash),
            query_type_known=spec.lane.refuse_only or row.get("query_type") is not None,
            context=context,
            response=response,
            responder=self._path.name if self._pairs else None,
        )

    def _parse(self, line: bytes, number: int) -> Mapping[str, Any]:
        try:
            row: dict[str, Any] = _read(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(
                f"{self._path}: line {number}: not JSON; write one JSON object a line, in UTF-8"
            ) from error
        if not isinstance(row, dict):
            raise ConfigError(f"{self._path}: line {number}: not a JSON object")
        row = self._row(row, f"{self._path}: line {number}")
        for name in ("query", "response") if self._pairs else ("query",):
            if not isinstance(row[name], str) or not row[name].strip():
                raise ConfigError(f"{self._path}: line {number}: no text under {name!r}")
        if not isinstance(row.get("subcategory"), str | None):
            raise ConfigError(f"{self._path}: line {number}: subcategory must be a text (got {row['subcategory']!r})")
        if row.get("query_type") not in (None, "harmful", "benign"):
            raise ConfigError(
                f"{self._path}: line {number}: query_type must be harmful or benign (got {row['query_type']!r})"
            )
        return row

    def _row(self, row: dict[str, Any], place: str) -> dict[str, Any]:
        """A row with its query and response under those names, and the turns before them."""
        if self._columns is None:
            self._columns = Columns(("query",), "response") if "query" in row else self._found()
        if self._columns.name == "query":
            return {"response": None, **row, "before": ()}
        query, before = self._columns.query_of(row, place), self._columns.earlier(row, place)
        return {**row, "query": query, "response": self._columns.answer_of(row), "before": before}

    def _found(self) -> Columns:
        told: list[str] = []
        found = find(self._path, [self._path], Choice(say=told.append))
        self.reads = "".join(told)
        return found

    def _lane_of(self, row: Mapping[str, Any], number: int) -> str:
        kind, subcategory = row.get("query_type") or "harmful", row.get("subcategory")
        if subcategory in self._refuse_only:
            kind = "harmful"
        lane = f"{subcategory}/{kind}"
        if lane in self._specs:
            return lane
        if subcategory in REFUSE_ONLY:
            raise ConfigError(
                f"{self._path}: line {number}: subcategory {subcategory!r} is refuse-only and in none of the recipe's"
                " taxonomies; add `libra` to `taxonomies`, or take the row out"
            )
        self.unsorted += 1
        return f"{UNSORTED}/{kind}"


def _read(line: bytes) -> Any:
    """A line of the file; of a row that went out of a run, with its text as it was judged there."""
    row = json.loads(line.decode("utf-8-sig"))
    return restored_row(row) if isinstance(row, dict) else row
