"""The stand-in server, running: in the foreground for the command line, in a thread for the length of a block in tests."""

import asyncio
import contextlib
import json
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvloop
from aiohttp import web

from synth.errors import ConfigError
from synth.serve.faults import Habits
from synth.serve.server import StandIn

LOOPBACK = "127.0.0.1"


def serve(habits: Habits, *, host: str, port: int, say: Callable[[str], None]) -> str:
    """Has the stand-in server listen in the foreground until interrupted; `say` is told its address. Gives its counts
    as JSON."""
    server = StandIn(habits)

    async def until_interrupted() -> None:
        over = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, over.set)
        async with _listening(server.application(), host, port) as server.url:
            say(server.url)
            await over.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_interrupted())
    return json.dumps(server.stats(), ensure_ascii=False)


@contextlib.contextmanager
def serving(**habits: Any) -> Iterator[StandIn]:
    """A stand-in server that listens in a thread for the length of a block, on loopback, at a port of its own; `habits`
    are the fields of `Habits`."""
    server = StandIn(Habits(**habits))
    with listening(server.application) as server.url:
        yield server


@contextlib.contextmanager
def listening(application: Callable[[], web.Application]) -> Iterator[str]:
    """The address (`http://…/v1`) of a server that stands in for another: what `application` gives, listening in a thread
    for the length of a block, on loopback, at a port of its own."""
    loop, ready, stop, found = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[str]()

    async def until_stopped() -> None:
        async with _listening(application(), LOOPBACK, 0) as url:
            found.append(url)
            ready.set()
            await stop.wait()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(until_stopped()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextlib.asynccontextmanager
async def _listening(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=4096).start()
        except OSError as error:
            raise ConfigError(f"{host}:{port}: cannot be listened on ({error.strerror}); try another --port") from error
        yield f"http://{host}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()
