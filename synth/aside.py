"""Whatever synth writes is made aside, under names that nobody else uses, and put in its place whole. A link is written through: what
it leads to is replaced, the link stays; and of what is taken away, a link is taken away and not what it leads to."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from synth.errors import ConfigError

Ours = Callable[[str], bool]
"""Whether synth made what stands under this path, counted from the folder that is replaced; with `/` at its end, whether that is a folder
in which both synth's and other things stand."""


def beside(path: Path, ending: str) -> Path:
    """A name of synth's own for what is written aside, beside `path`: `.synth-NAME.ENDING`."""
    return path.with_name(f".synth-{path.name}.{ending}")


def through(path: Path) -> Path:
    """Where what was written aside goes in the end: where a link leads to; any other path as it is. ConfigError for a
    link to nothing, if no killed swap left it so."""
    if not path.is_symlink():
        return path
    real = path.resolve()
    if not real.exists() and not beside(real, "old").exists():
        raise ConfigError(
            f"{path}: is a link to {path.readlink()}, which is not there; mount its disk, make what it leads to, or remove the link"
        )
    return real


def remove(path: Path) -> None:
    """Takes away what stands aside, under a name of synth's own, if anything does. A link is taken away, not
    followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def begins(path: Path, *starts: bytes) -> bool:
    """Whether synth may write where a plain file stands: it is empty, or begins with one of these bytes, as what synth
    writes under that name does."""
    if not path.is_file():
        return False
    with path.open("rb") as written:
        head = written.read(max(map(len, starts)))
    return not head or head.startswith(starts)


@contextlib.contextmanager
def file(path: Path) -> Iterator[Path]:
    """A name aside to write a file under for the length of a block, which then takes the place of `path` whole.
    ConfigError where no plain file stands there."""
    real = through(path)
    if real.exists() and not real.is_file():
        raise ConfigError(f"{path}: is there already and is no plain file; choose another name")
    new = beside(real, "new")
    remove(new)
    try:
        yield new
        new.replace(real)
    finally:
        remove(new)


@contextlib.contextmanager
def folder(path: Path, ours: Ours) -> Iterator[Path]:
    """A new folder aside, to fill for the length of a block, which then takes the place of `path` whole. What stands
    there and is not `ours` is in it afterwards too."""
    real = through(path)
    mend(real)
    new = beside(real, "new")
    remove(new)
    new.mkdir(parents=True)
    yield new
    _keep_others(real, new, ours)
    swap(new, real)


def swap(new: Path, real: Path) -> None:
    """Puts the whole folder `new`, written aside, in the place of `real`. A kill on the way leaves both, for `mend` to
    find."""
    for path in new.rglob("*"):
        if path.is_file():
            with path.open("rb") as written:
                os.fsync(written.fileno())
    old = beside(real, "old")
    remove(old)
    if real.exists():
        real.rename(old)
    new.rename(real)
    remove(old)


def mend(path: Path) -> None:
    """Ends a swap of folders that was killed half way: the old folder had gone aside, so the new one is whole."""
    real = through(path)
    new, old = beside(real, "new"), beside(real, "old")
    if old.exists() and not real.exists():
        (new if new.exists() else old).rename(real)
    remove(old)


def _keep_others(real: Path, new: Path, ours: Ours, within: str = "") -> None:
    """Files are linked where the disk allows it."""
    for path in real.iterdir() if real.is_dir() else ():
        target, told = new / path.name, within + path.name
        if ours(told):
            continue
        if path.is_symlink() or not path.is_dir():
            remove(target)
            _link(path, target)
        elif ours(f"{told}/"):
            target.mkdir(exist_ok=True)
            _keep_others(path, target, ours, f"{told}/")
        else:
            remove(target)
            shutil.copytree(path, target, symlinks=True, copy_function=_link)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
