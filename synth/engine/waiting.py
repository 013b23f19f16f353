"""How long models are waited for: the calls that are out, and what is said of a role that gives no reply, and done about it."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from synth.engine.endpoints import Endpoints
from synth.errors import ProviderError
from synth.types import Origin, Reply, Request

TOLD = 60.0
"""Seconds without a reply, while a role's calls are out, after which the user is told …"""
SLOWER = 1.5
"""… or so many times what its slowest reply took, if that is longer."""
SILENCE, TIMEOUTS = 60.0, 2
"""The longer of so many seconds and so many timeouts is what a role is waited for before the run pauses."""
IDLE = 30.0
"""Seconds with nothing out after which a role counts as not asked: its wait begins anew."""
KEPT, ENOUGH, GROWN = 200, 8, 1.5
"""Latest replies of a role that are kept; how many tell whether it answers more slowly the more it is asked; and how much more slowly
that must be, for how many more calls."""


class Call(NamedTuple):
    """One attempt that is out: of which request, for whom, since when, beside how many others of its role."""

    request: Request
    origin: Origin
    sent: float
    beside: int


@dataclass(slots=True)
class _Record:
    """What is known of one role's calls."""

    since: float | None = None
    """From when the role has been asked without a reply; None while it is not."""
    over: float = float("-inf")
    """When its latest call was over."""
    told: bool = False
    timeouts: int = 0
    """Calls thrown away since its latest reply."""
    tokens: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    latest: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Of its latest replies: beside how many other calls they were asked, and the seconds they took."""


class Waiting:
    """The calls of an engine that are out, by request key, and how long each role has been waited for."""

    def __init__(self, models: Endpoints) -> None:
        self._models = models
        self.calls: dict[str, Call] = {}
        """Every call that is out."""
        self.thrown_away: Counter[str] = Counter()
        """Calls that ran into their timeout, by role."""
        self._out: Counter[str] = Counter()
        """How many are out, by role."""
        self._records: dict[str, _Record] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def sent(self, key: str, request: Request, origin: Origin) -> None:
        """Takes down that a request is being waited for from now on."""
        loop = asyncio.get_running_loop()
        now, record, beside = loop.time(), self._record(origin.role), self._out[origin.role]
        if record.since is None or (not beside and now - record.over > IDLE):
            record.since, record.told = now, False
        self.calls[key] = Call(request, origin, now, beside)
        self._out[origin.role] += 1
        if self._alarm is None and not self._models.backends[origin.role].self_scheduling:
            self._alarm = loop.call_later(TOLD, self._look)

    def over(self, key: str, ended: Reply | ProviderError | None) -> None:
        """Takes down that a request is waited for no longer, and how that ended; None if nobody knows."""
        if (call := self.calls.pop(key, None)) is None:
            return
        role, now = call.origin.role, asyncio.get_running_loop().time()
        record = self._record(role)
        record.over = now
        self._out[role] -= 1
        if isinstance(ended, ProviderError) and ended.cause == "timeout":
            record.timeouts += 1
            self.thrown_away[role] += 1
        elif ended is not None:  # any word from the server ends the wait
            record.since = now if self._out[role] else None
        if isinstance(ended, Reply):
            took = now - call.sent
            record.told, record.timeouts, record.slowest = False, 0, max(record.slowest, took)
            record.latest.append((call.beside, took))
            if ended.completion_tokens:
                record.tokens += ended.completion_tokens
                record.seconds += took

    def oldest(self, calls: Iterable[Call] | None = None) -> float:
        """Seconds for which the oldest call that is waited for (of these) has been out; 0 if none is."""
        now = asyncio.get_running_loop().time()
        return max((now - call.sent for call in (self.calls.values() if calls is None else calls)), default=0.0)

    def close(self) -> None:
        """Says nothing more of roles that are waited for."""
        if self._alarm is not None:
            self._alarm.cancel()

    def too_long(self, role: str) -> bool:
        """Whether a role has been waited for as long as makes sense: it was asked all that time and gave no reply."""
        record = self._record(role)
        return record.timeouts > 0 and self._silence(record) >= max(SILENCE, TIMEOUTS * self._timeout(role))

    def advice(self, request: Request, role: str) -> str:
        """Why a role that has been waited for too long likely gives no reply, and what to change."""
        record, pace = self._record(role), self._models.pace_at((self._models.backends[role], request.model))
        head = (
            f"model {request.model!r} (role {role}) has given no reply for {self._silence(record):.0f} s; "
            f"{record.timeouts} calls were thrown away after {self._timeout(role):g} s"
        )
        timeout, most = f"models.{role}.timeout (now {self._timeout(role):g} s)", request.params.get("max_tokens")
        tokens = f" or lower max_tokens (now {most})" if most else ""
        speed, crowd = self._speed(role), _crowd(record.latest)
        if crowd:
            lever = f"lower models.{role}.concurrency (now {pace.most}): {crowd}"
        elif speed and most and most / speed > self._timeout(role):
            lever = f"raise {timeout}{tokens}: at {speed:.2g} tokens/s an answer needs {most / speed:.0f} s"
        elif record.latest:
            lever = f"its replies took {record.slowest:.0f} s at most before; see whether its server still answers, or raise {timeout}"
        else:
            lever = f"raise {timeout}{tokens}, or ask less at once with models.{role}.concurrency (now {pace.most})"
        return f"{head}; {lever}; then run the same command again"

    def _look(self) -> None:
        """Tells of every role that has been silent for long, and looks again when the next may have been."""
        loop = asyncio.get_running_loop()
        self._alarm, soonest = None, float("inf")
        for role in sorted({call.origin.role for call in self.calls.values()}):
            record, calls = self._record(role), [call for call in self.calls.values() if call.origin.role == role]
            if record.told or record.since is None or self._models.backends[role].self_scheduling:
                continue
            bound = max(TOLD, SLOWER * record.slowest)
            if self._silence(record) < bound:
                soonest = min(soonest, record.since + bound)
                continue
            record.told = True
            speed = self._speed(role)
            self._models.report(
                f"role {role} (model {calls[0].request.model!r}): no reply for {self._silence(record):.0f} s; {said(calls, self)}; "
                f"{f'{speed:.2g} tokens a second' if speed else 'no tokens'} so far; models.{role}.timeout is {self._timeout(role):g} s"
            )
        if soonest < float("inf"):
            self._alarm = loop.call_at(max(soonest, loop.time() + 1.0), self._look)

    def _record(self, role: str) -> _Record:
        return self._records.setdefault(role, _Record())

    @staticmethod
    def _silence(record: _Record) -> float:
        return 0.0 if record.since is None else asyncio.get_running_loop().time() - record.since

    def _timeout(self, role: str) -> float:
        return self._models.ceiling(role).timeout

    def _speed(self, role: str) -> float | None:
        """Tokens a second in one answer: the role's own, else those of any role at the same server."""
        backend = self._models.backends[role]
        near = [record for name, record in self._records.items() if self._models.backends[name] is backend]
        for records in ([self._record(role)], near):
            if seconds := sum(record.seconds for record in records):
                return sum(record.tokens for record in records) / seconds
        return None


