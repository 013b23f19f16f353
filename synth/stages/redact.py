"""The redact stage: what a model answered by nature, where an unsafe answer was wanted, goes to another model, which puts the mark in place of
whatever could be done or sent, and changes nothing else. Nothing of the answer as it was goes anywhere but into the journal."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Final

from synth.errors import ParseError
from synth.filters.language.refusal import is_refusal
from synth.plan.lanes import LaneSpec
from synth.sanitize import plain
from synth.stages.contract import Context, Frozen, Slot, Step
from synth.stages.fallback import Attempt, ask_with_fallback
from synth.stages.lenient_json import field
from synth.stages.parsing import read_object
from synth.stages.reply_stats import REFUSAL, PromptUse
from synth.stages.requester import object_schema
from synth.types import MARK, Ask, Judged, Note, Reply, Sample

OFFERED = frozenset({"scenario", "subcategory", "query", "response"})
LEVELS: Final = ("detail", "finished")
"""What a subcategory may have taken out of natural answers. Where its taxonomy does not say, it is detail."""
NATURAL: Final = "natural"
TITLE: Final = "redacted"
"""The title of the schema by which a model gives back an answer redacted, or as it was."""
_LEFT = 8
"""Chinese characters that must be left of an answer beside its marks."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_SAME = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "＜": "<", "＞": ">", "［": "[", "］": "]", "◁": "<", "▷": ">"}
)
"""Characters that a model writes for others when it copies a text into JSON or out of tags."""


class Options(Frozen):
    """What a recipe says under `redact`: the model that takes out of natural unsafe answers what could be done or sent."""

    model: str
    """The role that takes out what could be done or sent."""


class Redactor(Step):
    """The redact stage: has the mark put in place of what could be done or sent in natural answers, where an unsafe one was wanted."""

    rewrites = redacts = True

    def __init__(self, options: Options, context: Context) -> None:
        self._router, self._seed = context.router(options.model), context.seed
        self._as_data = context.as_data
        self._prompts = {level: context.prompt(f"redact/{level}", OFFERED) for level in LEVELS}
        self._schema = object_schema(TITLE, text={"type": "string"})
        self._share = _share_due(context.specs)

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """Whether a lane may have natural answers at whose level the redact stage uses that prompt."""
        wanted = any(NATURAL in stances for label, stances in spec.cells.items() if spec.labels.unsafe(label))
        return wanted and not spec.lane.refuse_only and prompt == f"redact/{_level(spec)}"

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """Fewest and most calls of the redact stage for so many rows: none where models refuse by nature, one for each natural answer
        in the place of an unsafe one where they never do."""
        return 0.0 * low, high * self._share

    def withholds(self, spec: LaneSpec, sample: Sample) -> bool:
        """Whether the redact stage has yet to work on a row: an answer by nature, no refusal, where an unsafe one was wanted."""
        if spec.lane.refuse_only or sample.stance != NATURAL or sample.wanted is None:
            return False
        return spec.labels.unsafe(sample.wanted) and _level(spec) in LEVELS and sample.response_class != REFUSAL

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row with its answer redacted, and noted how many marks that took; as it is where nothing was to be taken out or it is none
        of the stage's; dropped where what came back changes other words too, or nothing would be left."""
        del slot
        if sample.response is None or not self.withholds(spec, sample):
            return sample
        prompt = self._prompts[_level(spec)]
        texts = {"query": self._as_data(sample.query), "response": self._as_data(sample.response)}
        messages = prompt.render(spec.variables | texts)
        line = self._router(self._seed, sample.query_id, sample.wanted or "", "redact")
        try:
            _, (text, marks) = await ask_with_fallback(
                ask,
                line,
                PromptUse("redact", prompt.name, spec.lane.subcategory),
                lambda caller: caller.request(messages, self._schema, ("redact",)),
                partial(_read, sample.response),
            )
        except ParseError as error:
            return sample.dropped("redact", error.reason, error.text)
        if not marks:
            return sample
        if len(_HAN.findall(text.replace(MARK, ""))) < _LEFT:
            return sample.dropped("redact", "nothing_left", text)
        return replace(sample, response=text, notes=(*sample.notes, Note("redact", "changed", str(marks))))


def bind(options: Options, context: Context) -> Redactor:
    """The redact stage of a recipe, from its options under `redact`."""
    return Redactor(options, context)


def redacted(original: str, marked: str) -> tuple[str, int] | None:
    """The original with the mark wherever `marked` has it in place of something, and how many marks that took; None where
    `marked` is the original with other changes too. White space and the shape of quotation marks are the original's. Linear in length."""
    folded, places = _folded(original)
    kept = list(_parts(_folded(marked)[0]))
    at, gaps = 0, list[tuple[int, int]]()
    for number, part in enumerate(kept):
        if number == 0:
            found = 0 if folded.startswith(part) else -1
        elif number == len(kept) - 1:
            found = len(folded) - len(part) if folded.endswith(part) else -1
        else:
            found = folded.find(part, at + 1)
        if found < at + (number > 0):
            return None
        if number:
            gaps.append((at, found))
        at = found + len(part)
    if at != len(folded):
        return None
    return _with_marks(original, [(places[first], places[last - 1] + 1) for first, last in gaps]), len(gaps)


def _parts(text: str) -> Iterator[str]:
    """What stands between marks; marks side by side are one."""
    pieces = text.split(MARK)
    yield pieces[0]
    yield from (piece for piece in pieces[1:-1] if piece)
    if len(pieces) > 1:
        yield pieces[-1]


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and where each of its characters stands."""
    kept = [(char, at) for at, char in enumerate(text.translate(_SAME)) if not char.isspace()]
    return "".join(char for char, _ in kept), [at for _, at in kept]


def _with_marks(text: str, gaps: Sequence[tuple[int, int]]) -> str:
    edges = [(0, 0), *gaps, (len(text), len(text))]
    return MARK.join(text[end:start] for (_, end), (start, _) in pairwise(edges))


def _read(original: str, turn: Attempt, reply: Reply) -> tuple[str, int]:
    del turn
    text = field(read_object(reply), "text")
    if not isinstance(text, str) or not text.strip():
        raise ParseError("truncated" if reply.finish == "length" else "shape")
    found = redacted(original, plain(text))
    if found is None:
        cut = reply.finish == "length"
        raise ParseError("truncated" if cut else "refusal" if is_refusal(text) else "changed")
    return found


def _level(spec: LaneSpec) -> str:
    return str(spec.subcategory.get("redaction") or LEVELS[0])


def _share_due(specs: Sequence[LaneSpec]) -> float:
    """The share of cells' slots in which an answer may be due, each cell counted alike."""
    cells = [(spec, label, stances) for spec in specs for label, stances in spec.cells.items()]
    due = sum(
        stances.get(NATURAL, 0.0) / sum(stances.values())
        for spec, label, stances in cells
        if spec.labels.unsafe(label) and not spec.lane.refuse_only and _level(spec) in LEVELS
    )
    return due / max(1, len(cells))
