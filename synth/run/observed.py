"""What models were seen to do while they were examined: queries, replies and rows, booked with the role they are of."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from synth.dedup.normalise import normalise
from synth.errors import ParseError
from synth.filters.language import fluency
from synth.filters.language.analysis import fault
from synth.filters.language.refusal import is_refusal
from synth.filters.language.stated_label import contradicts
from synth.quality.controls import OUT
from synth.quality.doubts.votes import NOTHING_SAID
from synth.quality.fitness import Part, RoleFacts
from synth.quality.shown import shown_of
from synth.recipe.role import Role
from synth.recipe.routing import leaves
from synth.run.compile import CompiledRecipe
from synth.run.doubting import role_names
from synth.sanitize import masked, shortened
from synth.stages import redact
from synth.stages.cleaning import cleaned
from synth.stages.lenient_json import json_in
from synth.stages.parsing import checked
from synth.types import Aside, Drop, Judged, Reply, Request, Sample, Vote

SHOWN = 60
"""Characters of a sample."""
MOST = 100
"""Items of a list in a reply that are looked at."""


class Observed:
    """What the roles of a recipe were seen to do, and what became of the slots that were answered."""

    def __init__(self, compiled: CompiledRecipe, roles: Mapping[str, Role]) -> None:
        parts = _parts(compiled)
        self._flow, self._composed = compiled.flow, compiled.recipe.composed
        self._cast, self._clean = role_names(compiled), compiled.recipe.clean_replies
        self.facts = {name: RoleFacts(name, role.named, parts[name]) for name, role in roles.items()}
        self.rows: Counter[str] = Counter()
        """What became of slots: accepted, other label, aside, or the stage and reason of a drop."""

    def written(self, page: Sequence[Sample | Drop]) -> list[Sample]:
        """The queries of a page that pass, as observed; what is wrong with the others is booked with their writer."""
        texts, roots = set[str](), list[Sample]()
        for entry in page:
            if not isinstance(entry, Sample):
                continue
            same = normalise(entry.query) in texts
            texts.add(normalise(entry.query))
            reason, shown = self._flow.objection(entry), shortened(entry.query, SHOWN)
            for facts in self._of("writer", entry.generator):
                facts.seen("repeats a query of the same call", found=int(same), sample=shown)
                facts.seen("is dropped by a rule", found=int(bool(reason)), reason=reason or "", sample=shown)
                _read(facts, entry.query, shown)
            if not reason and not same:
                roots.append(entry)
        texts_of = [entry for entry in page if isinstance(entry, Sample)]
        if texts_of:
            size = self._flow.source.size
            for facts in self._of("writer", texts_of[0].generator):
                facts.seen("leaves slots empty", of=size, found=max(0, size - len(texts_of)))
        return roots

    def judged(self, row: Judged) -> None:
        """Books what came of a slot, as observed, with whoever answered."""
        sample = row if isinstance(row, Sample) else row.sample
        kept = isinstance(row, Sample) and row.label == row.wanted
        aside = "aside" if isinstance(row, Aside) else "other label"
        self.rows[f"{row.stage}.{row.reason}" if isinstance(row, Drop) else "accepted" if kept else aside] += 1
        if sample is not None:
            self._votes(sample)
            for facts in self._of("answerer", sample.responder or ""):
                self._answered(row, sample, facts)

    def _answered(self, row: Judged, sample: Sample, facts: RoleFacts) -> None:
        refused = sample.response_class == "refusal" or (isinstance(row, Drop) and row.reason == "refusal")
        # Of an answer that is withheld the class is known.
        answered = sample.response is not None or sample.response_class is not None
        if sample.stance is not None and sample.stance != "refuse" and (answered or refused):
            facts.stances[sample.stance].append(refused)
            facts.seen("declines whatever it is asked", found=int(refused))
        if not answered:
            return
        if sample.response is not None:
            _read(facts, sample.response, shown_of(sample))
        bad = isinstance(row, Drop) and row.stage == "respond"
        reason = f"{row.stage}.{row.reason}" if isinstance(row, Drop) else ""
        told = shown_of(sample, row if isinstance(row, Drop) else None)
        facts.seen("is dropped by a rule", found=int(bad), reason=reason, sample=told)
        if sample.stance in ("comply", "partial"):
            declined = sample.response_class == "refusal"
            facts.seen("declines in a stance that asks for more", found=int(declined), reason=sample.stance)

    def _votes(self, sample: Sample) -> None:
        seats = getattr(self._flow.panel, "seats", ())
        if len(sample.votes) != len(seats):
            return  # of another package's stage, or dropped before
        for (role, _), vote in zip(seats, sample.votes, strict=True):
            for leaf in leaves(role, self._composed):
                if leaf in self.facts and self.facts[leaf].model == vote.judge:
                    self._vote(self.facts[leaf], sample, vote)

    def _vote(self, facts: RoleFacts, sample: Sample, vote: Vote) -> None:
        """Books a vote with its judge. Why one fell stands in the place of its analysis."""
        said, fell = vote.analysis or "", vote.label is None
        if fell and said == OUT:
            return
        facts.seen("gives no verdict", found=int(fell), reason=said)
        if fell and said not in (*NOTHING_SAID, "contradicts"):
            return
        sources = [sample.query, sample.response or "", self._cast.rules.get(sample.lane.subcategory, "")]
        empty = (said if said in NOTHING_SAID else None) if fell else fault(said, sources, self._cast.placeholders)
        against = said == "contradicts" if vote.label is None else contradicts(said, vote.label, self._flow.labels)
        shown = "" if fell else shortened(said, SHOWN)
        if empty == "copied" and shown:
            shown = masked(said, "analysis", empty)  # of the answer, it may be
        facts.seen("says nothing in its analysis", found=int(empty is not None), reason=empty or "", sample=shown)
        facts.seen("contradicts its analysis", found=int(against), sample=f"{vote.label}: {shown}" if shown else "")
        if not fell and empty is None:
            _read(facts, said, shown)

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
        facts.as_json += request.schema is not None
        why, sample = self._fault(facts, request, reply), ""
        if request.schema is not None:
            answers = facts.part == "answerer" or request.schema.get("title") == redact.TITLE
            sample = masked(reply.text, "reply", reply.finish) if answers else shortened(reply.text, SHOWN)
        names = ("gives no answer", "is cut off", "is not the JSON asked for", "is filtered", "declines")
        for name in names[: None if facts.part != "answerer" else -1]:  # whether an answer may decline, its stance says
            facts.seen(name, found=int(why == name), sample=sample)

    def _of(self, part: Part, model: str) -> list[RoleFacts]:
        """The roles with that part which one model plays."""
        return [one for one in self.facts.values() if one.part == part and one.model == model]

    def _fault(self, facts: RoleFacts, request: Request, reply: Reply) -> str | None:
        """What is wrong with a reply before it is read, by its name among the faults."""
        if reply.finish == "content_filter":
            return "is filtered"
        if reply.finish in ("length", "broken"):
            return "is cut off"
        as_json = request.schema is not None
        try:
            text = checked(cleaned(reply, as_json=as_json) if self._clean else reply)
        except ParseError:
            return "gives no answer"
        found = json_in(text)[0] if as_json else None
        texts = [text] if found is None else list(_texts(found))
        if facts.part != "answerer" and texts and all(map(is_refusal, texts)):
            return "declines"
        return "is not the JSON asked for" if as_json and found is None else None


def _texts(found: Any) -> Iterator[str]:
    """Texts of a JSON value, those of lists in it among them."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping | list):
        for part in islice(found.values() if isinstance(found, Mapping) else found, MOST):
            yield from _texts(part)


def _read(facts: RoleFacts, text: str, shown: str) -> None:
    """Books whether a text is language."""
    found = fluency.verdict(text)
    facts.seen("is no language", found=int(found is not None), reason=found or "", sample=shown)


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
