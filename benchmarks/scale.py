"""What a reply and a row cost the one process that folds, and how large what it keeps grows: the table of docs/scale.md.

    python benchmarks/scale.py [--n 250 1000] [--replies 400000] [--texts 400000]

Runs of `demo`, offline, with its rules and without; a merge of each folder, which folds a whole journal and asks for nothing, the fold timed apart; a journal
and a near-duplicate index filled by themselves. Figures are slopes between the two sizes, so what a start costs is in none of them;
microseconds are of CPU, since the clock of a shared machine says little.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.dedup.ngrams import Index
from synth.journal.store import Journal
from synth.types import Origin, Reply

PLAIN = [f"--set=filters.{place}=[]" for place in ("query", "response", "row")]
"""A recipe's rules, taken out."""
QUIET = "--set=output.report=false"
ANSWER = "好的，这件事我来说明。" * 27
"""About 300 characters."""
AT_ONCE, KEY = 250, 32
"""Replies that share a commit, and characters of a key."""
GOAL = 100.0
"""Microseconds a reply: what 10,000 replies a second leave one core."""


FOLD = """
import sys, time
from pathlib import Path
from synth.fold.fold import Fold
from synth.run.merge import merge

whole, spent = Fold.run, []

async def timed(self, recorded):
    begun = time.process_time()
    await whole(self, recorded)
    spent.append(time.process_time() - begun)

Fold.run = timed
merge([Path(sys.argv[1])], Path(sys.argv[2]))
print(spent[-1])
"""
"""Seconds of CPU of the fold alone in a merge: from the first plan to the last row decided, without what is written and reported after."""


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of CPU, peak MiB, the most bytes that its staging held; and what it made."""

    cpu: float
    peak: float
    staged: int
    replies: int
    rows: int
    born: int


def timed(arguments: Sequence[str], out: Path) -> Cost:
    """A command of synth's, its staging looked at all the while."""
    command = [sys.executable, "-m", "synth", *arguments, "-o", str(out), "--json"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        staged = 0
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            with contextlib.suppress(OSError):
                staged = max(staged, (out / ".synth-fold.sqlite").stat().st_size)
            time.sleep(0.05)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
        found = json.load(said)
    counts = found["counts"]
    return Cost(
        *(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, staged),
        *(found["calls"], counts["accepted"], counts["born"]),
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def whole(sizes: tuple[int, int], top: Path, rules: Sequence[str]) -> dict[str, float]:
    """A run and a merge of it at two sizes, as slopes."""
    made: list[tuple[Cost, float, Path]] = []
    for n in sizes:
        out = top / f"{n}-{len(rules)}"
        ran = timed(["run", "demo", f"-n{n}", QUIET, *rules], out)
        command = [sys.executable, "-c", FOLD, str(out), f"{out}-merged"]
        folded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        made.append((ran, float(folded), out))
    (less, less_folded, small), (more, more_folded, large) = made
    replies, rows = more.replies - less.replies, more.rows - less.rows
    return {
        "run": (more.cpu - less.cpu) / replies * 1e6,
        "fold": (more_folded - less_folded) / replies * 1e6,
        "journal": (size_of(large) - size_of(small)) / rows,
        "a reply": (size_of(large) - size_of(small)) / replies,
        "staging": (more.staged - less.staged) / rows,
        "dataset": (size(large / "dataset") - size(small / "dataset")) / rows,
        "drops": (size(large / "drops") - size(small / "drops")) / rows,
        "memory": (more.peak - less.peak) * 2**20 / (more.born - less.born),
        "replies a row": replies / rows,
    }


def size_of(folder: Path) -> int:
    return (folder / "journal.sqlite").stat().st_size


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def filled(replies: int, folder: Path) -> str:
    """A journal of so many replies, a tenth after the other."""
    origin, reply, spent = Origin("a", "respond", "lane"), Reply(ANSWER, prompt_tokens=900, completion_tokens=200), []
    with contextlib.closing(Journal(folder)) as journal:
        for tenth in range(10):
            begun = time.process_time()
            for first in range(tenth * replies // 10, (tenth + 1) * replies // 10, AT_ONCE):
                keys = (hashlib.blake2b(b"%d" % number).hexdigest()[:KEY] for number in range(first, first + AT_ONCE))
                await asyncio.gather(*(journal.put(key, reply, origin, "m") for key in keys))
            spent.append((time.process_time() - begun) / (replies // 10) * 1e6)
    return (
        f"a journal of {replies:,} replies of {len(ANSWER)} characters: {spent[0]:.0f} µs each in its first tenth, "
        f"{spent[-1]:.0f} in its last; {size_of(folder) / replies:.0f} bytes a reply"
    )


def indexed(texts: int) -> str:
    """A near-duplicate index of so many texts of 20 to 60 characters, none near another."""
    draw, letters = random.Random(0), [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    index = Index(ngram=2, threshold=0.7)
    index.admit_all(["".join(draw.choices(letters, k=40)) for _ in range(100)])
    before, spent = peak(), 0.0
    for _ in range(texts // 1000):
        some = ["".join(draw.choices(letters, k=draw.randint(20, 60))) for _ in range(1000)]
        at = time.process_time()
        index.admit_all(some)
        spent += time.process_time() - at
    return f"an index of {texts:,} texts: {spent / texts * 1e6:.0f} µs and {(peak() - before) / texts:.0f} bytes each"


def yardstick() -> float:
    """Seconds of CPU of ten million additions in a loop: by that, figures of two machines or hours are compared."""
    begun, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs=2, default=(250, 1000))
    parser.add_argument("--replies", type=int, default=400_000)
    parser.add_argument("--texts", type=int, default=400_000)
    given = parser.parse_args()
    print(f"ten million additions take {yardstick():.2f} s of CPU here")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        timed(["run", "demo", "-n1", QUIET], top / "warm")  # what is compiled once
        ruled, plain = (whole(tuple(given.n), top, rules) for rules in ([], PLAIN))
        print(f"{'':>28}{'with rules':>14}{'without':>14}")
        for name in ruled:
            unit = {"run": ", µs a reply", "fold": ", µs a reply", "replies a row": ""}.get(name, ", bytes a row")
            unit = {"a reply": ", journal bytes", "memory": ", bytes a query"}.get(name, unit)
            print(f"{name + unit:>28}{ruled[name]:>14,.1f}{plain[name]:>14,.1f}")
        print(f"without rules the fold takes {plain['fold'] / GOAL:.2f} of what 10,000 replies a second leave it")
        (top / "journal").mkdir()
        print(asyncio.run(filled(given.replies, top / "journal")))
    print(indexed(given.texts))


if __name__ == "__main__":
    main()
