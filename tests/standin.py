"""The stand-in server as the tests use it: `synth serve` in a thread, with the tiny recipe's models in its list."""

from contextlib import AbstractContextManager
from typing import Any

from synth.serve.running import serving
from synth.serve.server import StandIn

LISTED = frozenset({"m", "writer", "a", "b", "j1", "j2", "v"})


def standing_in(**habits: Any) -> AbstractContextManager[StandIn]:
    """A server for the length of a block."""
    return serving(**{"listed": LISTED} | habits)
