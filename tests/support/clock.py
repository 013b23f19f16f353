"""Processor time, for tests that tell what grows with length from what grows with its square."""

import gc
import time
from collections.abc import Callable

TRIES = 3


def seconds(call: Callable[[], object], below: float = 0.0) -> float:
    """Seconds of processor time of one call: the least of three, or the first under `below`.

    The collector of garbage waits meanwhile: in a process with the objects of a thousand tests one pass of it takes half a second.
    """
    least = float("inf")
    for _ in range(TRIES):
        gc.disable()
        began = time.process_time()
        try:
            call()
        finally:
            least = min(least, time.process_time() - began)
            gc.enable()
        if least < below:
            break
    return least
