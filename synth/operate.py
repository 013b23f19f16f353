"""What each command does, once its options are read."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from synth import agreement, ending, exporters, files, merging, pipelines, prompt, taxonomy, view
from synth.advice import advice
from synth.bind import Bound, bind, rendered
from synth.dataset.reading import RUNNING, SPLITS, Made
from synth.errors import ConfigError
from synth.estimate import estimate
from synth.job import Wish, compare, wanted
from synth.plain import for_terminal
from synth.plan.sharding import shard_of, sharded
from synth.plan.targets import least
from synth.recipe import Recipe
from synth.role import OFFLINE
from synth.run import run as run_bound
from synth.survey import table


def run(recipe: Recipe, wish: Wish, *, shard: str | None, as_json: bool, events: Path | None) -> int:
    """Runs the recipe; gives the exit status."""
    own = wish.folder.resolve()
    if any(own in (Path(path).resolve(), *Path(path).resolve().parents) for path in recipe.avoid):
        raise ConfigError(f"-o {wish.folder}: is the run's own folder, so --avoid cannot name it")
    bound = bind(recipe)
    ours = shard_of(shard, bound.briefs) if shard else None
    _warn(bound)
    with contextlib.ExitStack() as stack:
        told = _open_events(events, stack)
        result = run_bound(
            bound, replace(wish, shard=ours, watch=partial(view.watch, prices=bound.prices, events=told), say=_note)
        )
    click.echo(ending.summary(result, wish.folder), err=True)
    if result.message:
        click.echo(f"synth: {for_terminal(result.message)}", err=True)
    if as_json:
        click.echo(
            json.dumps(
                asdict(result) | {"folder": str(wish.folder), "fingerprint": bound.fingerprint}, ensure_ascii=False
            )
        )
    return result.status


def merge(folders: Sequence[Path], out: Path) -> int:
    """Unites the journals and folds them; gives the exit status."""
    merged = merging.merge(folders, out)
    click.echo(ending.summary(merged.result, out), err=True)
    short = sum(cell["status"] != "met" for cell in merged.result.cells)
    if short:
        click.echo(
            f"synth: {short} cells are short; `synth run {merged.recipe.name} -o {out}` asks for what they lack",
            err=True,
        )
    return merged.result.status


def price(recipe: Recipe, wish: Wish, shard: str | None) -> str:
    """What a run would ask for, and what that may cost; in a folder that has a journal, beyond what that holds."""
    bound = bind(recipe)
    _warn(bound)
    chosen, targets = wanted(bound, wish.n, wish.only)
    if shard:
        wish = replace(wish, shard=shard_of(shard, bound.briefs))
        chosen = sharded(chosen, shard_of(shard, bound.briefs))
    if (wish.folder / "journal.sqlite").exists():
        return _compared(bound, wish)
    return estimate(bound, chosen, targets)


def diff(recipe: Recipe, n: int | None, folder: Path, only: tuple[str, ...]) -> str:
    """What the recipe would do in a folder that has a run: what has changed, what is reused, what would be asked."""
    bound = bind(recipe)
    _warn(bound)
    return _compared(bound, Wish(folder, n, only))


def _compared(bound: Bound, wish: Wish) -> str:
    job, found = compare(bound, wish)
    made = (wish.folder / "dataset").exists()
    kept = (row["id"] for split in SPLITS for row in Made(wish.folder).rows(split)) if made else ()
    changed = f"these have changed: {job.changed}" if job.changed else "the recipe is that of the last run"
    return f"{changed}\n{table(found, kept)}"


def check(recipe: Recipe | None) -> Iterator[str]:
    """Checks one recipe, or everything there is; a line for each thing found good. ConfigError for the first that is not."""
    if recipe is None:
        for name in files.names("taxonomies"):
            taxonomy.load(name)
            yield f"taxonomy {name}: good"
        for name in files.names("prompts"):
            prompt.parse(name)
            yield f"prompt {name}: good"
    for loaded in [recipe] if recipe else map(pipelines.load, files.names("pipelines")):
        bound = bind(loaded)
        _warn(bound)
        prompts = sum(1 for _ in rendered(bound, bound.briefs))
        rows = sum(1 for _ in _made(pipelines.with_models(loaded, backend=OFFLINE, model=None, base_url=None), ()))
        yield f"recipe {loaded.name}: good ({len(bound.briefs)} lanes, {prompts} prompts rendered, {rows} rows made offline)"


def preview(recipe: Recipe, only: tuple[str, ...], rows: int) -> Iterator[str]:
    """Every prompt of the first lane that matches, rendered; then a few finished rows."""
    bound = bind(recipe)
    chosen, _ = wanted(bound, None, only)
    first = chosen[0].lane.subcategory
    for name, messages in rendered(bound, [brief for brief in chosen if brief.lane.subcategory == first]):
        yield f"--- {name} ---"
        for message in messages:
            yield f"[{message.role}]\n{message.content}\n"
    for row in islice(_made(recipe, (first,)) if rows else (), rows):
        yield f"--- row {row['id']} ---\n{readable(row)}\n"


def export(
    folder: Path, to: str, out: Path | None, *, template: str, push_to: str | None, private: bool
) -> Iterator[str]:
    """Writes the export, and uploads the dataset if asked; gives the paths and the address."""
    made = Made(folder)
    write = exporters.find(to)
    if push_to and to != "hf":
        raise ConfigError("--push-to goes with --to hf", status=2)
    try:
        for path in write(made, out or folder / "export" / to, template):
            yield str(path)
    except OSError as error:
        raise ConfigError(f"{out or folder}: cannot be written ({error.strerror}); choose another -o OUT") from error
    if push_to:
        from synth.exporters.hf import push

        yield push(made, push_to, private=private)


def show(folder: Path, cell: str | None, most: int) -> Iterator[str]:
    """The cells of a run; or rows and drops of those that match."""
    made = Made(folder)
    if made.facts().get("stopped") == RUNNING:
        _note(
            f"the run in {folder} goes on, or was killed (run the same command again then); this is what it had before"
        )
    if cell is None:
        facts = made.facts()
        for entry in facts["cells"]:
            id = f"{entry['subcategory']}/{entry['query_type']}/{entry['label']}"
            count = f"{entry['accepted']:>6}/{'all' if entry['target'] is None else entry['target']:<6}"
            grounds = f": {entry['grounds']['words']}" if entry.get("grounds") else ""
            yield f"{id:<44} {count} {entry['status']}{grounds}"
        for line in agreement.lines(facts.get("agreement") or {}):
            yield for_terminal(line)
        return
    rows = (
        row
        for split in made.splits()
        for row in made.rows(split)
        if _matches(f"{row['subcategory']}/{row['query_type']}", row["label"] or "hard", cell)
    )
    drops = (drop for drop in made.drops() if _matches(drop["lane"], drop["wanted"], cell))
    found = False
    for kind, entries in (("row", rows), ("drop", drops)):
        for entry in islice(entries, most):
            found = True
            yield f"--- {kind} {entry.get('id') or entry['place']} ---\n{readable(entry)}\n"
    if not found:
        raise ConfigError(f"{folder}: no row or drop in {cell!r}; `synth show {folder}` lists the cells")


def covered(folder: Path) -> Iterator[str]:
    """The coverage table of a run."""
    found = Made(folder).facts().get("coverage") or {"axes": [], "pairs": []}
    yield f"{'axis':<34}{'values':>10}{'calls each':>14}{'rows each':>14}"
    for entry in found["axes"]:
        asked, got = ("{} to {}".format(*entry[name]) for name in ("asked", "got"))
        yield f"{entry['axis']:<34}{entry['values']:>10,}{asked:>14}{got:>14}"
    yield f"\n{'pair of axes':<34}{'possible':>10}{'asked':>14}{'got':>14}"
    for entry in found["pairs"]:
        yield f"{' x '.join(entry['axes']):<34}{entry['possible']:>10,}{entry['asked']:>14,}{entry['got']:>14,}"


def readable(row: dict[str, Any]) -> str:
    """A row or drop for the eye: what was generated cannot move the cursor or turn the text around."""
    lines = []
    for name, value in row.items():
        if value in (None, [], "") or name == "provenance":
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = for_terminal(text).replace("\n", "\n" + " " * 20)
        lines.append(f"{name:>18}  {shown}")
    return "\n".join(lines)


def _matches(lane: str, label: str | None, cell: str) -> bool:
    """Whether `cell` (a scenario, subcategory, lane or cell; a glob) takes in this lane and label."""
    subcategory = lane.partition("/")[0]
    return any(fnmatchcase(id, cell) for id in (subcategory.partition(".")[0], subcategory, lane, f"{lane}/{label}"))


def _made(recipe: Recipe, only: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The rows of the smallest run there can be. An offline one leaves nothing; one that costs keeps its journal."""
    bound = bind(recipe)
    n = least(recipe, wanted(bound, None, only)[0])[0] if recipe.query else None
    costs = any(role.backend != OFFLINE for role in recipe.models.values())
    with contextlib.ExitStack() as stack:
        kept = Path("runs") / f"{recipe.name}.preview"
        folder = kept if costs else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        result = run_bound(bound, Wish(folder, n, only))
        if result.message:
            raise ConfigError(result.message)
        made = Made(folder)
        for split in made.splits():
            yield from made.rows(split)


def _warn(bound: Bound) -> None:
    for line in advice(bound):
        click.echo(f"synth: {line}", err=True)


def _note(line: str) -> None:
    click.echo(f"synth: note: {line}", err=True)


def _open_events(events: Path | None, stack: contextlib.ExitStack) -> view.Events | None:
    if events is None:
        return None
    if str(events) == "-":
        return view.Events(sys.stderr)
    try:
        told = view.Events(events.open("a", encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--events {events}: cannot be written ({error.strerror})") from error
    stack.callback(told.close)
    return told
