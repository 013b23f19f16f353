"""A run's judges and their controls: who is examined, how a control is put as a row is, and what a journal holds of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from synth.engine.ask import REPLAY, Engine, replaying
from synth.errors import Stopped
from synth.hashing import key_of
from synth.journal.reader import Reader
from synth.journal.store import Journal
from synth.journal.usage import RETRY, Usage
from synth.plan.lanes import LaneSpec, told_of
from synth.quality import controls
from synth.quality.controls import Answer, Exam
from synth.recipe import taxonomy
from synth.recipe.controls import Control
from synth.recipe.routing import leaves
from synth.run.compile import CompiledRecipe
from synth.run.kept import KeptReplies
from synth.run.result import DOUBTED, Result
from synth.stages.judge import Panel
from synth.types import CONTROLS, Ask, Provenance, Reply, Request, Sample

JUDGING, TAXONOMY = "judge", "libra"
"""The stage whose judges are examined, and the shipped taxonomy whose rules controls are judged by."""


@dataclass(frozen=True)
class Judge:
    """A model that judges, with the roles by which it is asked the very same requests."""

    model: str
    roles: tuple[str, ...]
    spare: bool
    """Whether the run can do without the first of these roles, since a chain has another for an outage."""


@dataclass(frozen=True)
class Questions:
    """The controls of a recipe's judges, each put to a judge as its panel puts a row."""

    compiled: CompiledRecipe
    panel: Panel
    _specs: dict[str, LaneSpec] = field(default_factory=dict)

    @cached_property
    def asked(self) -> tuple[Control, ...]:
        """The controls that a recipe's seed draws for its judges, in their order."""
        return controls.asked(self.compiled.recipe.seed)

    @cached_property
    def judges(self) -> list[Judge]:
        """The models of a recipe's panel that are examined, in the order of its seats: all but stand-ins."""
        recipe, spared = self.compiled.recipe, self.compiled.recipe.spared()
        names = [leaf for role, _ in self.panel.seats for leaf in leaves(role, recipe.composed)]
        found: dict[str, list[str]] = {}
        for role in dict.fromkeys(names):
            if not recipe.models[role].answering.STAND_IN:
                found.setdefault(key_of(self._request(role, self.asked[0])), []).append(role)
        return [Judge(recipe.models[roles[0]].named, tuple(roles), roles[0] in spared) for roles in found.values()]

    async def answer(self, judge: Judge, control: Control, ask: Ask, number: int = 0) -> Answer | None:
        """What a judge says of a control when it is asked for the first time, or in the round of that number; None if its model is out.
        Raises what `ask` raises."""
        spec, stats = self._spec(control), self.compiled.flow.stats
        stats.hold(ask)
        try:
            vote = await self.panel.vote(spec, _sample(spec, control), judge.roles[0], _draw(number), ask)
        finally:
            stats.discard(ask)
        return controls.answer(control, vote, self.panel.labels)

    def _request(self, role: str, control: Control) -> Request:
        spec = self._spec(control)
        return self.panel.request(spec, _sample(spec, control), role, _draw(0))

    def _spec(self, control: Control) -> LaneSpec:
        if not self._specs:
            shipped = taxonomy.load_shipped(TAXONOMY)
            ids = dict.fromkeys(one.subcategory for one in self.asked)
            self._specs.update((id, told_of(shipped, id, self.panel.labels)) for id in ids)
        return self._specs[control.subcategory]


def questions_of(compiled: CompiledRecipe) -> Questions | None:
    """The controls of a recipe's judges; None where none are asked: rows without answers, a panel of another package's, `controls: false`,
    or nothing but stand-ins."""
    panel = compiled.flow.panel
    if not (isinstance(panel, Panel) and panel.controls):
        return None
    found, recipe = Questions(compiled, panel), compiled.recipe
    roles = {leaf for role, _ in panel.seats for leaf in leaves(role, recipe.composed)}
    return None if all(recipe.models[role].answering.STAND_IN for role in roles) else found


async def recalled(questions: Questions | None, journal: Journal | Reader) -> list[tuple[Judge, Exam]]:
    """Every judge with what the journal holds of its controls; nothing is asked."""
    spent = journal.spent() if questions is not None else []
    if questions is None or not any(line.lane == CONTROLS for line in spent):
        return []
    engine = replaying(KeptReplies(journal))
    return [(judge, await _exam(questions, judge, engine, verdicts(spent, judge.model))) for judge in questions.judges]


async def _exam(questions: Questions, judge: Judge, engine: Engine, judged: int) -> Exam:
    seed, later = questions.compiled.recipe.seed, dict[int, controls.Answers]()
    for number in range(judged // controls.EVERY, 0, -1):
        asked = controls.again(seed, number)
        found = [await _recalled(questions, judge, control, engine, number) for control in asked]
        if any(found):
            later[number] = found
        if len(later) == controls.LATELY:
            break
    first = [await _recalled(questions, judge, control, engine, 0) for control in questions.asked]
    return Exam(judge.roles[0], judge.model, first, later)


async def _recalled(questions: Questions, judge: Judge, control: Control, engine: Engine, number: int) -> Answer | None:
    async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
        del stage, role, spare
        reply = engine.recall(request, spare=judge.spare)
        if reply.finish == RETRY:
            raise Stopped(REPLAY)
        return reply

    try:
        return await questions.answer(judge, control, ask, number)
    except Stopped:
        return None


def verdicts(spent: Iterable[Usage], model: str) -> int:
    """How many replies a model gave as a judge of rows, of these usages; controls are none."""
    return sum(line.calls for line in spent if (line.stage, line.model) == (JUDGING, model) and line.lane != CONTROLS)


def report(result: Result, exams: Sequence[tuple[Judge, Exam]]) -> None:
    """Adds to a run's result what came of its judges' controls: a row for each role, of which those that ask a judge the same share
    the figures, and the message of a stop over one that is unfit. What an unfit judge means for the rows: `Doubting.judge`."""
    result.controls = [exam.row() | {"role": role} for judge, exam in exams if exam.accuracy for role in judge.roles]
    result.notes += [exam.fall() for _, exam in exams if exam.fell]
    if result.stopped == DOUBTED and (found := unfit(exams)):
        result.message = found  # what landed after the stop counts too


def unfit(exams: Sequence[tuple[Judge, Exam]]) -> str:
    """The line with which a run stops for judges that their controls call unfit; empty if there are none."""
    found = [exam for _, exam in exams if exam.verdict == "unfit"]
    if not found:
        return ""
    roles = " and ".join(exam.role for exam in found)
    return f"{'; '.join(exam.words() for exam in found)}; take another model for {roles}, or --on-doubt warn goes on"


def _draw(number: int) -> tuple[str | int, ...]:
    return (CONTROLS, number) if number else (CONTROLS,)


def _sample(spec: LaneSpec, control: Control) -> Sample:
    return Sample(
        lane=spec.lane,
        coordinate=0,
        query=control.query,
        query_id=control.id,
        root_id=control.id,
        elements=(),
        generator=CONTROLS,
        provenance=Provenance(0, control.id),
        family=control.id,
        response=control.response,
    )