def said(calls: Iterable[Call], waiting: Waiting) -> str:
    """How many calls are waited for, and how old the oldest is, in words."""
    found = list(calls)
    return f"{len(found)} {'call' if len(found) == 1 else 'calls'} out, the oldest {waiting.oldest(found):.0f} s"


def thrown_away(counts: Mapping[str, int], models: Endpoints, of: int) -> list[str]:
    """What to say at a run's end of the calls that ran into their timeouts, if they were many among `of` calls."""
    many = {role: count for role, count in counts.items() if count >= max(5, 0.05 * of)}
    return [
        f"{count} calls were thrown away after {models.ceiling(role).timeout:g} s at most (models.{role}.timeout)"
        for role, count in sorted(many.items())
    ]


def _crowd(latest: Iterable[tuple[int, float]]) -> str:
    """That answers take longer the more calls are out, if they do, in words."""
    found = sorted(latest)
    half = len(found) // 2
    if len(found) < ENOUGH:
        return ""
    few, many = list(islice(found, half)), found[half:]
    calls = [1 + sum(beside for beside, _ in part) / len(part) for part in (few, many)]
    seconds = [sum(took for _, took in part) / len(part) for part in (few, many)]
    if calls[1] < GROWN * calls[0] or seconds[1] < GROWN * seconds[0]:
        return ""
    return f"with {calls[1]:.0f} calls out an answer took {seconds[1]:.0f} s, with {calls[0]:.0f} it took {seconds[0]:.0f} s"
