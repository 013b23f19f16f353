"""What other packages add by entry points: listed without importing anything, loaded one at a time, by whoever uses it. A broken one is
a line that names its package, and stands in the way of nobody who does not ask for it."""

from asyncio import CancelledError, current_task
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from sys import modules
from traceback import walk_tb
from typing import Any, NamedTuple

from synth.errors import ConfigError, did_you_mean

FOLDERS = "synth.folders"
"""The entry point group of packages whose `prompts/`, `pipelines/` and `taxonomies/` are searched."""


def names(group: str, ours: Iterable[str] = ()) -> list[str]:
    """The names of plug-ins: the entry points of `group` and what synth has itself (`ours`), sorted; nothing is
    imported."""
    return sorted({*ours, *(point.name for point in _points(group))})


def load(group: str, name: str, ours: Callable[[], Any] | None = None, *, needs: str = "__call__") -> Any:
    """The plug-in that goes by `name` in `group`: synth's own if `ours` gives it, otherwise another package's, which
    must have an attribute `needs`. ConfigError in one line that names the package if it cannot be loaded, or if two
    have the name."""
    points = [point for point in _points(group) if point.name == name]
    packages = " and ".join(map(_package, points))
    if ours:
        if points:
            raise ConfigError(
                f"{name!r} is synth's own, and {packages} takes the name too ({group}); uninstall {packages}"
            )
        return ours()
    if not points:
        raise ConfigError(f"no {name!r} among {group}; {did_you_mean(name, names(group))}")
    if len(points) > 1:
        raise ConfigError(_twice(group, name, packages))
    try:
        found = points[0].load()
        lacks = not hasattr(found, needs)  # a module may answer for itself, and in any way
    except (Exception, SystemExit) as error:  # another's code, run for the first time
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(
            f"{name!r} of the package {packages} cannot be loaded ({why}); mend, upgrade or uninstall {packages}"
        ) from error
    if lacks:
        raise ConfigError(
            f"{name!r} of the package {packages} has no {needs!r} ({group}, {points[0].value}); upgrade or uninstall {packages}"
        )
    return found


def is_own(code: Any) -> bool:
    """Whether a function or module, or the class of an object, is synth's."""
    return _top(code) == "synth"


@contextmanager
def blamed(what: str, code: Any) -> Iterator[None]:
    """Makes a line that names `what`, and the place in the file, of whatever another package's `code` raises that is none of synth's
    errors. A bug of synth's own stays one."""
    try:
        yield
    except (Exception, SystemExit, CancelledError) as error:
        if is_own(code) or is_own(error) or (isinstance(error, CancelledError) and _being_cancelled()):
            raise
        why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ConfigError(f"{what} failed ({why}{_place(error, _top(code))}); mend it, or leave it out") from error


def _top(code: Any) -> str:
    """The package that a function or module, or the class of an object, is of."""
    try:
        where = getattr(code, "__module__", None) or getattr(code, "__name__", "")
    except Exception:  # noqa: BLE001 (a module may answer for itself, and in any way)
        where = getattr(type(code), "__module__", "")
    return str(where).partition(".")[0]


def _place(error: BaseException, package: str) -> str:
    """Where in that package an error was on its way last; nothing if it never was there."""
    found = ""
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            found = f"; {Path(frame.f_code.co_filename).name}, line {line}"
    return found


def _being_cancelled() -> bool:
    """Whether it is synth that wants the task in hand to end."""
    task = current_task()
    return task is None or task.cancelling() > 0


def code_hash() -> str:
    """A hash over the code of every package with plug-ins of which something is loaded: their versions, and their Python files."""
    digest = sha256()
    found = {
        (point.value.partition(":")[0].partition(".")[0], _package(point), point.dist.version if point.dist else "")
        for group in entry_points().groups
        if group.startswith("synth.")
        for point in _points(group)
    }
    for top, package, version in sorted(found):
        digest.update(f"{package} {version}".encode())
        origin = getattr(modules.get(top), "__file__", None)
        files = Path(origin).parent.rglob("*.py") if origin and Path(origin).name == "__init__.py" else [origin]
        for path in sorted(Path(file) for file in files if file):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def package(group: str, name: str) -> str:
    """The installed package that adds the plug-in `name` to the entry point group `group`."""
    return " and ".join(_package(point) for point in _points(group) if point.name == name)


def folders() -> list[Path]:
    """The folders with recipes, prompts and taxonomies that plug-ins (other packages) add by `synth.folders`, in the
    order of the entry points' names."""
    return [folder for found in _located() for folder in found.folders]


def lost() -> list[str]:
    """A message on every plug-in whose entry point in `synth.folders` leads to no folder; such a one is passed over."""
    return [found.complaint for found in _located() if found.complaint]


class _Located(NamedTuple):
    folders: tuple[Path, ...]
    complaint: str = ""


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    found = dict.fromkeys(entry_points(group=group))
    return tuple(sorted(found, key=lambda point: (point.name, _package(point), point.value)))


@cache
def _located() -> tuple[_Located, ...]:
    found = []
    for name in names(FOLDERS):
        points = [point for point in _points(FOLDERS) if point.name == name]
        packages = " and ".join(map(_package, points))
        if len(points) > 1:
            found.append(_Located((), _twice(FOLDERS, name, packages)))
        elif places := _places(points[0]):
            found.append(_Located(places))
        else:
            line = f"the package {packages} names a folder that is not there ({FOLDERS}: {name} = {points[0].value})"
            found.append(_Located((), f"{line}; upgrade or uninstall {packages}"))
    return tuple(found)


def _places(point: EntryPoint) -> tuple[Path, ...]:
    """Where a package or module lies. Every search asks, so no code of the package is run, as importing a parent would."""
    name, _, below = point.value.partition(":")[0].strip().partition(".")
    try:
        spec = find_spec(name)
        for part in below.split(".") if below else ():
            name = f"{name}.{part}"
            spec = PathFinder.find_spec(name, spec.submodule_search_locations or ()) if spec else None
    except (ImportError, ValueError, AttributeError):
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(map(Path, spec.submodule_search_locations))
    return (Path(spec.origin).parent,) if spec.has_location and spec.origin else ()


def _twice(group: str, name: str, packages: str) -> str:
    return f"{name!r} of {group} is given by {packages}; uninstall one of them"


def _package(point: EntryPoint) -> str:
    """The name under which it can be uninstalled."""
    return str((point.dist and point.dist.name) or point.value.partition(":")[0])
