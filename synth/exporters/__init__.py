"""Formats a trainer reads: one file each, with `export(made, out, template) -> paths`. Codes, prompts and formats are rendered here and nowhere else."""

import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import file_digest
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeAlias

from synth import aside
from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins

GROUP = "synth.exporters"

RECORD = ".synth-export.json"
"""In a folder of exports: the hashes of those that synth wrote, by name."""

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
    """Writes a file whole. One that stands there already is replaced if an export wrote it and nobody changed it since: by its hash in
    `.synth-export.json` beside it. ConfigError for any other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = path.parent / RECORD
    written = _recorded(record)
    before = _hash(path) if os.path.lexists(path) else None
    if before is not None and before not in written.get(path.name, ()):
        raise ConfigError(
            f"{path}: is there already, and is no export or was changed since; choose another -o OUT, or move it away"
        )
    with aside.file(path) as new:
        with new.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        # Before it stands there: a kill between the two leaves either file known.
        written[path.name] = [*([before] if before else []), _hash(new)]
        with aside.file(record) as told:
            told.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _hash(path: Path) -> str:
    """Of a file's bytes; of anything else a word that is no hash."""
    if not path.is_file():
        return "no file"
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _recorded(record: Path) -> dict[str, list[str]]:
    """What stands in the record; nothing where there is none. ConfigError for another file of that name."""
    if not os.path.lexists(record):
        return {}
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        return {str(name): [str(each) for each in hashes] for name, hashes in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(f"{record}: is not what synth wrote; choose another -o OUT, or move it away") from error


def _ours() -> set[str]:
    return {found.name for found in iter_modules(__path__) if not found.name.startswith("_")}
