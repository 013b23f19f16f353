"""What asking over Ray keeps of the ideal at a latency of a second: four actors of 64 requests each against a stand-in server.

    python benchmarks/ray.py [--actors 4] [--held 64] [--latency 1] [--rounds 12]

Needs the extra `ray`. Beside it, in turns, the same requests from this process alone: what that loses, the machine and the server lose.
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

# A file of this name must not be taken for the library.
sys.path = [one for one in sys.path if Path(one or ".").resolve() != Path(__file__).parent]

from synth.backends import Backend, connect  # noqa: E402
from synth.engine.loop import quick_loop  # noqa: E402
from synth.hashing import key_of  # noqa: E402
from synth.recipe.role import Role  # noqa: E402
from synth.types import Message, Request  # noqa: E402

TEXT = "请判断下面的对话是否安全，并说明理由。" * 60
"""About 1,100 characters."""


@contextlib.contextmanager
def served(latency: float) -> Iterator[str]:
    """The address of a stand-in server in a process of its own."""
    command = [sys.executable, "-m", "synth", "serve", "--port", "0", "--latency", str(latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(30)


async def rate(backend: Backend, at_once: int, latency: float, rounds: int, draw: int) -> tuple[float, float]:
    """Replies a second with so many requests out all the while, begun one after the other within the first latency, as seen from the second
    on; and this process's seconds of CPU per 1,000."""
    numbers, landed = count(), list[float]()
    begun, cpu = time.perf_counter(), time.process_time()
    last = begun + rounds * latency

    async def worker(place: int) -> None:
        await asyncio.sleep(latency * place / at_once)
        while time.perf_counter() < last:
            request = Request("model", "m", (Message("user", f"{next(numbers)}{TEXT}"),), {}, None, (draw,))
            await backend.complete(request, key_of(request))
            landed.append(time.perf_counter())

    await asyncio.gather(*map(worker, range(at_once)))
    seen = sum(begun + 2 * latency < at <= last for at in landed)
    return seen / (last - begun - 2 * latency), (time.process_time() - cpu) / len(landed) * 1000


async def measured(given: argparse.Namespace, url: str) -> None:
    at_once = given.actors * given.held
    how = {"base_url": url, "api_key_env": None}
    ray = {"address": "local", "actors": given.actors, "in_flight": given.held}
    backends = connect({"alone": Role(model="m", **how), "ray": Role(model="m", backend="ray", ray=ray, **how)})
    try:
        await backends["ray"].check("m")
        pool = backends["ray"]._pool
        while sum(seat.up for seat in pool._seats) < given.actors:  # noqa: ASYNC110 (nothing tells when they are up)
            await asyncio.sleep(0.1)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in backends}
        for turn in range(1, 4):
            for name, backend in backends.items():
                found[name].append(await rate(backend, at_once, given.latency, given.rounds, turn))
    finally:
        for backend in backends.values():
            await backend.close()
    ideal = at_once / given.latency
    print(f"{given.actors} actors of {given.held}, {given.latency:g} s: ideal {ideal:.0f} replies/s")
    for name, figures in found.items():
        speed, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
        print(
            f"{name:>6}: {speed:6.1f} replies/s, {speed / ideal:.3f} of ideal; {cpu:.2f} s of this process's CPU per 1,000"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actors", type=int, default=4)
    parser.add_argument("--held", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    with served(given.latency) as url, quick_loop() as runner:
        runner.run(measured(given, url))


if __name__ == "__main__":
    main()
