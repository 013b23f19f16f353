"""Requests that are in no batch yet, collected by model until there are no more to come or one batch can hold no more."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from synth.backends.batch.options import BatchOptions

LONGEST = 20.0
"""Times `quiet` that a request waits for others at most."""

Send = Callable[[str, dict[str, bytes]], None]
"""Told a model, and lines by key."""


@dataclass(slots=True, eq=False)
class _Pile:
    since: float
    latest: float = 0.0
    lines: dict[str, bytes] = field(default_factory=dict)
    size: int = 0
    timer: asyncio.TimerHandle | None = None


class Piles:
    """Lines of requests that are in no batch yet, a pile for each model, and when a pile is sent off as a batch."""

    def __init__(self, want: BatchOptions, send: Send, busy: Callable[[str], bool]) -> None:
        self._want, self._send, self._busy = want, send, busy
        self._piles: dict[str, _Pile] = {}
        self._narrow: dict[str, int] = {}
        """Models of which the server takes so many requests in one batch, and one batch at a time."""

    def add(self, model: str, key: str, line: bytes) -> None:
        """Puts a request's line on its model's pile; a pile that fills a batch is sent off."""
        loop = asyncio.get_running_loop()
        pile = self._piles.setdefault(model, _Pile(loop.time()))
        pile.size += len(line) + 1 - len(pile.lines.get(key, b""))
        pile.lines[key], pile.latest = line, loop.time()
        if len(pile.lines) >= self._want.rows or pile.size > self._want.bytes:
            self.cut(model)
        elif pile.timer is None:
            pile.timer = loop.call_later(self._want.quiet, self._look, model, pile)

    def keys(self, model: str) -> list[str]:
        """Keys of the requests on a model's pile, which are in no batch yet."""
        pile = self._piles.get(model)
        return list(pile.lines) if pile else []

    def narrow(self, model: str, most: int) -> None:
        """From now on a model has one batch at a time, of `most` requests at most."""
        self._narrow[model] = min(most, self._narrow.get(model, most))

    def cut(self, model: str) -> None:
        """Sends off a model's pile as batches, as much in each as one may hold; one batch alone where the server takes one
        at a time."""
        pile = self._piles.get(model)
        most = min(self._want.rows, self._narrow.get(model, self._want.rows))
        while pile and pile.lines and not (model in self._narrow and self._busy(model)):
            taken: list[str] = []
            size = 0
            for key, line in pile.lines.items():
                if len(taken) == most or (taken and size + len(line) + 1 > self._want.bytes):
                    break
                taken.append(key)
                size += len(line) + 1
            pile.size -= size
            self._send(model, {key: pile.lines.pop(key) for key in taken})
        if pile and not pile.lines:
            self._forget(model)

    def clear(self) -> None:
        """Throws away all piles: what is in no batch yet is not sent."""
        for model in list(self._piles):
            self._forget(model)

    def _forget(self, model: str) -> None:
        if (timer := self._piles.pop(model).timer) is not None:
            timer.cancel()

    def _look(self, model: str, pile: _Pile) -> None:
        """Whether a pile has grown quiet."""
        loop, quiet = asyncio.get_running_loop(), self._want.quiet
        wait = min(pile.latest + quiet, pile.since + LONGEST * quiet) - loop.time()
        if wait <= 0.001:
            self.cut(model)
            wait = quiet
        if pile.lines:
            pile.timer = loop.call_later(wait, self._look, model, pile)
