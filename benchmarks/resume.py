"""How soon a killed run is back at work, and in how much memory, against the size of its journal: with the checkpoint and without.

    python benchmarks/resume.py [REPLIES]...        default 5000 10000 20000 40000

The demo runs offline until its journal holds so many replies and is killed; then the same command is started again, and the
clock stops when the first new reply is in the journal. Reading a journal from its start is linear in its size; with the
checkpoint what remains is filling the near-duplicate index, and what was answered after the last checkpoint.
"""

import contextlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = """
import sys
from synth.fold import fold
from synth.cli.main import main
fold.KEEP_EVERY = 2.0
sys.argv = ["synth", "run", "demo", "-n", "20000", "--concurrency", "64", "-o", "run"]
main()
"""


def replies(folder: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{folder}/run/journal.sqlite?mode=ro", uri=True)) as journal:
            return int(journal.execute("SELECT count(*) FROM replies").fetchone()[0])
    except sqlite3.Error:
        return 0


def until(folder: Path, count: int) -> tuple[float, float]:
    """Runs until the journal holds so many replies, then kills it: seconds, and peak memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        while replies(folder) < count:
            if process.poll() is not None:
                raise SystemExit(f"the run ended with {process.returncode} before {count} replies")
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    finally:
        process.kill()
        process.wait()
    return seconds, peak


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [5_000, 10_000, 20_000, 40_000]
    print(f"{'replies':>10}{'with checkpoint':>24}{'without':>24}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            until(folder, size)
            held = replies(folder)
            kept, kept_peak = until(folder, held + 1)
            (folder / "run" / ".synth-fold.sqlite").unlink(missing_ok=True)
            read, read_peak = until(folder, replies(folder) + 1)
            print(
                f"{held:>10,}{kept:>12.1f} s{kept_peak:>6.0f} MiB{read:>12.1f} s{read_peak:>6.0f} MiB{read / kept:>8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
