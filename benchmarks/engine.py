"""How fast the engine is, as ratios against a raw client run beside it; and how well it keeps slots busy under latency.

    python benchmarks/engine.py speed        # calls a second: engine without transport, bare client, engine over the same client
    python benchmarks/engine.py latency      # plain independent calls at 200 ms: share of what a bare client keeps

Runs are interleaved and medians printed, on the clock and of processor time: on a shared machine only the latter stands still.
"""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from synth.backends import openai
from synth.backends.openai.bodies import body_of
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.loop import quick_loop
from synth.engine.scheduler import Slots
from synth.hashing import key_of
from synth.journal.store import Journal
from synth.recipe import load
from synth.recipe.role import Role
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.types import Message, Origin, Reply, Request

RECIPE = str(Path(__file__).with_suffix(".yaml"))
CONCURRENCY = 256
ANSWER = "好的，这件事我来说明。" * 27
"""About 300 characters."""


class Instant:
    """A backend that answers at once."""

    family = "model"
    self_scheduling = False
    reply = Reply(ANSWER, prompt_tokens=900, completion_tokens=200)

    async def complete(self, request: Request, key: str) -> Reply:
        await asyncio.sleep(0)
        return self.reply

    async def check(self, model: str) -> None: ...
    async def close(self) -> None: ...


def renderer(compiled: CompiledRecipe) -> Callable[[int], Request]:
    """Requests in the proportions of a recipe (of ten calls one writer's, three answerers', six judges'), rendered when asked for;
    what two judges are asked of one answer is rendered once, as the panel does."""
    source, panel = compiled.flow.source, compiled.flow.panel
    responder = next(bound.stage for bound in compiled.flow.stages if bound.name == "respond")
    specs = compiled.specs
    answer = responder._prompts["comply"]
    verdict = panel._form
    caller, judge = (lines[0]().callers[0] for lines in (responder._answerers, panel._seats))

    def asked(number: int) -> str:
        return f"第{number}个问题：" + "这件事到底该怎么办才好" * 3

    @lru_cache(maxsize=2 * CONCURRENCY)
    def judged(pair: int) -> tuple[Message, ...]:
        return verdict.messages(specs[pair % len(specs)], verdict.seats[0], (asked(pair), ANSWER))

    def request(number: int) -> Request:
        match number % 10:
            case 0:  # lane by lane, each lane's calls in their order, as a run makes them
                return source.request(specs[number // 10 % len(specs)], number // 10 // len(specs))  # type: ignore[return-value]
            case 1 | 2 | 3:
                return caller.request(answer.render({"query": asked(number)}), None, ("respond", 1, "comply", "unsafe"))
            case _:
                return judge.request(judged(number // 2), panel._schema, ("judge", number))

    return request


async def in_lanes(count: int, width: int, work: Callable[[int], Awaitable[Any]]) -> None:
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(lane() for _ in range(width)))


async def through_engine(backend: Any, request: Callable[[int], Request], count: int, width: int = CONCURRENCY) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Journal(Path(folder))) as journal:
        engine = Engine(journal, Endpoints({"r": backend}, Slots(width), {"r": Role(model="m")}))
        await in_lanes(count, width, lambda number: engine.ask(request(number), Origin("r", "query", "lane", number)))
        await backend.close()


async def over_client(url: str, request: Callable[[int], Request], count: int, width: int = CONCURRENCY) -> None:
    await through_engine(openai.OpenAIBackend(url, "x"), request, count, width)


async def bare(url: str, request: Callable[[int], Request], count: int, width: int = CONCURRENCY) -> None:
    """The same requests, made ready beforehand, over the same client, in a loop that does nothing else."""
    ready = [request(number) for number in range(count)]
    bodies = [orjson.dumps(body_of(one, key_of(one), "json_schema")) for one in ready]
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def call(number: int) -> str:
            async with session.post(f"{url}/chat/completions", data=bodies[number]) as response:
                return str(orjson.loads(await response.read())["choices"][0]["message"]["content"])

        start.time()
        await in_lanes(count, width, call)


class Watch:
    """Time on the clock and of the processor since `time` was last called."""

    def time(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


start = Watch()


def measured(work: Awaitable[None], count: int, loop: Callable[[], asyncio.Runner]) -> tuple[float, float]:
    """Calls a second, on the clock and of processor time."""
    start.time()
    with loop() as runner:
        runner.run(work)  # type: ignore[arg-type]
    wall, cpu = start.read()
    return count / wall, count / cpu


@contextlib.contextmanager
def server(*options: str) -> Iterator[str]:
    with _started("-m", "synth", "serve", "--port", "0", *options) as url:
        yield url


@contextlib.contextmanager
def instant_server() -> Iterator[str]:
    """One that costs next to nothing, on a core of its own."""
    with _started(str(Path(__file__).with_name("instant.py")), ANSWER) as url:
        yield url


@contextlib.contextmanager
def _started(*command: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def interleaved(
    cases: dict[str, Callable[[], Awaitable[None]]],
    count: int,
    times: int,
    loop: Callable[[], asyncio.Runner] | None = None,
) -> dict[str, tuple[float, float]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(times):
        for name, work in cases.items():
            found[name].append(measured(work(), count, loop or quick_loop))
    return {
        name: (statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs))
        for name, runs in found.items()
    }


def speed(count: int = 8000, times: int = 5) -> None:
    compiled = compile_recipe(load.load(RECIPE))
    request = renderer(compiled)
    ready = [request(number) for number in range(count)]
    with instant_server() as url:
        cases: dict[str, Callable[[], Awaitable[None]]] = {
            "engine, no transport, requests ready": lambda: through_engine(Instant(), ready.__getitem__, count),
            "engine, no transport, rendering": lambda: through_engine(Instant(), request, count),
            "bare client": lambda: bare(url, request, count),
            "engine over it, requests ready": lambda: over_client(url, ready.__getitem__, count),
            "engine over it, rendering": lambda: over_client(url, request, count),
        }
        found = interleaved(cases, count, times)
        with urllib.request.urlopen(f"{url}/asked") as answer:
            asked = orjson.loads(answer.read())["asked"]
    if asked != sum("transport" not in name for name in cases) * count * times:
        print(f"the server was asked {asked:,} times, which is not once a call")
    base = found["bare client"]
    print(f"{'':<40}{'calls/s':>10}{'CPU s/1,000':>13}{'of bare':>10}{'CPU':>8}")
    for name, (wall, cpu) in found.items():
        print(f"{name:<40}{wall:>10,.0f}{1000 / cpu:>13.3f}{wall / base[0]:>10.2f}{base[1] / cpu:>8.2f}")


def latency(times: int = 3) -> None:
    request = renderer(compile_recipe(load.load(RECIPE)))
    for width in (64, 256):
        count, ideal = 40 * width, 40 * 0.2
        with server("--answer", ANSWER, "--latency", "0.2") as url:
            cases: dict[str, Callable[[], Awaitable[None]]] = {
                "bare client": partial(bare, url, request, count, width),
                "engine": partial(over_client, url, request, count, width),
            }
            found = interleaved(cases, count, times)
        told = {name: count / wall / ideal for name, (wall, _) in found.items()}
        print(
            f"200 ms, {width}: ideal/measured " + ", ".join(f"{name} {1 / share:.3f}" for name, share in told.items())
        )


if __name__ == "__main__":
    {"speed": speed, "latency": latency}[sys.argv[1]]()
