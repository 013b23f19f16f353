"""Stages of other packages, as the rest of synth sees them: what one raises, or gives that no stage of its kind may, is a line that names
it, and the run can go on once it is mended. What is wrong with synth's own stays a traceback."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from synth.errors import ConfigError, ParseError
from synth.plan.lanes import LaneSpec
from synth.recipe.plugins import blamed
from synth.recipe.stages import FoundStage
from synth.stages.contract import Branch, Context, Slot, Source, Step, Written
from synth.types import REASON, Aside, Ask, Drop, Judged, Note, Request, Sample, Vote

FACTS = ("answered", "from_file", "from_run", "responds", "judges", "rewrites", "redacts")
"""What a recipe is checked by before anything is bound."""

_PIECES = {
    kind.kind: {name for name in (*dir(kind), *kind.__annotations__) if not name.startswith("_")}
    for kind in (Source, Branch, Step)
}


def bind(name: str, stage: FoundStage, options: Any, context: Context) -> Any:
    """What a stage's module binds to."""
    if stage.own:
        return stage.bind(options, context)
    what = f"stage {name!r} of the recipe"
    with blamed(what, stage.bind):
        found = stage.bind(options, context)
        facts = {fact: bool(getattr(found, fact, False)) for fact in FACTS}
    if getattr(found, "kind", None) != stage.kind or any(facts[fact] != stage.says(fact) for fact in FACTS):
        raise ConfigError(
            f"{what}: its `bind` says that it returns a {stage.makes.__name__}, and gives a {type(found).__name__} that is another thing; "
            "name in its annotation the class that it returns"
        )
    if missing := sorted(piece for piece in _PIECES[stage.kind] if not hasattr(found, piece)):
        raise ConfigError(
            f"{what}: its {type(found).__name__} has no {', '.join(missing)}; add it, or inherit what stages.contract gives"
        )
    return Guarded(name, found, context)


class Guarded:
    """Another package's stage."""

    def __init__(self, name: str, stage: Any, context: Context) -> None:
        self._name, self._stage, self._labels = name, stage, context.labels.names

    def __getattr__(self, fact: str) -> Any:
        return getattr(self._stage, fact)

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        with self._blamed():
            return bool(self._stage.uses(spec, prompt))

    def calls(self, low: float, high: float) -> tuple[float, float]:
        with self._blamed():
            least, most = self._stage.calls(low, high)
            return float(least), float(most)

    def available(self, spec: LaneSpec) -> int | None:
        with self._blamed():
            found = self._stage.available(spec)
        if found is not None and (not isinstance(found, int) or found < 0):
            self._refuse(f"has {found!r} coordinates available, which is no number of them")
        return found

    def request(self, spec: LaneSpec, call: int) -> Request | None:
        with self._blamed():
            found = self._stage.request(spec, call)
        if found is not None and not isinstance(found, Request):
            self._refuse(f"gives a {type(found).__name__} as request")
        return found

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        with self._blamed():
            found = await self._stage.page(spec, call, ask, widening)
        pairs = isinstance(found, Sequence) and all(isinstance(entry, tuple) and len(entry) == 2 for entry in found)
        if not pairs:
            self._refuse("gives a page that is no list of coordinates with queries")
        size, last = self._stage.size, call * self._stage.size - 1
        for at, entry in found:
            if not isinstance(at, int) or not last < at < (call + 1) * size:
                self._refuse(f"gives coordinate {at!r} on page {call}, whose {size} ascend from {call * size}")
            last = at
            if isinstance(entry, Sample) and (entry.coordinate != at or entry.lane != spec.lane):
                self._refuse(f"gives at coordinate {at} of {spec.lane.id} the query of another place")
        return [(at, self._entry(entry, spec, booked=False)) for at, entry in found]

    def shares(self, spec: LaneSpec) -> Mapping[str, float]:
        with self._blamed():
            found = dict(self._stage.shares(spec))
        if not all(
            REASON.fullmatch(str(key)) and isinstance(one, int | float) and 0 <= one <= 1 for key, one in found.items()
        ):
            self._refuse(f"gives {found!r} where a share from 0 to 1 stands by each name")
        return found

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        with self._blamed():
            try:
                found = await self._stage.apply(spec, root, name, ask)
            except ParseError as error:
                found = root.dropped(self._name, error.reason, error.text)
        grown: Sample | Drop = self._entry(found, spec)
        return grown

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        with self._blamed():
            try:
                found = await self._stage.run(spec, sample, slot, ask)
            except ParseError as error:
                found = sample.dropped(self._name, error.reason, error.text)
        if isinstance(found, Aside):
            return Aside(found.split, self._row(self._entry(found.sample, spec), sample))
        found = self._entry(found, spec)
        return found if isinstance(found, Drop) else self._row(found, sample)

    def _entry(self, found: Any, spec: LaneSpec, *, booked: bool = True) -> Any:
        """A query or row, or a drop; those of branches and steps stand under the stage's own name."""
        if isinstance(found, Sample):
            texts = (found.query, found.query_id, found.root_id, found.family)
            if not all(isinstance(text, str) and text for text in texts):
                self._refuse("gives a query without text, id, root or family")
            return found
        if not isinstance(found, Drop):
            self._refuse(f"gives a {type(found).__name__} where a row or a drop is due")
        if not (isinstance(found.reason, str) and REASON.fullmatch(found.reason)):
            self._refuse(f"drops for the reason {found.reason!r}; a reason is a key, as `too_short`")
        if found.lane != spec.lane:
            self._refuse("drops a row of another lane")
        stage = self._name if booked else self._stage.books or self._name
        return Drop(stage, found.reason, found.lane, found.coordinate, str(found.text or ""), found.sample)

    def _row(self, found: Sample, before: Sample) -> Sample:
        """What a step has made of a row, as far as it is no matter of the query."""
        if not isinstance(found, Sample):
            self._refuse(f"sets a {type(found).__name__} aside")
        if found.label is not None and found.label not in self._labels:
            self._refuse(f"gives the label {found.label!r}; there is: {', '.join(self._labels)}")
        if not isinstance(found.response, str) and (found.response, before.response) != (None, None):
            self._refuse(f"gives a {type(found.response).__name__} as answer; drop the row instead")
        for items, kind in ((found.notes, Note), (found.votes, Vote)):
            if not (isinstance(items, tuple) and all(isinstance(item, kind) for item in items)):
                self._refuse(f"gives something else than a tuple of {kind.__name__}")
        if not all(isinstance(text, str) for note in found.notes for text in (note.stage, note.key, note.value)):
            self._refuse("gives a note that is no text")
        return found

    def _blamed(self) -> Any:
        return blamed(f"stage {self._name!r} of the recipe", self._stage)

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigError(f"stage {self._name!r} of the recipe {why}; mend it, or leave it out")
