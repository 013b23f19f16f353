"""What the user is told of single requests: every kind of refusal once a model, in the server's own words, and the same words once."""

import re
from collections.abc import Callable

from synth.errors import ProviderError
from synth.sanitize import one_line
from synth.types import Reply

MANNERS = {"content_filter": "as filtered", "rejected": "as too long"}
"""How a reply ended in whose place a server gave words of its own, and how that is told."""


_NUMBERS = re.compile(r"\d+")


class Notices:
    """Lines for the user, each kind once for each model, and once where a server says the same of several; `say` is given them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._told: set[tuple[str, str]] = set()

    def once(self, model: str, kind: str, line: str, words: str = "") -> None:
        """Says a line on a model, unless one of that kind has been said of it, or of another with the same words."""
        alike = (_NUMBERS.sub("", words or line), kind)
        if not {(model, kind), alike} & self._told:
            self.say(line)
        self._told |= {(model, kind), alike}

    def of_reply(self, reply: Reply, model: str, role: str) -> None:
        """Notices a request that a model's server refused for what stands in it, if the reply is that, and an answer that ended in a
        way which nobody knows."""
        if reply.finish == "broken" and (word := one_line(reply.word)):
            ends = f"{_called(model, role)} ends an answer with {word!r}, which is not known to mean a whole one"
            self.once(model, reply.finish, f"{ends}; such answers count as broken off", word)
        if manner := MANNERS.get(reply.finish):
            words = "" if reply.completion_tokens or reply.reasoning else one_line(reply.text)
            who = f"{_called(model, role)} refuses single requests {manner}"
            self.once(model, reply.finish, f"{who}{f': {words}' if words else ''}; they count as dropped", words)

    def of_error(self, error: ProviderError, model: str, role: str) -> None:
        """Notices a failed attempt whose server said why."""
        if not error.words:
            return
        who, words = _called(model, role), one_line(error.words)
        if error.cause == "refused":
            self.once(
                model, error.cause, f"{who} refuses a request in words that are not known: {words}; trying again", words
            )
        else:
            self.once(model, error.cause, f"{who} {one_line(what(error))}; trying again", words)

    def of_given_up(self, error: ProviderError, model: str, role: str) -> None:
        """Notices a request that was refused again while its model answers others."""
        if error.cause == "refused":
            line = f"{_called(model, role)} refuses single requests: {one_line(error.words or str(error))}"
            self.once(
                model, "given up", f"{line}; they are given up (--retry-given-up asks for them again)", error.words
            )


def what(error: ProviderError) -> str:
    """A failed attempt told with the server's own words, once."""
    return str(error) if not error.words or error.words in str(error) else f"{error}: {error.words}"


def _called(model: str, role: str) -> str:
    return f"model {model!r} (role {role})"
