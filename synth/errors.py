"""What can go wrong, as few classes as possible.

ConfigError   you can fix it: what, where, the way out; exit 1
ParseError    this reply is unusable; becomes a Drop with its reason
ProviderError the provider may answer later; the engine waits and asks again
Stopped       nothing more may be asked; a pause, never a decision
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias, TypeVar

Word = TypeVar("Word", bound=str | None)


class ConfigError(Exception):
    """Something the user can fix. Its text is one line: what, where, the way out; `status` is the exit status it leads to."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class ParseError(Exception):
    """A model's reply that cannot be used; `reason` is a stable key from the table in `stages.parsing`, `text` what it
    said, `model` who."""

    def __init__(self, reason: str, text: str = "", model: str = "") -> None:
        super().__init__(reason)
        self.reason, self.text, self.model = reason, text, model


Cause: TypeAlias = Literal["limit", "overload", "server", "network", "timeout", "garbled", "refused"]
"""What kind of failure of a model's server: too many requests (429); a server with too much to do (503, 529); any other error of
its own; nothing that came back at all; nothing in time; something that is no completion; this request refused in words nobody knows."""


UNREACHABLE = "cannot be reached at"
"""What is said of a server to which no connection comes about, before its address."""


class ProviderError(Exception):
    """A failure of a model's server that may pass. `retry_after` is in seconds, if the server named it; `words` are the
    server's own, in one line, without secrets."""

    def __init__(
        self, message: str, *, cause: Cause = "server", retry_after: float | None = None, words: str = ""
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after = retry_after
        self.words = words


DOUBT: Final = "doubt"
"""Why a run stops that cannot vouch for its data."""


class Stopped(Exception):
    """Nothing more may be asked of a model. `why` is provider, budget, interrupted, disk or doubt; done or replay where nobody need hear of it."""

    def __init__(self, why: str, message: str = "") -> None:
        super().__init__(message or why)
        self.why = why


BROKEN: Final[tuple[type[Exception], ...]] = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError, MemoryError, NotImplementedError),
)
"""What reading a file raises that is damaged, or of another shape than synth wrote."""


@contextmanager
def as_written(
    place: object,
    way_out: str = "run the same command again to write it anew",
    *,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """For the length of a block that reads a file which synth wrote: what it raises because the file is damaged or of another shape
    becomes a ConfigError, one line with file and way out. What is only read there must not be given on to others within it."""
    try:
        yield
    except BROKEN + also as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise ConfigError(f"{place}: is damaged, or not what synth wrote ({why}); {way_out}") from error


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The way out for an error about a misspelt name: the known one that is nearest, else all of them."""
    known = sorted(set(known))
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(known) or 'none'}"


def one_of(name: str, given: Word, known: Sequence[str]) -> Word:
    """What was `given` for an option, if it is one of the `known` words, or None for nothing given. ConfigError for another."""
    if given is not None and given not in known:
        raise ConfigError(f"{name}={given!r}: {did_you_mean(str(given), known)}")
    return given
