"""How long a provider's errors are borne: the wait before the next try, by cause; when a request is given up on; when the run stops."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import tenacity

from synth.engine.adaptive import Pace
from synth.errors import Cause, ProviderError
from synth.types import Reply

PATIENCE = 600.0
"""Seconds without one answer from a model, counted from a request's first failure, after which the run stops."""
FIRST_CONTACT = 3
"""How often a server that has never answered anything is tried."""
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
        if error.cause in ("network", "timeout", "garbled") and not self.known():
            return self.failures.total() >= FIRST_CONTACT
        if self.since is None:
            self.since = now
        own = self.before or self.pace.last_good > self.since
        self.given_up = own and sum(self.failures[cause] for cause in OWN) >= POISON
        if self.pace.self_scheduling:  # hours may pass between two tries
            return self.failures.total() >= POISON
        dark = now - max(self.since, self.pace.last_good)
        return self.given_up or (error.retry_after or 0.0) > PATIENCE or dark >= PATIENCE


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
        wait=wait,
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
