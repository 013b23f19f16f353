"""The stand-in server as the tests use it: `synth serve` in a thread, with the tiny recipe's models in its list."""

from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

from synth.serve.listen import serving
from synth.serve.server import StandIn

LISTED = frozenset({"m", "writer", "a", "b", "j1", "j2", "v"})


def standing_in(**habits: Any) -> AbstractContextManager[StandIn]:
    """A server for the length of a block."""
    return serving(**{"listed": LISTED} | habits)


def answers(server: StandIn) -> Counter[str]:
    """Those sent so far, by key; a look at a model before anything is asked bears none."""
    return Counter({key: count for key, count in server.completed.items() if key})
