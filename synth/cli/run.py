"""What `run`, `merge`, `diff` and `export` do, once their options are read."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth import aside, exporters
from synth.cli import live, summary
from synth.cli.say import complain, give, say, then
from synth.cli.way import typed
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.plan.sharding import shard_of, sharded
from synth.quality.grid import Grid
from synth.recipe.labels import LabelScheme
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.diff import parts
from synth.run.estimate import estimate
from synth.run.execute import run as run_bound
from synth.run.folder import refuse_own
from synth.run.leave_report import leave_report
from synth.run.lint import advice
from synth.run.merge import merge as merge_folders
from synth.run.options import RunOptions
from synth.run.resolve import raised, wanted
from synth.run.result import Result
from synth.run.upgrade import compare
from synth.types import MarkMode

if TYPE_CHECKING:
    from synth.exporters._huggingface import Access


def run(recipe: Recipe, options: RunOptions, *, shard: str | None, as_json: bool, events: Path | None) -> int:
    """What `synth run` does: runs the recipe, showing progress and the summary; gives the exit status. ConfigError for what
    the user must mend."""
    refuse_own(options.folder, recipe.avoid)
    compiled = compile_recipe(recipe)
    ours = shard_of(shard, compiled.specs) if shard else None
    _warn(compiled)
    _say_least(compiled, options)
    with contextlib.ExitStack() as stack:
        observer = _open_events(events, stack)
        screen = live.Screen()
        watch = partial(live.watch, prices=compiled.prices, events=observer, screen=screen)
        told = replace(
            options,
            say=lambda line: screen.line(f"synth: note: {line}"),
            report=lambda line: screen.line(f"synth: {line}"),
        )
        result = run_bound(compiled, replace(told, shard=ours, watch=watch, observer=observer))
    if compiled.recipe.output.report:
        leave_report(options.folder, _note)
    _end(result, options.folder, compiled.recipe.scheme)
    if as_json:
        give(asdict(result) | {"folder": str(options.folder), "fingerprint": compiled.fingerprint})
    return result.status


def _end(result: Result, folder: Path, labels: LabelScheme, *more: str) -> None:
    """The last lines of a run: its table, what to keep, and what to do next, which is to go on where it was stopped."""
    say(summary.summary(result, folder, labels), err=True)
    say(summary.private(folder, folder / "dataset" if any(result.splits.values()) else None), err=True)
    if result.message:
        complain(result.message)
    else:
        then(*more, *summary.next_steps(result, folder))


def merge(folders: Sequence[Path], out: Path, *, as_json: bool = False) -> int:
    """What `synth merge` does with runs: unites their journals, folds them and writes the dataset; gives the exit
    status."""
    merged = merge_folders(folders, out)
    if merged.recipe.output.report:
        leave_report(out, _note)
    result = merged.result
    short = sum(cell["status"] != "met" for cell in result.cells)
    command = typed("run", merged.recipe.name, "-o", out)
    lacks = f"`{command}` asks for what {short:,} short cells lack" if short else ""
    _end(result, out, Dataset(out).labels, lacks)
    if as_json:
        give(asdict(result) | {"folder": str(out)})
    return result.status


@dataclass(frozen=True)
class Outlook:
    """What a run would do, told before it does it: the facts for `--json`, and the same for the terminal."""

    facts: dict[str, Any]
    parts: list[str | Grid]


def price(recipe: Recipe, options: RunOptions, shard: str | None) -> Outlook:
    """What `synth run --dry-run` says: what a run would ask for, and what that may cost; in a folder that has a journal,
    beyond what that holds."""
    compiled = compile_recipe(recipe)
    _warn(compiled)
    _say_least(compiled, options)
    chosen, targets = wanted(compiled, options.n, options.only)
    if shard:
        options = replace(options, shard=shard_of(shard, compiled.specs))
        chosen = sharded(chosen, shard_of(shard, compiled.specs))
    if (options.folder / "journal.sqlite").exists():
        return _compared(compiled, options)
    found = estimate(compiled, chosen, targets)
    return Outlook(asdict(found), [*found.parts()])


def diff(recipe: Recipe, n: int | None, folder: Path, only: tuple[str, ...]) -> Outlook:
    """What `synth diff` says: what a run of the recipe would do in a folder that has a run, what has changed, what is
    reused, what would be asked."""
    compiled = compile_recipe(recipe)
    _warn(compiled)
    return _compared(compiled, RunOptions(folder, n, only))


def _compared(compiled: CompiledRecipe, options: RunOptions) -> Outlook:
    job, found, complaint = compare(compiled, options)
    before = Dataset(options.folder) if (options.folder / "dataset").exists() else None
    ids = {row["id"] for split in before.filled() for row in before.rows(split)} if before else set()
    stay = len(ids & found.rows)
    changed = f"these have changed: {job.changed}" if job.changed else "the recipe is that of the last run"
    stops = complaint if complaint and not options.upgrade else None
    facts = {
        "changed": job.changed,
        "reused": {stage: found.reused[stage] for stage in found.stages},
        "asked": {stage: found.asked[stage] for stage in found.stages},
        "whole": found.whole,
        "cost": found.cost or None,
        "rows": {"before": len(ids), "stay": stay if found.whole else None},
        "stops": stops,
    }
    return Outlook(facts, [changed, *parts(found, stay, len(ids)), *([stops] if stops else [])])


def export(
    folder: Path,
    to: str,
    out: Path | None,
    *,
    options: dict[str, Any],
    push_to: str | None,
    private: bool,
    access: "Access | None" = None,
    mark: MarkMode | None = None,
    say: exporters.Say | None = None,
) -> Iterator[str]:
    """What `synth export` does with a finished run: writes the export, and uploads the dataset if asked; gives the
    paths and the address, and `say` the export's last words."""
    place = out or folder / "export" / to
    scratch = next(parent for parent in place.absolute().parents if parent.is_dir())
    made = Dataset(folder, scratch=scratch, mark=mark)
    write = exporters.find(to, say)
    if push_to and to != "hf":
        raise ConfigError("--push-to goes with --to hf", status=2)
    try:
        for path in write(made, place, **options):
            yield str(path)
    except OSError as error:
        raise ConfigError(f"{out or folder}: cannot be written ({error.strerror}); choose another -o OUT") from error
    if push_to:
        from synth.exporters.hf import push

        yield push(made, push_to, private=private, access=access, exported=place if mark else None)


def _warn(compiled: CompiledRecipe) -> None:
    for line in advice(compiled):
        complain(line)


def _say_least(compiled: CompiledRecipe, options: RunOptions) -> None:
    asked, made = options.n or compiled.recipe.n, raised(compiled, options.n, options.only)
    if made != asked:
        _note(f"-n {asked} is too small for every cell to have a row; -n {made} is made, the least there is")


def _note(line: str) -> None:
    complain(f"note: {line}")


def _open_events(events: Path | None, stack: contextlib.ExitStack) -> live.Events | None:
    if events is None:
        return None
    if str(events) == "-":
        return live.Events(sys.stderr)
    if events.is_file() and not aside.begins(events, b'{"event": '):
        raise ConfigError(f"--events {events}: holds something else; name another file")
    try:
        told = live.Events(events.open("a", encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--events {events}: cannot be written ({error.strerror})") from error
    stack.callback(told.close)
    return told
