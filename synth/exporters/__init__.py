"""Formats a trainer reads: one module each, with `records(dataset, *, its options) -> (split, record)` and `FILE`, the kind of file
that they are written to. Codes, prompts and formats are rendered here and nowhere else."""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from shlex import quote
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from pydantic import ConfigDict, ValidationError, validate_call

from synth.dataset.reader import Dataset
from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError, did_you_mean
from synth.exporters import files
from synth.recipe import guard, plugins
from synth.recipe.settings import setting
from synth.recipe.yaml import complaint

GROUP = "synth.exporters"
TABLES = frozenset({"csv", "hf", "jsonl", "libra"})
"""Formats for people and for programs that read tables; every other one is for trainers, and holds no query beside a response."""
_NO_FORMAT = ("files",)
"""Modules here that are none."""
_OFFERED = ("counts", "files")
"""What an exporter's functions are given if their signature names it, and `--set` cannot say: what was counted, the files written."""
Say: TypeAlias = Callable[[str], object]


class Export(Protocol):
    """An exporter: writes a dataset's files in one format to `out`, and gives their paths. ConfigError for an option it has
    not, for a dataset that gives it nothing, and for what stands in the way."""

    def __call__(self, dataset: Dataset, out: Path, **options: Any) -> list[Path]: ...


def known() -> list[str]:
    """Names of the export formats, those of other packages (entry points `synth.exporters`) included."""
    return plugins.names(GROUP, _ours())


def module(name: str) -> Any:
    """The module that holds the export format of that name; ConfigError if there is none, or another package's is broken."""
    if name not in known():
        raise ConfigError(f"no format {name!r}; {did_you_mean(name, known())}")
    ours = partial(import_module, f"{__name__}.{name}") if name in _ours() else None
    found = plugins.load(GROUP, name, ours, needs="__name__")
    with plugins.blamed(f"--to {name}", found):
        exports = hasattr(found, "records") or hasattr(found, "export")
    if not ours and not exports:
        package = plugins.package(GROUP, name)
        raise ConfigError(
            f"{name!r} of the package {package} has neither `records` nor `export`; upgrade or uninstall {package}"
        )
    return found


def find(name: str, say: Say | None = None) -> Export:
    """The exporter of the format of that name: the `export(dataset, out, *, its options)` of a module that has one, since
    what it writes is no file of records; of any other one a function that writes its `records`. `say` is given each line
    of the export's last words: how a trainer is started on it, what was left out."""
    found = module(name)

    def export(dataset: Dataset, out: Path, **options: Any) -> list[Path]:
        with plugins.blamed(f"--to {name}", found):
            if out.resolve().is_relative_to(dataset.repository.resolve()):
                raise ConfigError(f"{out}: is the dataset itself; choose another -o OUT")
            offered: dict[str, Any] = {"counts": Counter()}
            if hasattr(found, "export"):
                paths: list[Path] = _bound(found.export, name, (dataset, out), options)
            else:
                paths = _written(found, name, (dataset, out), options, offered)
            if say:
                for line in _last_words(found, name, dataset, options, offered | {"files": paths}):
                    say(line)
            return paths

    return export


def settings(given: Sequence[str]) -> dict[str, Any]:
    """Options of any export format, read as the command line has them: `key=value` with YAML values. ConfigError for
    another text."""
    return dict(setting(one, example="template=guard/libra") for one in given)


def guard_of(dataset: Dataset, template: str) -> guard.Guard:
    """For exporters: the guard's file of that name (`guard/libra`, or `libra` for short), for the rows of a dataset: with
    their labels, and with their policies if the file speaks of any."""
    found = guard.load(template, COLUMNS, dataset.labels)
    return found.with_policies(dataset.policies) if found.needs_policies else found


def _written(
    found: Any, name: str, where: tuple[Dataset, Path], options: Mapping[str, Any], offered: Mapping[str, Any]
) -> list[Path]:
    (dataset, out), kind = where, getattr(found, "FILE", None)
    if kind not in files.KINDS or not hasattr(found, "records"):
        raise ConfigError(
            f"format {name!r}: its module needs `records` and FILE, one of {', '.join(files.KINDS)} (FILE is {kind!r}); or `export`"
        )
    if kind == "parquet" and not hasattr(found, "features"):
        raise ConfigError(
            f"format {name!r}: Parquet has types, so its module needs `features(dataset)` beside `records`"
        )
    records = _bound(found.records, name, (dataset,), options, offered)
    features = _some(found.features, name, dataset, options, offered) if kind == "parquet" else None

    def extras(paths: Sequence[Path]) -> Mapping[str, str]:
        made: Mapping[str, str] = _some(found.extras, name, dataset, options, {**offered, "files": paths})
        return made

    paths = files.write(records, out, kind, features=features, extras=extras if hasattr(found, "extras") else None)
    if not paths:
        raise ConfigError(
            f"{dataset.folder}: no row of its dataset makes a record of the format {name!r}; see `synth show {quote(str(dataset.folder))}`"
        )
    return paths


def _last_words(
    found: Any, name: str, dataset: Dataset, options: Mapping[str, Any], offered: Mapping[str, Any]
) -> list[str]:
    """What a module has to say when its files are written: lines in LAST_WORDS, or a function `last_words`, like `extras`."""
    words: Any = getattr(found, "last_words", None) or getattr(found, "LAST_WORDS", ())
    return list(_some(words, name, dataset, options, offered) if callable(words) else words)


def _some(
    function: Callable[..., Any], name: str, dataset: Dataset, options: Mapping[str, Any], offered: Mapping[str, Any]
) -> Any:
    """What the function returns, given of the format's options those that it names: `records` has told which there are."""
    named = inspect.signature(function).parameters
    return _bound(function, name, (dataset,), {key: value for key, value in options.items() if key in named}, offered)


def _bound(
    function: Callable[..., Any],
    name: str,
    first: Sequence[Any],
    options: Mapping[str, Any],
    offered: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """What the function returns of these arguments and options. Its signature is the schema of the options."""
    parameters = list(inspect.signature(function).parameters)[len(first) :]
    allowed = [parameter for parameter in parameters if parameter not in _OFFERED]
    for option in options:
        if option not in allowed:
            way_out = did_you_mean(option, allowed) if allowed else "it has none"
            raise ConfigError(f"--to {name}: unknown option {option!r}; {way_out}")
    given = {key: value for key, value in offered.items() if key in parameters}
    try:
        return validate_call(config=ConfigDict(arbitrary_types_allowed=True))(function)(*first, **options, **given)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = ".".join(map(str, wrong["loc"]))
        raise ConfigError(f"--to {name}: {option}: {complaint(wrong)}") from error


def _ours() -> set[str]:
    return {found.name for found in iter_modules(__path__) if not found.name.startswith("_")} - {*_NO_FORMAT}
