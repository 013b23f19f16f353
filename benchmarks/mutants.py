"""Mutants of replies, bodies and headers through every reader, and of whole answers through the real client: that only a ParseError or ProviderError comes of them, what each costs, the
slowest, and how much of the readers' branches they reach.

python benchmarks/mutants.py --count 100000        python benchmarks/mutants.py --count 2000 --longest 1000000
"""

import argparse
import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.branches import Branches
from synth.stages.parsing import CLASSES
from synth.types import Reply
from tests.support.mutants import FINISHES, bodies, read_body, read_wait, readers, texts, waits
from tests.support.wire_mutants import ask, sending

MODULES = (
    "stages.parsing",
    "stages.lenient_json",
    "stages.mending",
    "stages.full_width",
    "stages.cleaning",
    "backends._retry_after",
    "backends.openai.bodies",
    "backends.openai.complaints",
    "backends.openai.finishes",
    "backends.openai.learned",
    "backends.openai.limits",
    "backends.openai.refusals",
    "backends.openai.replies",
    "backends.openai.scores",
    "backends.openai.streams",
)
BOUND = 1.0
"""Seconds of CPU for reading a text of 100,000 characters once, and as much more for each that follow, on a machine that is busy."""
PATIENCE = 30.0
"""Seconds for which the client may take over eight answers, on a machine that is busy."""
TRACED = 20_000
"""Mutants under the tracer, which is slow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--count",
        type=int,
        default=100_000,
        help="mutants: of ten, seven replies, one body or set of headers, two answers over loopback",
    )
    parser.add_argument("--longest", type=int, default=20_000, help="characters of a reply at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began, count = time.monotonic(), given.count
    spent, slowest, outcomes = Counter[str](), defaultdict[str, tuple[float, str]](lambda: (0.0, "")), Counter[str]()
    for number, (name, one, read) in enumerate(_mutants(given.seed, count, given.longest), start=1):
        if number % 10_000 == 0:
            print(f"{number:,} in {time.monotonic() - began:,.0f} s", flush=True)
        start = time.process_time()
        try:
            found = read(one)
        except Exception as error:
            error.add_note(f"{name} on {str(one)[:400]!r}")
            raise
        taken = time.process_time() - start
        bound = (
            BOUND * max(1, (len(one.text) if isinstance(one, Reply) else len(one)) / 100_000) * (1 + ("asked" in name))
        )
        if taken > bound and (taken := min(taken, _again(read, one))) > bound:  # the machine has pauses of its own
            sys.exit(f"{name} takes {taken:.2f} s: {str(one)[:200]!r}")
        spent[name] += taken
        reason = found if isinstance(found, str) and found in CLASSES else "read"
        outcomes[f"{name.partition(',')[0]}: {reason}"] += 1
        slowest[name] = max(slowest[name], (taken, str(one)[:60]))
    print(f"{outcomes.total():,} mutants in {time.monotonic() - began:,.0f} s, nothing raised but what may be")
    for name, (taken, text) in sorted(slowest.items(), key=lambda item: -item[1][0]):
        print(f"{name:<22} {spent[name]:8.1f} s in all, {taken * 1000:9.2f} ms at most, for {text!r}")
    print(", ".join(f"{name} {times:,}" for name, times in sorted(outcomes.items())))
    start, told = time.process_time(), asyncio.run(_over_loopback(given.seed, count // 5))
    print(f"{count // 5:,} answers over loopback, in {time.process_time() - start:,.0f} s of CPU: {told}")
    _print_branches(given.seed, min(count, TRACED))


def _mutants(seed: int, count: int, longest: int) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Name, mutant and reader: each reply goes to one reader in turn."""
    loop = asyncio.new_event_loop()
    reading = list(readers(loop).items())
    for number, text in enumerate(texts(seed, count * 7 // 10, longest=longest)):
        name, read = reading[number % len(reading)]
        finish = FINISHES[number // len(reading) % len(FINISHES)]
        thought = text[::-1] if number % 7 == 0 else None
        yield name, Reply("" if thought and number % 2 else text, finish, reasoning=thought), read
    loop.close()
    for body in bodies(seed, count // 20):
        yield "body", body, read_body
    for headers in waits(seed, count // 20):
        yield "headers", headers, read_wait


async def _over_loopback(
    seed: int, count: int, around: Callable[[], AbstractContextManager[None]] = nullcontext
) -> str:
    """What the real client made of so many answers of a server on this event loop."""
    made = Counter[str]()
    async with sending(seed, count) as server:
        while server.count < count:
            try:
                async with asyncio.timeout(PATIENCE):
                    with around():
                        found = await ask(server, made.total())
            except Exception as error:
                error.add_note(f"client on one of {[one[:400] for one in server.latest]!r}")
                raise
            made[found.finish if found else "an error that may be"] += 1
    return ", ".join(f"{name} {times:,}" for name, times in made.most_common())


def _again(read: Callable[[Any], Any], one: Any) -> float:
    start = time.process_time()
    read(one)
    return time.process_time() - start


def _print_branches(seed: int, count: int) -> None:
    """Of every branch of the readers (an `if`, a loop, an `except`), whether both ways were gone."""
    branches = Branches(MODULES)
    for _, one, read in _mutants(seed + 1, count, 4_000):
        with branches.traced():
            read(one)
    asyncio.run(_over_loopback(seed + 1, count // 5, branches.traced))
    for line in branches.told():
        print(line)


if __name__ == "__main__":
    main()
