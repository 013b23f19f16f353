"""What has been worked out of texts, remembered for as long as it is likely to be asked again: bounded in characters, not in entries."""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

Given = ParamSpec("Given")
Found = TypeVar("Found")

_BESIDE: Final = 100
"""Characters that an entry counts for besides those of its texts."""


def latest(room: int) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """Remembers what a function of texts gave, of the latest texts of `room` characters together; the oldest go first. A text longer
    than that is worked out each time it is asked."""

    def remembering(work: Callable[Given, Found]) -> Callable[Given, Found]:
        kept: dict[Any, Any] = {}
        lock, size = Lock(), 0

        @wraps(work)
        def remembered(*given: Given.args, **options: Given.kwargs) -> Found:
            nonlocal size
            key: Any = (given, *options.items()) if options else given
            found = kept.get(key, kept)
            if found is not kept:
                return found  # type: ignore[no-any-return]
            made = work(*given, **options)
            weight = _weight(given)
            if weight <= room:
                with lock:
                    size += 0 if key in kept else weight
                    kept[key] = made
                    while size > room:
                        oldest = next(iter(kept))
                        size -= _weight(oldest[0] if isinstance(oldest[0], tuple) else oldest)
                        del kept[oldest]
            return made

        return remembered

    return remembering


def _weight(given: tuple[Any, ...]) -> int:
    return _BESIDE + sum([len(one) for one in given if type(one) is str])
