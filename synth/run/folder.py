"""The folder a run writes to: made, or refused in one line."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from synth import aside
from synth.dataset.marks import foreign_file, has_card, made_here
from synth.errors import ConfigError
from synth.sanitize import plain

OURS = ("dataset", "drops", "run.json")
JOURNAL = "journal.sqlite"
WAY_OUT = "choose another -o DIR"


def claim(folder: Path) -> None:
    """Makes a run's folder. ConfigError where something that synth did not write stands under a name that a run
    writes to."""
    if plain(str(folder)) != str(folder):
        raise ConfigError(
            f"{folder}: its name is no UTF-8, and the libraries that write there take no other; {WAY_OUT}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in (JOURNAL, "journal.lock", *OURS):
        aside.through(folder / name)
    if not (folder / JOURNAL).exists():
        if any((folder / name).exists() for name in OURS):
            raise ConfigError(
                f"{folder}: holds a dataset but no journal, so it is not synth's to replace; put {JOURNAL} back, or {WAY_OUT}"
            )
        for ending in ("-wal", "-shm", "-journal"):
            if os.path.lexists(folder / (JOURNAL + ending)):
                raise ConfigError(f"{folder}: holds {JOURNAL}{ending} without {JOURNAL}; put that back, or {WAY_OUT}")
    _refuse_foreign(folder)


def _refuse_foreign(folder: Path) -> None:
    """ConfigError for what stands in a run's folder under synth's names and was put there by somebody else."""
    dataset = folder / "dataset"
    if (folder / "run.json").exists() and not (folder / "run.json").is_file():
        raise ConfigError(f"{folder / 'run.json'}: is no file; move it away, or {WAY_OUT}")
    for place in (dataset, folder / "drops"):
        if place.exists() and not place.is_dir():
            raise ConfigError(f"{place}: is no folder; move it away, or {WAY_OUT}")
        if place.is_symlink() and place.resolve().is_mount():
            raise ConfigError(
                f"{place}: is a link to the top of a disk, which cannot be replaced whole; link it to a folder on that disk"
            )
    if (dataset / "data").is_symlink():
        raise ConfigError(
            f"{dataset / 'data'}: is a link; make {dataset} the link (both stand on one disk), or {WAY_OUT}"
        )
    if os.path.lexists(dataset / "README.md") and not has_card(dataset):
        raise ConfigError(f"{dataset / 'README.md'}: is not the card that synth wrote; move it away, or {WAY_OUT}")
    if foreign := foreign_file(dataset):
        raise ConfigError(f"{dataset / foreign}: is not what synth wrote; move it away, or {WAY_OUT}")


def mend(folder: Path) -> None:
    """Completes, in a run's folder, the replacement of dataset or drops that a kill cut short; the journal must be
    held."""
    for name in ("dataset", "drops"):
        aside.mend(folder / name)
    # synth 0.1.0 put dataset aside as dataset.old when dataset.new was whole. The old one stays: a backup of the user's looks the same.
    new, old = folder / "dataset.new", folder / "dataset.old"
    if not (folder / "dataset").exists() and old.is_dir() and not new.is_symlink() and made_here(new):
        new.rename(folder / "dataset")


def refuse_own(folder: Path, avoid: Iterable[str]) -> None:
    """Raises ConfigError where what a run is to avoid stands in the run's own folder."""
    own = folder.resolve()
    if any(own in (Path(path).resolve(), *Path(path).resolve().parents) for path in avoid):
        raise ConfigError(f"-o {folder}: is the run's own folder, so --avoid cannot name it")


def refuse_lost(folder: Path, *, begun: bool) -> None:
    """Raises ConfigError for a run's folder with a dataset but no begun journal: to go on would pay for everything
    again."""
    if not begun and any((folder / name).exists() for name in OURS):
        raise ConfigError(
            f"{folder}: holds a dataset, but its journal is empty; put journal.sqlite back, or choose another -o DIR"
        )


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """A context in which an error of writing to the run's folder becomes a ConfigError of one line."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if "malformed" in reason or "no such" in reason:
            raise ConfigError(
                f"{folder}: the journal is damaged ({reason}); put a copy of it back, or choose another -o DIR"
            ) from error
        raise ConfigError(f"{folder}: cannot be written ({reason}); free space or choose another -o DIR") from error
