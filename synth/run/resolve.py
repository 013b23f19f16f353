"""What one invocation asks for, settled against what the folder's journal holds."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synth.dataset.staging import Staging
from synth.dataset.writer import versions
from synth.errors import ConfigError
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
from synth.types import Round, Targets


def wanted(compiled: CompiledRecipe, n: int | None, only: tuple[str, ...]) -> tuple[list[LaneSpec], Targets]:
    """The lanes asked for and their targets, N being the recipe's unless given. ConfigError with exit status 2 if N is too
    small for every cell to have a row."""
    n = compiled.recipe.n if n is None else n
    chosen = selected(compiled.specs, only)
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


@dataclass(frozen=True)
class ResolvedRun:
    """One invocation, settled against what the folder's journal already held."""

    compiled: CompiledRecipe
    options: RunOptions
    inputs: FoldInputs
    recorded: Sequence[Round]
    changed: str
    """What bears on the data and differs from the run before, in words."""
    target: Mapping[str, Any] | None
    """What this run asks for, where that is not what the one before it asked for."""
    read: Mapping[str, Any] | None = None
    """What this run reads besides replies, where the journal does not hold it yet."""
    last: Mapping[str, Any] | None = None
    """What the run before it asked for,"""
    plans_before: Sequence[Round] = ()
    """the plans in force then,"""
    before: Inputs | None = None
    """and what it read, if the journal tells."""
    shipped: Sequence[SourceFile] = ()
    """Files that synth ships and that were others then."""

    @cached_property
    def mark(self) -> str:
        """Of all that a checkpoint's state depends on besides the journal; synth's own code included."""
        return fingerprint(
            self.compiled.fingerprint, self.inputs.targets, sorted(self.inputs.frozen), files.own_hash(), versions()
        )

    def enter(self, journal: Journal) -> int:
        """Records what is read and asked for, before anything else of the run; gives how many requests are to be asked again."""
        news = ((decisions.INPUTS, self.read), (decisions.TARGET, self.target))
        if found := [(kind, body) for kind, body in news if body is not None]:
            journal.decide_all(found)
        asked = self.inputs.targets.keys() - self.inputs.frozen
        return journal.retry(asked) if self.options.retry_given_up else 0

    def survey(self, journal: Held) -> Survey:
        again = (RETRY, GAVE_UP) if self.options.retry_given_up else (RETRY,)
        return survey(self.compiled.recipe, self.inputs, self.recorded, journal, again)

    def staging(self) -> Staging:
        recipe = self.compiled.recipe
        return Staging(self.options.folder, self.compiled.names, recipe.output, recipe.scheme)


def resolve(
    compiled: CompiledRecipe, options: RunOptions, journal: Held, chosen: Sequence[LaneSpec], wanted_now: Targets
) -> ResolvedRun:
    """Reads the plans in force. Where this run asks for something else than the one before it, what was planned but never
    answered is let go of. Lanes that `--only` or `--shard` leaves out keep their rows and their place in the index."""
    history = list(journal.decisions())
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
    inputs = FoldInputs(
        flow=compiled.flow,
        specs=specs,
        targets={spec.lane.id: asked[spec.lane.id] for spec in specs},
        dedup=compiled.recipe.dedup,
        concurrency=compiled.recipe.concurrency,
        at_least=compiled.recipe.mixture.at_least,
        frozen=frozenset(spec.lane.id for spec in specs) - ids,
    )
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
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        made_by = json.loads((options.folder / "run.json").read_text(encoding="utf-8"))["versions"]["synth"]
    return shipped_changes(read, compiled.inputs, decisions.changed(before, compiled.identity), made_by)


def as_recorded(compiled: CompiledRecipe, asked: Targets) -> FoldInputs:
    """For a fold over what a journal holds, which asks nothing: every lane that was wanted keeps what it has."""
    return FoldInputs(
        flow=compiled.flow,
        specs=[spec for spec in compiled.specs if spec.lane.id in asked],
        targets=asked,
        dedup=compiled.recipe.dedup,
        concurrency=compiled.recipe.concurrency,
        at_least=compiled.recipe.mixture.at_least,
        frozen=frozenset(asked),
    )


def _answered(compiled: CompiledRecipe, specs: Sequence[LaneSpec], journal: Held) -> Callable[[Round, int], bool]:
    known = {spec.lane.id: spec for spec in specs}

    def answered(plan: Round, call: int) -> bool:
        if plan.lane not in known or plan.widening:  # a widened call hangs on replies: it is taken for answered
            return True
        request = compiled.flow.source.request(known[plan.lane], call)
        return request is None or journal.has(request)

    return answered
