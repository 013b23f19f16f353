"""What models were seen to do while they were examined: queries, replies and rows, booked with the role they are of."""

from collections import Counter
from collections.abc import Mapping, Sequence

from synth.dedup.normalise import normalise
from synth.errors import ParseError
from synth.quality.fitness import Part, RoleFacts
from synth.quality.shown import masked, shown_of
from synth.recipe.role import Role
from synth.run.compile import CompiledRecipe
from synth.sanitize import shortened
from synth.stages.cleaning import cleaned
from synth.stages.lenient_json import json_in
from synth.stages.parsing import checked
from synth.types import Aside, Drop, Judged, Reply, Request, Sample

SHOWN = 60
"""Characters of a sample."""


class Observed:
    """What the roles of a recipe were seen to do, and what became of the slots that were answered."""

    def __init__(self, compiled: CompiledRecipe, roles: Mapping[str, Role]) -> None:
        parts = _parts(compiled)
        self._flow = compiled.flow
        self.facts = {name: RoleFacts(name, role.named, parts[name]) for name, role in roles.items()}
        self.rows: Counter[str] = Counter()
        """What became of slots: accepted, other label, aside, or the stage and reason of a drop."""

    def written(self, page: Sequence[Sample | Drop]) -> list[Sample]:
        """The queries of a page that pass, as observed; what is wrong with the others is booked with their writer."""
        texts, roots = set[str](), list[Sample]()
        for entry in page:
            facts = self._of("writer", entry.generator if isinstance(entry, Sample) else "")
            if not isinstance(entry, Sample) or facts is None:
                continue
            same = normalise(entry.query) in texts
            texts.add(normalise(entry.query))
            facts.seen("repeats a query of the same call", found=int(same), sample=shortened(entry.query, SHOWN))
            reason = self._flow.objection(entry)
            facts.seen(
                "is dropped by a rule",
                found=int(bool(reason)),
                reason=reason or "",
                sample=shortened(entry.query, SHOWN),
            )
            if not reason and not same:
                roots.append(entry)
        if page and isinstance(page[0], Sample) and (facts := self._of("writer", page[0].generator)):
            size = self._flow.source.size
            facts.seen("leaves slots empty", of=size, found=max(0, size - len(page)))
        return roots

    def judged(self, row: Judged) -> None:
        """Books what came of a slot, as observed, with whoever answered."""
        sample = row if isinstance(row, Sample) else row.sample
        kept = isinstance(row, Sample) and row.label == row.wanted
        aside = "aside" if isinstance(row, Aside) else "other label"
        self.rows[f"{row.stage}.{row.reason}" if isinstance(row, Drop) else "accepted" if kept else aside] += 1
        facts = self._of("answerer", sample.responder or "") if sample is not None else None
        if facts is None or sample is None or sample.response is None:
            return
        bad = isinstance(row, Drop) and row.stage == "respond"
        reason = f"{row.stage}.{row.reason}" if isinstance(row, Drop) else ""
        told = shown_of(sample, row if isinstance(row, Drop) else None)
        facts.seen("is dropped by a rule", found=int(bad), reason=reason, sample=told)
        if sample.stance in ("comply", "partial"):
            declined = sample.response_class == "refusal"
            facts.seen("declines in a stance that asks for more", found=int(declined), reason=sample.stance)

    def replied(self, facts: RoleFacts, request: Request, reply: Reply, seconds: float) -> None:
        """Books a reply, as observed, with its role; it was waited for `seconds`, 0 from the journal."""
        facts.replies += 1
        facts.reused += not seconds
        facts.tokens_in, facts.tokens_out = (
            facts.tokens_in + reply.prompt_tokens,
            facts.tokens_out + reply.completion_tokens,
        )
        facts.longest = max(facts.longest, reply.prompt_tokens)
        facts.seconds += seconds
        why, sample = _fault(request, reply), ""
        if request.schema is not None:
            answers = facts.part == "answerer"
            sample = masked(reply.text, "reply", reply.finish) if answers else shortened(reply.text, SHOWN)
        for name in ("gives no answer", "is cut off", "is not the JSON asked for", "is filtered"):
            facts.seen(name, found=int(why == name), sample=sample)

    def _of(self, part: Part, model: str) -> RoleFacts | None:
        return next((one for one in self.facts.values() if one.part == part and one.model == model), None)


def _fault(request: Request, reply: Reply) -> str | None:
    """What is wrong with a reply before it is read, by its name among the faults."""
    if reply.finish == "content_filter":
        return "is filtered"
    if reply.finish in ("length", "broken"):
        return "is cut off"
    try:
        text = checked(cleaned(reply, as_json=request.schema is not None))
    except ParseError:
        return "gives no answer"
    return "is not the JSON asked for" if request.schema is not None and json_in(text)[0] is None else None


def _parts(compiled: CompiledRecipe) -> dict[str, Part]:
    """The part of each role: by the first stage that asks it."""
    kinds = {bound.name: bound.stage for bound in compiled.flow.stages}
    found: dict[str, Part] = {}
    for place, role in compiled.recipe.role_uses():
        stage = kinds.get(place.partition(".")[0])
        part: Part = "other"
        if stage is not None:
            asks = stage.kind == "step"
            part = "judge" if asks and stage.judges else "answerer" if asks and stage.responds else "writer"
        found.setdefault(role, part)
    return found
