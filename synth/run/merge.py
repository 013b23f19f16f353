"""`synth merge`: the journals of several folders of one recipe united, and one more fold over them; nothing is asked for."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from synth import aside
from synth.engine.ask import replaying
from synth.errors import ConfigError
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.inputs import recorded, written
from synth.journal.merge import History, identity_of, same, united_decisions, united_replies, write
from synth.journal.reader import Reader
from synth.journal.rows import DamagedReply, Decision, Kept
from synth.journal.store import Journal, hold
from synth.recipe.library import Inputs
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.controls import questions_of, recalled, report
from synth.run.doubting import Doubting
from synth.run.execute import finish
from synth.run.folder import claim, mend, writable
from synth.run.options import RunOptions
from synth.run.resolve import ResolvedRun, as_recorded
from synth.run.result import Result, result_of


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
        told = [facts for folder in folders if (facts := _facts(folder))]
        kept = _kept(folders, histories, identity)
        compiled = _bound(folders, told, identity, kept)
        read = [] if kept is None else [(decisions.INPUTS, written(kept, identity))]
        taken = [*read, *united_decisions(histories, identity, [spec.lane.id for spec in compiled.specs])]
        with writable(out):
            claim(out)
            with contextlib.closing(hold(out / "journal.lock")):
                _put(out, journals, taken)
    options = RunOptions(out, max((facts["n"] for facts in told if facts["n"]), default=None))
    with writable(out), contextlib.closing(Journal(out)) as journal:
        mend(out)
        return Merged(compiled.recipe, asyncio.run(_fold(_settled(compiled, options, taken), journal)))


def _kept(folders: Sequence[Path], histories: Sequence[History], identity: dict[str, str]) -> Inputs | None:
    """What was read, as one of the journals holds it: the same whatever their order."""
    found: list[Inputs] = []
    for folder, entries in zip(folders, histories, strict=True):
        try:
            one = recorded(entries, identity)
        except ConfigError as error:
            raise ConfigError(f"{folder}: {error}") from error
        found += [one] if one else []
    return min(found, key=lambda one: json.dumps(written(one, identity), sort_keys=True), default=None)


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


def _facts(folder: Path) -> dict[str, Any] | None:
    path = (folder if folder.is_dir() else folder.parent) / "run.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None  # killed before it could write any
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: is broken; run the same command there again to write it anew") from error
    return found


def _bound(
    folders: Sequence[Path], told: Sequence[dict[str, Any]], identity: dict[str, str], kept: Inputs | None
) -> CompiledRecipe:
    if kept is not None:
        compiled, version = compile_recipe(validate(Recipe, dict(kept.recipe), str(folders[0])), kept), kept.synth
    elif told:
        # What does not bear identity (addresses, prices) may differ: which is taken must not hang on the order of the folders.
        first = min(told, key=lambda facts: json.dumps(facts["recipe"], sort_keys=True))
        compiled = compile_recipe(validate(Recipe, first["recipe"], "run.json"))
        version = first.get("versions", {}).get("synth", "")
    else:
        raise ConfigError(f"{folders[0]}: holds no run.json, which tells the recipe; run the same command there again")
    if compiled.identity == identity:
        return compiled
    way_out = (
        "put the user's own files back as they were"
        if kept is not None
        else "its journal does not hold what it was made with; run merge where its taxonomies and prompts are"
    )
    raise ConfigError(
        f"{folders[0]}: was not made with what is found from here; these differ: "
        f"{decisions.differences(identity, compiled.identity)}; {way_out}, or with synth {version}"
    )


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
        report(result, await recalled(questions_of(job.compiled), journal))
        return finish(job, doubting.judge(result), staging)
