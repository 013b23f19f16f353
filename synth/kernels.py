"""Inner loops that numba compiles: how it is asked to, and where what it has compiled is kept. Importing this takes half a second."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Number: TypeAlias = Any
"""A whole number, of numpy's or Python's making."""
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """A kernel, compiled by numba at first call and kept beside the package or in the user's cache, if it can be."""
    try:
        made: Any = njit(cache=True)(function)
    except RuntimeError:
        made = njit(function)
    return made  # type: ignore[no-any-return]
