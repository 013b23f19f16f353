"""The folder a run writes to: made, or refused in one line."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from synth.errors import ConfigError

OURS = ("dataset", "drops", "run.json")


def claim(folder: Path) -> None:
    """Makes the folder. ConfigError for one that holds somebody else's dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "journal.sqlite").exists() and any((folder / name).exists() for name in OURS):
        raise ConfigError(
            f"{folder}: holds a dataset but no journal, so it is not synth's to replace; put journal.sqlite back, or choose"
            " another -o DIR"
        )


def refuse_lost(folder: Path, *, begun: bool) -> None:
    """ConfigError for a dataset whose journal was never begun: to go on would pay for everything again."""
    if not begun and any((folder / name).exists() for name in OURS):
        raise ConfigError(
            f"{folder}: holds a dataset, but its journal is empty; put journal.sqlite back, or choose another -o DIR"
        )


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """A folder that cannot be written becomes one line."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if "malformed" in reason:
            raise ConfigError(
                f"{folder}: the journal is damaged ({reason}); put a copy of it back, or choose another -o DIR"
            ) from error
        raise ConfigError(f"{folder}: cannot be written ({reason}); free space or choose another -o DIR") from error
