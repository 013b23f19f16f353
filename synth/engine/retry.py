"""How long a provider's errors are borne: the wait before the next try, by cause; when a request is given up on; when the run stops."""

import asyncio
import random
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import tenacity

from synth.engine.adaptive import Pace
from synth.engine.refused import MINUTE, TRIES
from synth.errors import Cause, ProviderError
from synth.types import Reply

PATIENCE = 600.0
"""Seconds without one answer from a model, counted from a request's first failure, after which the run stops."""
FIRST_CONTACT = 3
"""How often an address is tried that does not resolve, or that answers and is no model server."""
CONTACT, KNOCK = 60.0, 5.0
"""Seconds a server is waited for that cannot be reached before its first answer, and at most between two tries at it."""
POISON = 10
"""Failures after which a request is given up on, if its model answered others all the while."""
OWN: frozenset[Cause] = frozenset({"server", "timeout", "garbled", "refused"})
"""Causes that may lie in the request itself."""

_WAITS: dict[Cause, tuple[float, float]] = {
    "limit": (1.0, 60.0),
    "overload": (1.0, 60.0),
    "server": (0.5, 30.0),
    "network": (0.5, 30.0),
    "timeout": (0.25, 10.0),
    "garbled": (0.25, 10.0),
    "refused": (0.5, 10.0),
}
"""Seconds the first wait lasts at most, doubled with every failure, and what no wait exceeds."""


@dataclass(slots=True)
class RetryState:
    """The failed attempts at one request so far; its `stop` judges each of them for tenacity."""

    pace: Pace
    known: Callable[[], bool]
    """Whether the model's server has ever answered anything."""
    missing: Callable[[], float] = lambda: 0.0
    """Seconds since the model's server, which has never answered, could first not be reached."""
    silent: Callable[[], bool] = lambda: False
    """Whether the role has been waited for as long as makes sense."""
    served: bool = False
    """Whether the model has answered anything in an earlier run of the folder."""
    before: bool = False
    """Whether the request was given up on before: then it may be again though no other request has been answered
    since."""
    since: float | None = None
    """The time, in seconds of the event loop, from which the request's failures count; None before the first."""
    failures: Counter[Cause] = field(default_factory=Counter)
    """How often the request failed, by cause."""
    given_up: bool = False
    """Whether the request was given up on because of itself, not of the model."""

    def stop(self, call: tenacity.RetryCallState) -> bool:
        """Whether another retry of the request is pointless; sets `given_up` if that lies in the request, not in the
        model."""
        error, now = failure(call), asyncio.get_running_loop().time()
        self.failures[error.cause] += 1
        if error.cause in ("network", "garbled") and not self.known():
            if error.cause == "garbled" or _hopeless(error):
                return self.failures.total() >= FIRST_CONTACT
            return self.missing() >= CONTACT
        if self.since is None:
            self.since = now
        if error.cause == "refused":
            return self._refused(now, self.since)
        own = self.before or self.pace.last_good > self.since
        self.given_up = own and sum(self.failures[cause] for cause in OWN) >= POISON
        if self.pace.self_scheduling:  # hours may pass between two tries
            return self.failures.total() >= POISON
        dark = now - max(self.since, self.pace.last_good)
        if error.cause == "timeout":
            return self.given_up or self.silent() or dark >= max(PATIENCE, 2 * self.pace.ceiling.timeout)
        return self.given_up or (error.retry_after or 0.0) > PATIENCE or dark >= PATIENCE

    def _refused(self, now: float, since: float) -> bool:
        """Words cannot tell whose fault a refusal is, so the request's neighbours do: one that is refused while its model answers
        others is given up; a model that answers none stops the run."""
        pace = self.pace
        answered, few = pace.last_good > float("-inf"), pace.refused.own(pace.replies)
        dark = now - max(since, pace.last_good) >= MINUTE
        if self.before or pace.last_good > since or (few and (answered or (self.served and dark))):
            self.given_up = self.failures["refused"] >= TRIES
            return self.given_up
        return dark if answered or self.served else pace.refuses_everything

    def wait(self, call: tenacity.RetryCallState) -> float:
        """Seconds before the next retry of the request; a server that is only being started is asked again soon."""
        seconds = wait(call)
        return min(seconds, KNOCK) if failure(call).cause == "network" and not self.known() else seconds


async def persist(
    first: ProviderError,
    attempt: Callable[[], Awaitable[Reply]],
    state: RetryState,
    *,
    halted: Callable[[], bool],
    pause: Callable[[float], Awaitable[None]],
) -> Reply:
    """The reply of `attempt`, retried after a first failure for as long as there is a point in it. Raises the last
    attempt's ProviderError, or whatever else an attempt raises."""
    failed = [first]

    async def again() -> Reply:
        if failed:
            raise failed.pop()
        return await attempt()

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(ProviderError),
        wait=state.wait,
        stop=lambda call: state.stop(call) or halted(),
        sleep=pause,
        reraise=True,
    )
    return await retrying(again)


def failure(call: tenacity.RetryCallState) -> ProviderError:
    """Before a retry: the ProviderError that the latest attempt at a request failed with."""
    error = call.outcome.exception() if call.outcome else None
    assert isinstance(error, ProviderError)
    return error


def wait(call: tenacity.RetryCallState) -> float:
    """Seconds before the next retry of a request: exponential by cause, with full jitter; what the server asked for is
    waited out in full."""
    error = failure(call)
    first, most = _WAITS[error.cause]
    backoff = tenacity.wait_random_exponential(multiplier=first, max=most)(call)
    if error.retry_after is None:
        return float(backoff)
    return error.retry_after + random.random() * min(1.0, 0.1 * error.retry_after)


def _hopeless(error: BaseException) -> bool:
    """Whether an address cannot be reached for what waiting does not mend: its name is unknown, or its certificate."""
    cause = error.__cause__
    return cause is not None and (isinstance(cause, socket.gaierror | ssl.SSLError) or _hopeless(cause))
