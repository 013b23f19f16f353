"""A finished folder is known as finished without being folded: by what the last run left there, beside what it wrote, of how all of it
stood. A cache: without it the run folds, and comes to the same."""

import contextlib
import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any

from synth import aside
from synth.backends import Backend
from synth.dataset import card_text
from synth.dataset.marks import ours
from synth.dataset.shards import shards_in
from synth.errors import BROKEN, ConfigError
from synth.hashing import short_hash
from synth.journal.inputs import written
from synth.journal.receipts import bodies
from synth.journal.store import Journal
from synth.recipe import plugins
from synth.recipe.schema import fingerprint
from synth.run.connected import notes
from synth.run.resolve import ResolvedRun, raised
from synth.run.result import Result

NAME = "journal.finished"
_START = b'{"finished": '
"""How such a file begins: another one under that name, or a link, is left alone."""


@dataclass(frozen=True)
class Lasting:
    """The notes of a finished run that the next one there gives too, which has nothing to ask: those that come before what backends
    have to say of themselves, and those after."""

    before: Sequence[str]
    after: Sequence[str]


def known(job: ResolvedRun, journal: Journal, connected: Mapping[str, Backend]) -> Result | None:
    """The result of a resolved run whose folder is just as a run left it that was finished; run.json is then as a fold would leave it.
    None where that cannot be told, and where an observer waits for rounds."""
    folder = job.options.folder
    try:
        told = _read(folder / NAME)
        unchanged = job.target is None and job.read is None and job.options.observer is None
        if told is None or not unchanged or told["job"] != _hash_of(job) or told["journal"] != journal.standing():
            return None
        if _waits(journal) or _files(folder, told["files"]) != told["files"]:
            return None
        before = (folder / "run.json").read_text(encoding="utf-8")
    except (OSError, sqlite3.Error):  # the fold says what is wrong, if it is
        return None
    facts = json.loads(before)
    result = Result(**{field.name: facts[field.name] for field in fields(Result)})
    lasting = Lasting(*told["notes"])
    result.calls, result.notes = 0, [*lasting.before, *notes(job, connected, 0, paused=False), *lasting.after]
    after = json.dumps(facts | {"calls": 0, "notes": result.notes}, ensure_ascii=False, indent=1) + "\n"
    if after != before:
        when = (folder / "run.json").stat()
        with aside.file(folder / "run.json") as new:
            new.write_text(after, encoding="utf-8")
            os.utime(new, ns=(when.st_atime_ns, when.st_mtime_ns))  # a report of this run is still of today
        _write(folder / NAME, told | {"files": told["files"] | _hashes(folder, [folder / "run.json"])})
    return result


def remember(job: ResolvedRun, journal: Journal, lasting: Lasting) -> None:
    """Leaves in a resolved run's folder, once all else is written, by what the next run knows it as finished."""
    folder = job.options.folder
    with contextlib.suppress(OSError, sqlite3.Error, ConfigError):  # it will take longer then
        told = {"job": _hash_of(job), "journal": journal.standing(), "files": _files(folder)}
        _write(folder / NAME, told | {"notes": [list(lasting.before), list(lasting.after)]})


def forget(folder: Path) -> None:
    """Removes from a run's folder what told that it is finished."""
    with contextlib.suppress(OSError):
        if _ours(path := folder / NAME):
            path.unlink(missing_ok=True)


def _hash_of(job: ResolvedRun) -> str:
    """Over all besides journal and files that what a resolved run leaves in its folder depends on, code included."""
    compiled = job.compiled
    stages = [
        f"{bound.name} {type(bound.stage).__module__}.{type(bound.stage).__qualname__}"
        for bound in compiled.flow.stages
    ]
    return fingerprint(
        job.mark,
        compiled.recipe.model_dump(mode="json"),
        written(compiled.inputs, compiled.identity),
        stages,
        raised(compiled, job.options.n, job.options.only),
        job.options.on_doubt,
        card_text.load().hash,
        plugins.code_hash(),
        platform.python_version(),
    )


def _waits(journal: Journal) -> bool:
    """Whether a server still has requests of this folder's, whose replies a run would fetch."""
    return any(not body["closed"] for body in bodies(journal.decisions()).values())


def _files(folder: Path, told: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
    """What a run writes into its folder: by path, size and hash. Those alone are hashed that have a size as `told`."""
    dataset = folder / "dataset"
    found = [folder / "run.json", *(path for path in sorted(dataset.glob("*")) if path.is_file() and ours(path.name))]
    found += [*shards_in(dataset / "data"), *sorted((folder / "drops").glob("*.jsonl"))]
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in found}
    if told is not None and sizes != {name: size for name, (size, _) in told.items()}:
        return {}
    return _hashes(folder, found)


def _hashes(folder: Path, paths: Sequence[Path]) -> dict[str, list[Any]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(lambda path: (str(path.relative_to(folder)), _sealed(path)), paths))


def _sealed(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return [os.fstat(file.fileno()).st_size, file_digest(file, "sha256").hexdigest()]


def _ours(path: Path) -> bool:
    return not path.is_symlink() and (not path.exists() or aside.begins(path, _START))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if _ours(path) else {}
        return found["finished"] if found["sum"] == _sum(found["finished"]) else None
    except BROKEN:
        return None


def _write(path: Path, told: Mapping[str, Any]) -> None:
    if _ours(path):
        with aside.file(path) as new:
            new.write_text(json.dumps({"finished": told, "sum": _sum(told)}) + "\n", encoding="utf-8")


def _sum(told: Any) -> str:
    return short_hash(json.dumps(told, sort_keys=True))
