"""Mutants of replies, bodies and headers through every reader: that only a ParseError or ProviderError comes of them, what each costs, the
slowest, and how much of the readers' branches they reach.

python benchmarks/mutants.py --count 100000        python benchmarks/mutants.py --count 2000 --longest 1000000
"""

import argparse
import ast
import asyncio
import importlib
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.stages.parsing import CLASSES
from synth.types import Reply
from tests.support.mutants import FINISHES, bodies, read_body, read_wait, readers, texts, waits

MODULES = (
    "stages.parsing",
    "stages.lenient_json",
    "stages.mending",
    "stages.full_width",
    "stages.cleaning",
    "backends._retry_after",
    "backends.openai.replies",
)
BOUND = 1.0
"""Seconds of CPU for reading a text of 100,000 characters once, and as much more for each that follow, on a machine that is busy."""
TRACED = 20_000
"""Mutants under the tracer, which is slow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--count", type=int, default=100_000, help="mutants: of ten, eight replies, one body, one set of headers"
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
    _print_branches(given.seed, min(count, TRACED))


def _mutants(seed: int, count: int, longest: int) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Name, mutant and reader: each reply goes to one reader in turn."""
    loop = asyncio.new_event_loop()
    reading = list(readers(loop).items())
    for number, text in enumerate(texts(seed, count * 8 // 10, longest=longest)):
        name, read = reading[number % len(reading)]
        finish = FINISHES[number // len(reading) % len(FINISHES)]
        thought = text[::-1] if number % 7 == 0 else None
        yield name, Reply("" if thought and number % 2 else text, finish, reasoning=thought), read
    loop.close()
    for body in bodies(seed, count // 10):
        yield "body", body, read_body
    for headers in waits(seed, count // 10):
        yield "headers", headers, read_wait


def _again(read: Callable[[Any], Any], one: Any) -> float:
    start = time.process_time()
    read(one)
    return time.process_time() - start


def _print_branches(seed: int, count: int) -> None:
    """Of every branch of the readers (an `if`, a loop, an `except`, a choice of two lines), whether both ways were gone."""
    modules = [importlib.import_module(f"synth.{name}") for name in MODULES]
    files = {os.path.realpath(module.__file__ or ""): name for module, name in zip(modules, MODULES, strict=True)}
    gone: dict[str, set[tuple[int, int]]] = defaultdict(set)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        path = frame.f_code.co_filename
        if path not in files:
            return None
        last = [-frame.f_code.co_firstlineno]

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                gone[path].add((last[0], frame.f_lineno))
                last[0] = frame.f_lineno
            elif event == "return":
                gone[path].add((last[0], 0))
            return line

        return line

    sys.settrace(trace)
    try:
        for _, one, read in _mutants(seed + 1, count, 4_000):
            read(one)
    finally:
        sys.settrace(None)
    whole = met = 0
    for path, name in files.items():
        ways = _ways(Path(path))
        taken = {(first, way) for first, way in ways if _went(gone[path], first, way)}
        whole, met = whole + len(ways), met + len(taken)
        missing = ", ".join(f"{first}→{way}" for first, way in sorted(ways - taken))
        print(f"{name:<24} {len(taken)} of {len(ways)} branches{f'; not gone: {missing}' if missing else ''}")
    print(f"branches of the readers: {met} of {whole} ({met / whole:.1%})")


def _ways(path: Path) -> set[tuple[int, str]]:
    """The two ways of every statement that has them, by its line: into its body, or past it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
        if isinstance(node, ast.If | ast.While | ast.For) and not endless:
            spans = f"{node.body[0].lineno}-{node.body[-1].end_lineno}"
            found |= {(node.lineno, f"in {spans}"), (node.lineno, f"past {spans}")}
        elif isinstance(node, ast.ExceptHandler):
            found.add((node.lineno, f"in {node.body[0].lineno}-{node.body[-1].end_lineno}"))
    return found


def _went(gone: set[tuple[int, int]], first: int, way: str) -> bool:
    kind, span = way.split(" ")
    low, high = map(int, span.split("-"))
    inside = [to for since, to in gone if since == first and to != first] + (
        [first] if any(since == first and to == first for since, to in gone) and low == first else []
    )
    return any(low <= to <= high for to in inside) if kind == "in" else any(not low <= to <= high for to in inside)


if __name__ == "__main__":
    main()
