"""Formats a trainer reads: one file each, with `export(made, out, template) -> paths`. Codes, prompts and formats are rendered here and nowhere else."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeAlias

from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins

GROUP = "synth.exporters"

LABELS = {"safe": "安全", "unsafe": "不安全"}

Export: TypeAlias = Callable[[Dataset, Path, str], list[Path]]


def known() -> list[str]:
    """Names of the formats, those of other packages (entry points `synth.exporters`) included."""
    return plugins.names(GROUP, _ours())


def module(name: str) -> Any:
    """The module that holds the format of that name; ConfigError if there is none, or another package's is broken."""
    if name not in known():
        raise ConfigError(f"no format {name!r}; {did_you_mean(name, known())}")
    ours = partial(import_module, f"{__name__}.{name}") if name in _ours() else None
    return plugins.load(GROUP, name, ours, needs="export")


def find(name: str) -> Export:
    """The exporter of that name."""
    export: Export = module(name).export
    return export


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Writes aside, then renames: a file with its real name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    with aside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    aside.rename(path)
    return path


def _ours() -> set[str]:
    return {found.name for found in iter_modules(__path__) if not found.name.startswith("_")}
