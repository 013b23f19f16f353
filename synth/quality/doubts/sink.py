"""A row sink that counts, on the way to another one, what speaks for and against the roles that made the rows."""

from collections.abc import Callable

from synth.dedup.normalise import normalise
from synth.filters.language import fluency
from synth.filters.language.sent import repeats
from synth.filters.text import chinese
from synth.fold.acceptor import RowSink
from synth.hashing import short_hash
from synth.quality.doubts.evidence import Evidence, Who, Written, keep_lowest
from synth.quality.doubts.votes import ReadVote, RoleNames, read_vote
from synth.quality.shown import shown_of
from synth.recipe.labels import NO_VERDICT
from synth.stages.parsing import SECOND_TRIES
from synth.types import Drop, Sample, Vote

LOOK_EVERY = 50
"""Judged rows between two looks at the evidence."""
_OF_TEXTS = {
    "template": "echo",
    "debris.echo": "echo",
    "scaffolding.echo": "echo",
    "chinese": "language",
    "language_switch": "language",
    "repetition": "loops",
}
"""What is measured of a text by the reason for which a filter dropped it."""
_OF_FLUENCY = {"loop": "loops", "salad": "salad"}
_not_chinese = chinese(least=0.25)


class CountingSink:
    """A row sink before another: counts evidence on everything that passes, and calls `look` every so many judged rows."""

    def __init__(self, sink: RowSink, cast: RoleNames, look: Callable[[], None] = lambda: None) -> None:
        self.evidence = Evidence()
        """What was counted so far; a checkpoint's is put in its place."""
        self._sink, self._cast, self._look = sink, cast, look

    def gated(self, query: Sample) -> None:
        """Counts a query that passed the gate, and passes it on."""
        self._query(query, None)
        self._sink.gated(query)

    def keep(self, split: str, row: Sample) -> None:
        """Counts an accepted row or one set aside, and passes it on."""
        self._row(row, accepted=split == "accepted")
        self._sink.keep(split, row)

    def surplus(self, row: Sample) -> None:
        """Counts a row whose cell was full, and passes it on."""
        self._row(row)
        self._sink.surplus(row)

    def drop(self, drop: Drop) -> None:
        """Counts a query or row that was dropped, and passes it on."""
        sample = drop.sample
        if sample is not None and drop.stage in self._cast.gate and sample.response is None and not sample.votes:
            self._query(sample, drop)
        elif sample is not None:
            self._row(sample, drop)
        elif drop.stage in self._cast.gate:
            self._call(drop)
        self._sink.drop(drop)

    def _call(self, drop: Drop) -> None:
        """A call that gave no query: the model's fault, where the stage has but one."""
        models = [model for stage, model in self._cast.roles if stage == drop.stage]
        if len(models) == 1 and drop.reason != "extra":
            who = (self._cast.roles[drop.stage, models[0]], models[0])
            self.evidence.count(f"drop {drop.stage}.{drop.reason}", who, True, drop.coordinate, drop.text)

    def _who(self, stage: str, model: str | None) -> Who | None:
        role = self._cast.roles.get((stage, model or ""))
        return None if role is None else (role, model or "")

    def _writer(self, query: Sample) -> Who | None:
        source, *branches = self._cast.gate or ("",)
        if query.parent_id is None:
            return self._who(source, query.generator)
        return next((who for stage in branches if (who := self._who(stage, query.generator))), None)

    def _query(self, query: Sample, drop: Drop | None) -> None:
        who = self._writer(query)
        if who is None:
            return
        place, text = query.provenance.draw, query.query
        self._text(who, place, (text, text), drop, plainly=query.parent_id is None, found=fluency.verdict(text))
        known = drop is not None and drop.stage == "dedup"
        self.evidence.count("repeats", who, known, place, text)
        if drop is not None and not known:
            self.evidence.count(f"drop {drop.stage}.{drop.reason}", who, True, place, text)
        if query.parent_id is None:
            self._page(query, who, known=known)

    def _page(self, query: Sample, who: Who, *, known: bool) -> None:
        """The queries of one call come one after the other, since there is one gate."""
        evidence, place = self.evidence, query.provenance.draw
        lane = evidence.lanes.setdefault(query.lane.id, Written())
        if (call := place.rpartition(".")[0]) != evidence.call:
            self._call_ended()
            evidence.call, evidence.writer, evidence.again = call, who, ""
            evidence.texts.clear()
        digest = short_hash(normalise(query.query))
        evidence.texts[digest] += 1
        if evidence.texts[digest] > 1:
            evidence.again = query.query
        lane.written += 1
        lane.known += known
        lane.by[who[1]] += 1
        most = max(evidence.texts.values())
        if most > lane.alike or call == lane.worst:
            lane.alike, lane.of, lane.worst = most, evidence.texts.total(), call

    def _call_ended(self) -> None:
        """A call counts as one case: queries that repeat each other come together."""
        evidence, n = self.evidence, self.evidence.texts.total()
        if n > 1:
            repeated = 2 * (n - len(evidence.texts)) >= n
            evidence.count("repeats_in_call", evidence.writer, repeated, evidence.call, evidence.again)

    def _row(self, row: Sample, drop: Drop | None = None, *, accepted: bool = False) -> None:
        who = self._who("respond", row.responder)
        place, shown = row.provenance.draw, shown_of(row, drop)
        if who is not None:
            if row.response is not None:
                found = fluency.verdict(row.response)
                self._text(who, place, (row.response, shown), drop, plainly=row.parent_id is None, found=found)
                if accepted:
                    self.evidence.count("salad_rows", who, found is not None, place, shown)
            elif row.response_class is not None and drop is not None:
                # The answer is withheld: of its words the reason alone is known.
                found = next((key for key in _OF_FLUENCY if drop.reason == f"fluent.{key}"), None)
                self._text(who, place, ("", shown), drop, plainly=False, found=found)
            if row.stance is not None and row.wanted is not None:
                self.evidence.count(f"stance {row.stance}", who, row.label != row.wanted, place, shown)
            if drop is not None:
                self.evidence.count(f"drop {drop.stage}.{drop.reason}", who, True, place, shown)
        writer = self._writer(row)
        if accepted and writer is not None:
            self.evidence.count("salad_rows", writer, fluency.verdict(row.query) is not None, place, row.query)
        if row.votes:
            self._votes(row)

    def _text(
        self, who: Who, place: str, said: tuple[str, str], drop: Drop | None, *, plainly: bool, found: str | None
    ) -> None:
        """A text and what may be shown of it, dropped or not: what the filters say of it, whether the recipe names them or not. What was
        asked `plainly` is to be Chinese; `found` is how fluent it is."""
        text, shown = said
        faults = {_OF_TEXTS.get(drop.reason) if drop is not None else None, found and _OF_FLUENCY[found]}
        if repeats(text, SECOND_TRIES):
            faults.add("echo")
        if plainly and _not_chinese(text):
            faults.add("language")
        for measure in (*dict.fromkeys(_OF_TEXTS.values()), "salad"):
            self.evidence.count(measure, who, measure in faults, place, shown)

    def _votes(self, row: Sample) -> None:
        if len(row.votes) != len(self._cast.seats):
            return  # of another package's stage
        place, evidence = row.provenance.draw, self.evidence
        before: dict[str, str] = {}
        for seat, vote in zip(self._cast.seats, row.votes, strict=True):
            if seat is not None:
                who = (seat[0], vote.judge or seat[1])
                found = read_vote(vote, row, self._cast)
                self._vote(who, vote, place, found)
                self._same(who, vote, place, (found.shown, before))
        if None not in self._cast.seats:
            self._ballot(row)
        evidence.judged += 1
        if evidence.judged % LOOK_EVERY == 0:
            self._look()

    def _ballot(self, row: Sample) -> None:
        ballot, odd, place = self._cast.labels.ballot(row.votes), self.evidence.odd, row.provenance.draw
        self.evidence.ballots[ballot] += 1
        if len(set(ballot) - {NO_VERDICT}) < 2:
            return
        keep_lowest(odd.setdefault("all", []), place, row.query)
        for seat, label in enumerate(ballot):
            if ballot.count(label) == 1:
                keep_lowest(odd.setdefault(str(seat), []), place, row.query)

    def _vote(self, who: Who, vote: Vote, place: str, found: ReadVote) -> None:
        evidence, said, shown = self.evidence, vote.analysis or "", found.shown
        if vote.label is None:
            evidence.count("no_verdict", who, found.empty is None and not found.against, place, said)
            for measure, hit in (("empty_analysis", found.empty is not None), ("contradiction", found.against)):
                if hit:
                    evidence.count(measure, who, True, place, said)
            return
        evidence.count("no_verdict", who, False)
        evidence.count("empty_analysis", who, found.empty is not None, place, shown)
        evidence.count("contradiction", who, found.against, place, f"{vote.label}: {shown}")
        evidence.count("salad", who, found.empty is None and fluency.verdict(said) is not None, place, shown)
        if found.empty is None:
            evidence.count("said", who, True, place, shown)
            evidence.count_analysis(who, vote.label, normalise(said))

    def _same(self, who: Who, vote: Vote, place: str, before: tuple[str, dict[str, str]]) -> None:
        """Whether a judge says word for word what one of another model before it says; with what may be shown of it, and what
        those said."""
        shown, said = before
        if vote.label is None or not vote.analysis:
            return
        if said:
            again = said.get(vote.analysis, vote.judge) != vote.judge
            self.evidence.count("same_analysis", (who[0], vote.judge), again, place, shown)
        said.setdefault(vote.analysis, vote.judge)
