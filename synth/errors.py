"""What can go wrong, as few classes as possible.

ConfigError   you can fix it: what, where, the way out; exit 1
ParseError    this reply is unusable; becomes a Drop with its reason
Weather       the provider may answer later; the engine waits and asks again
Stopped       nothing more may be asked; a pause, never a decision
"""


class ConfigError(Exception):
    """Something the user can fix. Its text is one line: what, where, the way out; `status` is the exit status it leads to."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class ParseError(Exception):
    """A reply that cannot be used; `reason` is a stable key from the table in `stages.reading`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Weather(Exception):
    """A failure that may pass: network, timeout, 408, 409, 429, 5xx. `retry_after` is in seconds, if the server named it;
    `unreachable` if not even an error came back."""

    def __init__(self, cause: str, *, retry_after: float | None = None, unreachable: bool = False) -> None:
        super().__init__(cause)
        self.retry_after = retry_after
        self.unreachable = unreachable


class Stopped(Exception):
    """Nothing more may be asked of a model. `why` is provider, interrupted or disk; done or replay where nobody need hear of it."""

    def __init__(self, why: str, message: str = "") -> None:
        super().__init__(message or why)
        self.why = why
