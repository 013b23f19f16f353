"""Inner loops that numba compiles: how it is asked to, and where what it has compiled is kept. Importing this takes half a second."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit

# numba imports this at its first compiling, and its table of types grows by it: under the hands of another thread that looks into the
# table, were it not here before any kernel can be called.
from numba.experimental import function_type  # noqa: F401

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Number: TypeAlias = Any
"""A whole number, of numpy's or Python's making."""
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, **options: Any) -> Function:
    """A kernel, compiled by numba at first call and kept beside the package or in the user's cache, if it can be."""
    try:
        made: Any = njit(cache=True, **options)(function)
    except RuntimeError:
        made = njit(**options)(function)
    return made  # type: ignore[no-any-return]


def part(function: Function) -> Function:
    """A part of kernels, which only they call: numba builds no door to it for Python, which would take it longer than the rest."""
    return compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@part
def sort(numbers: Numbers, count: int) -> None:
    """Sorts the first `count` numbers in compiled code, as Shell did: numba takes ten times as long to compile its own sort."""
    gap = 1
    while 3 * gap < count:
        gap = 3 * gap + 1
    while gap:
        for place in range(gap, count):
            number, at = numbers[place], place
            while at >= gap and numbers[at - gap] > number:
                numbers[at] = numbers[at - gap]
                at -= gap
            numbers[at] = number
        gap //= 3
