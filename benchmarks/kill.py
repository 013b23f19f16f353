"""One kill -9 at half way of about 2,000 calls (200 ms each, 64 at once), then the same command again: what is asked twice.

python benchmarks/kill.py [ROUNDS]      # 3 unless given
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from synth.serve.listen import serving
from synth.serve.server import StandIn

CALLS = 2_000
N = 58
"""Rows a scenario that the demo makes with about so many calls."""


def start(folder: Path, server: StandIn) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "synth", "run", "demo", "-n", str(N), "--concurrency", "64", "-o", "run"]
    return subprocess.Popen(
        [*command, "--base-url", server.url],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "none is needed"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "run" / "dataset").rglob("*.parquet"))}


def undisturbed(folder: Path) -> tuple[int, dict[str, bytes]]:
    with serving(latency="0.2") as server:
        start(folder, server).wait()
        return server.stats()["completed"], shards(folder)


def killed(folder: Path) -> tuple[Counter[str], int, dict[str, bytes]]:
    """What was counted, the second run's exit status, and its shards."""
    with serving(latency="0.2") as server:
        process = start(folder, server)
        while server.completed.total() < CALLS // 2:
            time.sleep(0.01)
        flying = server.in_flight
        process.kill()
        process.wait()
        finished = server.completed.total()
        time.sleep(0.5)  # what was in flight ends before it is counted what is asked again
        status = start(folder, server).wait()
        found = Counter(finished=finished, flying=flying, repeated=server.stats()["repeated"])
        return found, status, shards(folder)


def main(rounds: int) -> None:
    print(f"{'calls':>7}{'finished before':>17}{'in flight':>11}{'repeated':>10}  end")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as calm, tempfile.TemporaryDirectory() as rough:
            calls, whole = undisturbed(Path(calm))
            found, status, mended = killed(Path(rough))
            same = "the bytes of a run that was not killed" if mended == whole else "OTHER BYTES"
            print(
                f"{calls:>7,}{found['finished']:>17,}{found['flying']:>11}{found['repeated']:>10}  exit {status}, {same}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 3)
