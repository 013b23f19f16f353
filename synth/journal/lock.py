"""The lock by which one process alone writes a journal."""

import contextlib
import fcntl
import os
from pathlib import Path

from synth.errors import ConfigError


def hold(path: Path) -> contextlib.ExitStack:
    """The lock that holds a journal's store, exclusive and on a file and its folder, for the life of the process: the operating
    system lets go of it however that ends, and removing the file lets nobody in. Raises ConfigError where another process has it,
    or the file cannot be made."""
    with contextlib.ExitStack() as stack:
        try:
            handle = stack.enter_context(path.open("a"))
            folder = os.open(path.parent, os.O_RDONLY)
        except OSError as error:
            raise ConfigError(
                f"{path.parent}: cannot be written ({os.strerror(error.errno or 0)}); choose another -o DIR"
            ) from error
        stack.callback(os.close, folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _lock_folder(folder)
        except OSError as error:
            raise ConfigError(
                f"{path.parent}: another synth is running in this folder; wait for it, or use another -o DIR"
            ) from error
        return stack.pop_all()


def _lock_folder(folder: int) -> None:
    """Of a folder on a network there may be no lock; that on the file holds then alone."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return
