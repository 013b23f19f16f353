"""`synth merge`: the journals of several folders of one recipe united, and one more fold over them; nothing is asked for."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from synth import aside
from synth.engine.ask import replaying
from synth.errors import ConfigError
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.inputs import written
from synth.journal.lock import hold
from synth.journal.merge import History, identity_of, same, united_decisions, united_replies, write
from synth.journal.reader import Reader
from synth.journal.rows import DamagedReply, Decision, Kept
from synth.journal.store import Journal
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe
from synth.run.doubting import Doubting
from synth.run.folder import claim, mend, writable
from synth.run.options import RunOptions
from synth.run.recorded import as_made, facts_of, kept_in
from synth.run.resolve import ResolvedRun, as_recorded
from synth.run.result import Result, result_of
from synth.run.write import finish


@dataclass(frozen=True)
class Merged:
    """What `synth merge` made of several run folders: their recipe, and the result of the fold over the united
    journal."""

    recipe: Recipe
    result: Result


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """`synth merge`: unites the journals of several run folders in `out` and writes the dataset that they make
    together. Recipe, prompts and taxonomies are those that the journals hold; without any, those of run.json and of the
    folders, which must agree."""
    with contextlib.ExitStack() as stack:
        journals = [stack.enter_context(Reader(folder)) for folder in folders]
        histories = [list(journal.decisions()) for journal in journals]
        identity = _agreed(folders, histories)
        told = [facts for folder in folders if (facts := facts_of(folder))]
        kept = kept_in(folders, histories, identity)
        compiled = as_made(folders, told, identity, kept)
        read = [] if kept is None else [(decisions.INPUTS, written(kept, identity))]
        taken = [*read, *united_decisions(histories, identity, [spec.lane.id for spec in compiled.specs])]
        with writable(out):
            claim(out)
            with contextlib.closing(hold(out / "journal.lock")):
                _put(out, journals, taken)
    options = RunOptions(
        out, max((n for facts in told if isinstance(n := facts.get("n"), int) and n > 0), default=None)
    )
    with writable(out), contextlib.closing(Journal(out)) as journal:
        mend(out)
        return Merged(compiled.recipe, asyncio.run(_fold(_settled(compiled, options, taken), journal)))


def _agreed(folders: Sequence[Path], histories: Sequence[History]) -> dict[str, str]:
    """The identity that all of them have; ConfigError naming what differs."""
    first, *others = (identity_of(str(folder), entries) for folder, entries in zip(folders, histories, strict=True))
    for folder, other in zip(folders[1:], others, strict=True):
        if first != other:
            raise ConfigError(
                f"{folders[0]} and {folder} are of different recipes; these differ: {decisions.differences(first, other)}; "
                "run one recipe in both, then merge"
            )
    return first


def _put(out: Path, journals: Sequence[Reader], taken: Sequence[Decision]) -> None:
    """The united journal in its place. One that stands there and holds the same is left, so a killed merge can be given again."""
    path = out / "journal.sqlite"

    def lost(reply: Kept) -> None:
        """A lane that ended there would be of another dataset."""
        raise DamagedReply(_holder(journals, reply), reply.key, reply.stage)

    if not path.exists():
        write(path, united_replies(journals, lost), taken)
        return
    fresh = aside.beside(path, "united")
    aside.remove(fresh)
    write(fresh, united_replies(journals, lost), taken)
    alike = same(fresh, path)
    fresh.unlink()
    if not alike:
        raise ConfigError(f"{out}: holds another journal; choose another -o DIR, and name {out} among what is merged")


def _holder(journals: Sequence[Reader], reply: Kept) -> Path:
    """The first of these journals that has a reply of that key."""
    return next(
        (one.path for one in journals if any(kept.key == reply.key for kept, _ in one.replies())), journals[0].path
    )


def _settled(compiled: CompiledRecipe, options: RunOptions, taken: Sequence[Decision]) -> ResolvedRun:
    """Every lane that was wanted, frozen: it keeps what it has."""
    last = decisions.last_target(taken)
    inputs = as_recorded(compiled, last["targets"] if last else {})
    return ResolvedRun(compiled, options, inputs, decisions.plans(taken), "", None)


async def _fold(job: ResolvedRun, journal: Journal) -> Result:
    with job.staging() as staging:
        staging.forget()  # a checkpoint of a run that began here is not of this fold
        doubting = Doubting(job.compiled, staging)
        fold = Fold(job.inputs, partial(replaying, journal), doubting.sink)
        doubting.watch(fold)
        await fold.run(job.recorded)
        result = result_of(fold, fold.engine, journal, staging, prices=job.compiled.prices)
        return finish(job, await doubting.vouch(result, journal), staging)
