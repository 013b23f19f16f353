"""One process writes a journal, also where somebody removed the file by which it is locked."""

import contextlib
from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.journal.lock import hold


def test_a_removed_lock_lets_nobody_in(tmp_path: Path) -> None:
    with contextlib.closing(hold(tmp_path / "journal.lock")):
        (tmp_path / "journal.lock").unlink()
        with pytest.raises(ConfigError, match="another synth is running in this folder"):
            hold(tmp_path / "journal.lock")
    hold(tmp_path / "journal.lock").close()
