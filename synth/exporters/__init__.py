"""Formats a trainer reads: one file each, with `export(made, out, template) -> paths`. Codes, prompts and formats are rendered here and nowhere else."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeAlias

from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean

Export: TypeAlias = Callable[[Dataset, Path, str], list[Path]]


def known() -> list[str]:
    """Names of the formats, those of other packages (entry points `synth.exporters`) included."""
    return sorted(
        {module.name for module in iter_modules(__path__) if not module.name.startswith("_")} | _others().keys()
    )


def find(name: str) -> Export:
    """The exporter of that name."""
    if name not in known():
        raise ConfigError(f"no format {name!r}; {did_you_mean(name, known())}")
    others = _others()
    module = others[name]() if name in others else import_module(f"synth.exporters.{name}")
    export: Export = module.export
    return export


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Writes aside, then renames: a file with its real name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    with aside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    aside.rename(path)
    return path


def _others() -> Mapping[str, Callable[[], Any]]:
    return {point.name: point.load for point in entry_points(group="synth.exporters")}
