"""What one invocation asks for, settled against what the folder's journal holds."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synth.dataset.staging import Staging
from synth.dataset.writer import versions
from synth.errors import BROKEN, ConfigError
from synth.fold.fold import FoldInputs
from synth.journal import decisions
from synth.journal.inputs import body
from synth.journal.inputs import recorded as recorded_inputs
from synth.journal.store import Journal
from synth.journal.usage import GAVE_UP, RETRY
from synth.plan.lanes import LaneSpec, selected
from synth.plan.quota import check_quotas
from synth.plan.targets import least, targets
from synth.recipe import files
from synth.recipe.library import Inputs, SourceFile, shipped_changes
from synth.recipe.schema import fingerprint
from synth.run.compile import CompiledRecipe
from synth.run.diff import Held, Survey, survey
from synth.run.options import RunOptions
from synth.types import CONTROLS, Round, Targets


def wanted(compiled: CompiledRecipe, n: int | None, only: tuple[str, ...]) -> tuple[list[LaneSpec], Targets]:
    """What an invocation asks for, to be resolved over a journal: its lanes (`--only`) and their cells' targets, N
    being the recipe's unless given; where no model answers, and all is for trying out, at least the smallest there
    can be. ConfigError with exit status 2 if N is too small for every cell to have a row."""
    if compiled.flow.source.missing:
        raise ConfigError(compiled.flow.source.missing)
    chosen, n = selected(compiled.specs, only), raised(compiled, n, only)
    if n is not None:
        smallest, scenario = least(compiled.recipe, chosen)
        if n < smallest:
            raise ConfigError(
                f"-n {n} is too small: for every cell to have a row, scenario {scenario!r} needs at least {smallest}; "
                f"give -n {smallest} or more, or narrow the run with --only",
                status=2,
            )
    found = targets(compiled.recipe, chosen, n)
    check_quotas(compiled.recipe.mixture.at_least, chosen, found)
    return chosen, found


def raised(compiled: CompiledRecipe, n: int | None, only: tuple[str, ...]) -> int | None:
    """The N that a run is made with: the recipe's unless given; where every role's backend is a stand-in, the least
    that gives every cell a row, if that is more."""
    n = compiled.recipe.n if n is None else n
    if n is None or not all(role.answering.STAND_IN for role in compiled.recipe.models.values()):
        return n
    return max(n, least(compiled.recipe, selected(compiled.specs, only))[0])


@dataclass(frozen=True)
class ResolvedRun:
    """A `synth run` invocation settled against what its folder's journal already held: what to fold, from which
    plans, and what changed."""

    compiled: CompiledRecipe
    options: RunOptions
    inputs: FoldInputs
    recorded: Sequence[Round]
    """The plans in force that the journal holds, in order."""
    changed: str
    """What changes the data and differs from the run before, as a line for the user; empty if nothing does."""
    target: Mapping[str, Any] | None
    """The targets this run asks for, to be journalled; None if they are those of the run before it."""
    read: Mapping[str, Any] | None = None
    """The inputs this run reads besides replies, to be journalled; None if the journal holds them."""
    last: Mapping[str, Any] | None = None
    """The targets that the run before this one asked for; None if there was none."""
    plans_before: Sequence[Round] = ()
    """The plans in force when the run before this one asked."""
    before: Inputs | None = None
    """The inputs that the run before this one read; None if the journal does not say."""
    shipped: Sequence[SourceFile] = ()
    """The files that synth ships and that have changed since the run before this one."""

    @cached_property
    def mark(self) -> str:
        """A hash of all besides the journal that a checkpoint of this resolved run depends on, synth's own code
        included."""
        return fingerprint(
            self.compiled.fingerprint, self.inputs.targets, sorted(self.inputs.frozen), files.own_hash(), versions()
        )

    @property
    def again(self) -> Collection[str]:
        """How journalled replies ended whose requests this resolved run asks again."""
        return (RETRY, GAVE_UP) if self.options.retry_given_up else (RETRY,)

    def enter(self, journal: Journal) -> int:
        """Journals the resolved run's inputs and targets, before anything else of it; gives how many given-up requests
        are to be asked again."""
        news = ((decisions.INPUTS, self.read), (decisions.TARGET, self.target))
        if found := [(kind, body) for kind, body in news if body is not None]:
            journal.decide_all(found)
        asked = self.inputs.targets.keys() - self.inputs.frozen
        return journal.retry({*asked, CONTROLS}) if self.options.retry_given_up else 0

    def survey(self, journal: Held) -> Survey:
        """A survey of what this resolved run would reuse of the journal and what it would ask."""
        return survey(self.compiled.recipe, self.inputs, self.recorded, journal, self.again)

    def staging(self) -> Staging:
        """A new staging area for the dataset and drops of this resolved run."""
        recipe = self.compiled.recipe
        return Staging(self.options.folder, self.compiled.names, recipe.output, recipe.scheme)


def resolve(
    compiled: CompiledRecipe, options: RunOptions, journal: Held, chosen: Sequence[LaneSpec], wanted_now: Targets
) -> ResolvedRun:
    """Resolves an invocation over a folder's journal, to the run that it comes to. Where it asks for something else
    than the run before, calls planned but never answered are let go. Lanes that `--only` or `--shard` leaves out keep
    their rows and their place in the index."""
    history = list(journal.decisions())
    if any(kind == decisions.EVAL for kind, _ in history):
        raise ConfigError(f"{options.folder}: is the folder of an evaluation; choose another -o DIR")
    last = decisions.last_target(history)
    before: Targets = last["targets"] if last and options.only else {}
    ids = {spec.lane.id for spec in chosen}
    specs = [spec for spec in compiled.specs if spec.lane.id in ids | before.keys()]
    asked = {spec.lane.id: (wanted_now if spec.lane.id in ids else before)[spec.lane.id] for spec in specs}
    plans_before = recorded = decisions.plans(history)
    target = None
    if last is None or (last["targets"], last["identity"]) != (asked, compiled.identity):
        let_go = decisions.released(recorded, compiled.flow.source.size, _answered(compiled, specs, journal))
        target = decisions.target_body(asked, compiled.identity, let_go)
    recorded = decisions.plans([*history, *([(decisions.TARGET, target)] if target else [])])
    if options.shard is not None:
        ids &= options.shard
        specs = [spec for spec in specs if spec.lane.id in ids | {plan.lane for plan in recorded}]
    targets = {spec.lane.id: asked[spec.lane.id] for spec in specs}
    inputs = _inputs(compiled, targets, frozen=targets.keys() - ids)
    changed = decisions.differences(last["identity"], compiled.identity) if last else ""
    read_before = recorded_inputs(history, last["identity"]) if last else None
    return ResolvedRun(
        compiled,
        options,
        inputs,
        recorded,
        changed,
        target,
        read=body(compiled.inputs, compiled.identity, history),
        last=last,
        plans_before=plans_before,
        before=read_before,
        shipped=_shipped(compiled, options, last["identity"], read_before) if last and changed else (),
    )


def _shipped(
    compiled: CompiledRecipe, options: RunOptions, before: Mapping[str, str], read: Inputs | None
) -> Sequence[SourceFile]:
    """Files that synth ships and that have changed since the run of that identity."""
    made_by = None
    with contextlib.suppress(*BROKEN):
        made_by = json.loads((options.folder / "run.json").read_text(encoding="utf-8"))["versions"]["synth"]
    return shipped_changes(read, compiled.inputs, decisions.changed(before, compiled.identity), made_by)


def as_recorded(compiled: CompiledRecipe, asked: Targets) -> FoldInputs:
    """A run resolved to ask nothing: what a fold needs to make the rows that a journal holds; every wanted lane keeps
    what it has."""
    return _inputs(compiled, asked, frozen=asked.keys())


def _inputs(compiled: CompiledRecipe, targets: Targets, frozen: Iterable[str]) -> FoldInputs:
    recipe = compiled.recipe
    return FoldInputs(
        flow=compiled.flow,
        specs=[spec for spec in compiled.specs if spec.lane.id in targets],
        targets=targets,
        dedup=recipe.dedup,
        concurrency=recipe.concurrency,
        at_least=recipe.mixture.at_least,
        family=recipe.accept.family,
        frozen=frozenset(frozen),
    )


def _answered(compiled: CompiledRecipe, specs: Sequence[LaneSpec], journal: Held) -> Callable[[Round, int], bool]:
    known = {spec.lane.id: spec for spec in specs}

    def answered(plan: Round, call: int) -> bool:
        if plan.lane not in known or plan.widening:  # a widened call hangs on replies: it is taken for answered
            return True
        request = compiled.flow.source.request(known[plan.lane], call)
        return request is None or journal.has(request)

    return answered
