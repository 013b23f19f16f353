"""What one invocation asks for, settled against what the folder's journal holds."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synth import files
from synth.bind import Bound
from synth.dataset.spool import Spool
from synth.dataset.writing import versions
from synth.engine.ask import Engine
from synth.engine.books import GAVE_UP, RETRY
from synth.engine.budget import UNBOUNDED, Bounds
from synth.engine.journal import Journal
from synth.errors import ConfigError
from synth.fold import history
from synth.fold.fold import Fold, Setup
from synth.plan.lanes import Brief, selected
from synth.plan.quota import check_quotas
from synth.plan.targets import Targets, least, targets
from synth.recipe import fingerprint
from synth.survey import Survey, survey
from synth.types import Round

Watch = Callable[[Fold, Engine], "contextlib.AbstractAsyncContextManager[None]"]


@dataclass(frozen=True)
class Wish:
    """What one invocation asks for."""

    folder: Path
    n: int | None = None
    only: tuple[str, ...] = ()
    shard: frozenset[str] | None = None
    """Ids of the lanes that may be asked for, where the asking is split over machines."""
    bounds: Bounds = UNBOUNDED
    retry_given_up: bool = False
    """Whether requests that were given up on are asked again."""
    watch: Watch | None = None
    say: Callable[[str], None] = lambda _: None
    """Told what the user should know before anything is asked."""


def wanted(bound: Bound, n: int | None, only: tuple[str, ...]) -> tuple[list[Brief], Targets]:
    """The lanes asked for and their targets, N being the recipe's unless given. ConfigError with exit status 2 if N is too
    small for every cell to have a row."""
    n = bound.recipe.n if n is None else n
    chosen = selected(bound.briefs, only)
    if n is not None:
        smallest, scenario = least(bound.recipe, chosen)
        if n < smallest:
            raise ConfigError(
                f"-n {n} is too small: for every cell to have a row, scenario {scenario!r} needs at least {smallest}; "
                f"give -n {smallest} or more, or narrow the run with --only",
                status=2,
            )
    found = targets(bound.recipe, chosen, n)
    check_quotas(bound.recipe.mixture.at_least, chosen, found)
    return chosen, found


@dataclass(frozen=True)
class Job:
    """One invocation, settled against what the folder's journal already held."""

    bound: Bound
    wish: Wish
    setup: Setup
    recorded: Sequence[Round]
    changed: str
    """What bears on the data and differs from the run before, in words."""
    target: Mapping[str, Any] | None
    """What this run asks for, where that is not what the one before it asked for."""

    @cached_property
    def mark(self) -> str:
        """Of all that a checkpoint's state depends on besides the journal; synth's own code included."""
        return fingerprint(
            self.bound.fingerprint, self.setup.targets, sorted(self.setup.frozen), files.own_hash(), versions()
        )

    def enter(self, journal: Journal) -> int:
        """Records what is asked for, before anything else of the run; gives how many requests are to be asked again."""
        if self.target is not None:
            journal.decide(history.TARGET, self.target)
        asked = self.setup.targets.keys() - self.setup.frozen
        return journal.retry(asked) if self.wish.retry_given_up else 0

    def survey(self, journal: Journal) -> Survey:
        again = (RETRY, GAVE_UP) if self.wish.retry_given_up else (RETRY,)
        return survey(self.bound.recipe, self.setup, self.recorded, journal, again)

    def spool(self) -> Spool:
        return Spool(self.wish.folder, self.bound.names, self.bound.recipe.output)


def settle(bound: Bound, wish: Wish, journal: Journal, chosen: Sequence[Brief], wanted_now: Targets) -> Job:
    """Reads the plans in force. Where this run asks for something else than the one before it, what was planned but never
    answered is let go of. Lanes that `--only` or `--shard` leaves out keep their rows and their place in the index."""
    last = history.last_target(journal.decisions())
    before: Targets = last["targets"] if last and wish.only else {}
    ids = {brief.lane.id for brief in chosen}
    briefs = [brief for brief in bound.briefs if brief.lane.id in ids | before.keys()]
    asked = {brief.lane.id: (wanted_now if brief.lane.id in ids else before)[brief.lane.id] for brief in briefs}
    recorded, target = history.plans(journal.decisions()), None
    if last is None or (last["targets"], last["identity"]) != (asked, bound.identity):
        let_go = history.released(recorded, bound.work.source.size, _answered(bound, briefs, journal))
        target = history.target_body(asked, bound.identity, let_go)
    recorded = history.plans([*journal.decisions(), *([(history.TARGET, target)] if target else [])])
    if wish.shard is not None:
        ids &= wish.shard
        briefs = [brief for brief in briefs if brief.lane.id in ids | {plan.lane for plan in recorded}]
    setup = Setup(
        work=bound.work,
        briefs=briefs,
        targets={brief.lane.id: asked[brief.lane.id] for brief in briefs},
        dedup=bound.recipe.dedup,
        concurrency=bound.recipe.concurrency,
        at_least=bound.recipe.mixture.at_least,
        frozen=frozenset(brief.lane.id for brief in briefs) - ids,
    )
    changed = history.differences(last["identity"], bound.identity) if last else ""
    return Job(bound, wish, setup, recorded, changed, target)


def compare(bound: Bound, wish: Wish) -> tuple[Job, Survey]:
    """What the recipe would do in `wish.folder`; nothing is asked, and nothing written."""
    chosen, wanted_now = wanted(bound, wish.n, wish.only)
    if not (wish.folder / "journal.sqlite").exists():
        raise ConfigError(f"{wish.folder}: holds no journal; make one with `synth run RECIPE -o {wish.folder}`")
    with contextlib.closing(Journal(wish.folder)) as journal:
        job = settle(bound, wish, journal, chosen, wanted_now)
        return job, job.survey(journal)


def _answered(bound: Bound, briefs: Sequence[Brief], journal: Journal) -> Callable[[Round, int], bool]:
    known = {brief.lane.id: brief for brief in briefs}

    def answered(plan: Round, call: int) -> bool:
        if plan.lane not in known or plan.widening:  # a widened call hangs on replies: it is taken for answered
            return True
        request = bound.work.source.request(known[plan.lane], call)
        return request is None or journal.has(request)

    return answered
