"""What `run`, `merge`, `diff` and `export` do, once their options are read."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synth import aside, exporters
from synth.cli import live, summary
from synth.cli.say import complain, say
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.plan.sharding import shard_of, sharded
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.diff import table
from synth.run.estimate import estimate
from synth.run.execute import run as run_bound
from synth.run.folder import refuse_own
from synth.run.leave_report import leave_report
from synth.run.lint import advice
from synth.run.merge import merge as merge_folders
from synth.run.options import RunOptions
from synth.run.resolve import raised, wanted
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
    leave_report(options.folder, _note)
    say(summary.summary(result, options.folder, compiled.recipe.scheme), err=True)
    if result.message:
        complain(result.message)
    if as_json:
        click.echo(
            json.dumps(
                asdict(result) | {"folder": str(options.folder), "fingerprint": compiled.fingerprint},
                ensure_ascii=False,
            )
        )
    return result.status


def merge(folders: Sequence[Path], out: Path) -> int:
    """What `synth merge` does with runs: unites their journals, folds them and writes the dataset; gives the exit
    status."""
    merged = merge_folders(folders, out)
    leave_report(out, _note)
    say(summary.summary(merged.result, out, Dataset(out).labels), err=True)
    short = sum(cell["status"] != "met" for cell in merged.result.cells)
    if short:
        complain(f"{short} cells are short; `synth run {merged.recipe.name} -o {out}` asks for what they lack")
    return merged.result.status


def price(recipe: Recipe, options: RunOptions, shard: str | None) -> str:
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
    return estimate(compiled, chosen, targets)


def diff(recipe: Recipe, n: int | None, folder: Path, only: tuple[str, ...]) -> str:
    """What `synth diff` says: what a run of the recipe would do in a folder that has a run, what has changed, what is
    reused, what would be asked."""
    compiled = compile_recipe(recipe)
    _warn(compiled)
    return _compared(compiled, RunOptions(folder, n, only))


def _compared(compiled: CompiledRecipe, options: RunOptions) -> str:
    job, found, complaint = compare(compiled, options)
    before = Dataset(options.folder) if (options.folder / "dataset").exists() else None
    kept = (row["id"] for split in before.filled() for row in before.rows(split)) if before else ()
    changed = f"these have changed: {job.changed}" if job.changed else "the recipe is that of the last run"
    stops = f"\n{complaint}" if complaint and not options.upgrade else ""
    return f"{changed}\n{table(found, kept)}{stops}"


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
