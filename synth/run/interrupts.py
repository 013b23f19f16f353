"""What signals do to a run: the first stops asking and lands what is in flight, the second waits for nothing, a third ends at once."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self

from synth.engine.ask import Engine
from synth.errors import Stopped

STILL = 10.0
"""Seconds between two lines on what a run that stops is waiting for."""
STOP, ABANDON, END = 1, 2, 3
"""What a run is told to do by as many signals."""


class Interrupts:
    """SIGINT and SIGTERM for the length of a block around a run, each answered at once through `report`. A third raises
    KeyboardInterrupt, as any does before there is an engine to stop. Where the run turns `elsewhere`, in another thread than
    the one of the block, none raises: what came before there was an engine stops it as soon as there is. Signals come to a
    program's main thread; a block in another hears of none."""

    def __init__(self, report: Callable[[str], None], *, elsewhere: bool = False) -> None:
        self._report, self._elsewhere = report, elsewhere
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._level = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for sign in (signal.SIGINT, signal.SIGTERM):
            self._before[sign] = signal.getsignal(sign)
            signal.signal(sign, self._caught)
        return self

    def __exit__(self, *_: object) -> None:
        for sign, handler in self._before.items():
            signal.signal(sign, handler)

    def stops(self, engine: Engine) -> None:
        """From now on the first signals stop this engine, in the loop that turns here; those that have come already do."""
        self._loop, self._engine = asyncio.get_running_loop(), engine
        if self._level:
            self._answer(engine, STOP)

    def _caught(self, sign: int, frame: FrameType | None) -> None:
        """Between two steps of whatever runs, also where the loop does not turn: what may take a moment is left to the loop."""
        del sign, frame
        if self._engine is None or self._loop is None:
            if not self._elsewhere:
                raise KeyboardInterrupt
            self._level = STOP
            return
        self._level = max(self._level + 1, ABANDON if self._engine.failure else STOP)
        if self._level >= END:
            if not self._elsewhere:
                raise KeyboardInterrupt
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run has just ended
            self._loop.call_soon_threadsafe(self._answer, self._engine, self._level)

    def _answer(self, engine: Engine, level: int) -> None:
        if level == STOP:
            self._report(f"stopping{_waiting(engine)}")
            engine.stop(Stopped("interrupted", "interrupted; run the same command again to go on"))
            asyncio.get_running_loop().call_later(STILL, self._still, engine)
        else:
            out = len(engine.waiting.calls)
            self._report(f"stopping now{f'; {_calls(out)} are given up' if out else ''}; once more ends at once")
            engine.abandon()

    def _still(self, engine: Engine) -> None:
        if engine.waiting.calls and not engine.abandoned:
            self._report(f"still stopping{_waiting(engine)}")
            asyncio.get_running_loop().call_later(STILL, self._still, engine)


def _waiting(engine: Engine) -> str:
    if not engine.waiting.calls:
        return ""
    calls, age = _calls(len(engine.waiting.calls)), engine.waiting.oldest()
    return (
        f"; waiting for {calls}, the oldest {age:.0f} s, so that what is paid for is kept; Ctrl-C once more stops now"
    )


def _calls(count: int) -> str:
    return f"{count} {'call' if count == 1 else 'calls'}"


@contextlib.contextmanager
def cancelling() -> Iterator[None]:
    """For the length of the block SIGINT and SIGTERM cancel the task that is in it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    for sign in before:
        signal.signal(sign, lambda *_: loop.call_soon_threadsafe(task.cancel))
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
