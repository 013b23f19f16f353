"""What the same command costs on a folder that is finished, whatever it holds; and what a first run costs whose loops are not compiled.

    python benchmarks/finished.py known [REPLIES] [MB]   # a million replies and 400 MB of files unless given
    python benchmarks/finished.py cold [N]               # demo, offline, with N = 100 unless given

`known` adds to a small run's journal replies that nothing asks for, and to its drops a file, folds once, and then times the command
again. `cold` runs a copy of the package in which nothing is compiled, each time anew, beside the same copy once it is.
"""

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).parents[1]
ROUNDS = 3


def synth(place: Path, *arguments: str, **environment: str) -> tuple[float, float]:
    """Seconds on the clock and of CPU that a command took, of the package under `place`."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "synth", *arguments]
    told = {**os.environ, "PYTHONPATH": str(place), "OPENAI_API_KEY": "x", **environment}
    done = subprocess.run(command, env=told, capture_output=True, check=False, text=True)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 3), done.stderr
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def known(replies: int, megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        run = ("run", "demo", "-n", "100", "-o", str(out))
        print(f"made          {synth(TOP, *run)[1]:6.2f} s of CPU")
        _fill(out, replies, megabytes)
        print(f"folded again  {synth(TOP, *run)[1]:6.2f} s of CPU")
        size = (out / "journal.sqlite").stat().st_size >> 20
        for _ in range(ROUNDS):
            took, spent = synth(TOP, *run)
            print(
                f"known as finished, {replies:,} replies ({size} MiB), {megabytes} MB: {took:.2f} s, {spent:.2f} s of CPU"
            )
        print(f"--dry-run beside it: {synth(TOP, *run, '--dry-run')[1]:.2f} s of CPU")


def _fill(out: Path, replies: int, megabytes: int) -> None:
    chance = random.Random(0)
    with sqlite3.connect(out / "journal.sqlite") as db:
        rows = (
            (f"{chance.getrandbits(128):032x}", "好" * 120, "stop", None, 900, 60, "judge", "a/b", "m", None, "")
            for _ in range(replies)
        )
        db.executemany("INSERT INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.close()
    with (out / "drops" / "notes.of_mine.jsonl").open("wb") as file:
        for _ in range(megabytes):
            file.write(chance.randbytes(1_000_000))


def cold(n: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "copy"
        for name in ("synth", "prompts", "taxonomies", "pipelines"):
            shutil.copytree(TOP / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        for number in range(ROUNDS):
            cache = {"NUMBA_CACHE_DIR": str(Path(scratch) / f"cache{number}")}
            found = []
            for temper in ("cold", "warm"):
                out = Path(scratch) / f"{temper}{number}"
                found.append(
                    synth(place, "run", "demo", "-n", str(n), "--set", "output.report=false", "-o", str(out), **cache)
                )
            (first, _), (second, _) = found
            print(
                f"cold {first:.1f} s ({found[0][1]:.1f} of CPU), warm {second:.1f} s ({found[1][1]:.1f}): {first / second:.2f}"
            )


def main() -> None:
    what, *numbers = sys.argv[1:]
    if what == "known":
        known(*(list(map(int, numbers)) + [1_000_000, 400][len(numbers) :]))
    else:
        cold(*(map(int, numbers or ["100"])))


if __name__ == "__main__":
    main()
