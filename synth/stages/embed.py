"""The embed stage: a query's vector, by which the gate knows one that says the same in other words."""

from collections.abc import Callable
from typing import Final

from synth import vector
from synth.errors import ParseError, ProviderError
from synth.plan.lanes import LaneSpec
from synth.stages.parsing import CLASSES, checked
from synth.stages.reply_stats import OK, PromptUse
from synth.stages.requester import Requester
from synth.types import Ask, Message, Reply, Request, Sample
from synth.vector import sendable

NAME: Final = "embed"
SHORTEST = 16
"""Characters that stand for a text at the very least."""


class Embedder:
    """Of a text that is too long for the model the vector of its first half is taken, or of the half of that."""

    def __init__(self, caller: Requester, *, threshold: float) -> None:
        self._caller, self.threshold = caller, threshold
        self._width = 0

    def begin(self) -> None:
        """A fold begins anew."""
        self._width = 0

    def request(self, text: str) -> Request:
        """The same for equal texts, wherever they stand."""
        return self._caller.addressed((Message("user", sendable(text)),), None, (), "embedding")

    async def embed(self, spec: LaneSpec, sample: Sample, ask: Ask) -> "vector.Numbers | None":
        """The vector of what a query is compared by; None where the reply holds none."""
        text, found, kind = sample.compared, None, OK
        reply = await ask(NAME, self._caller.role, self.request(text))
        while is_too_long(reply, text):
            text = text[: len(text) // 2]
            reply = await ask(NAME, self._caller.role, self.request(text))
        try:
            found = self._read(reply)
        except ParseError as error:
            kind = CLASSES[error.reason]
        self._caller.ledger.count(ask, self._caller.model, PromptUse(NAME, NAME, spec.lane.subcategory), kind)
        return found

    def recalled(self, text: str, recall: Callable[[Request], Reply]) -> "vector.Numbers":
        """The vector of a query that has entered the index, from the journal."""
        while is_too_long(reply := recall(self.request(text)), text):
            text = text[: len(text) // 2]
        return self._read(reply)

    def prove(self, request: Request, reply: Reply) -> None:
        """Checks a reply before it is journalled. ProviderError for what is no vector, or one that does not compare with those before it."""
        if request.kind == "embedding" and reply.finish == "stop":
            try:
                found = len(read(reply))
            except ParseError as error:
                raise ProviderError("sends something that is no vector", cause="garbled") from error
            self._width = self._width or found
            if found != self._width:
                words = f"sends a vector of {found} numbers, where those before had {self._width} (another model?)"
                raise ProviderError(words, cause="garbled")

    def _read(self, reply: Reply) -> "vector.Numbers":
        found = read(reply)
        self._width = self._width or len(found)
        return found


def is_too_long(reply: Reply, text: str) -> bool:
    """Whether less of the text may do."""
    return reply.finish == "rejected" and len(text) >= 2 * SHORTEST


def read(reply: Reply) -> "vector.Numbers":
    """Raises ParseError for a reply that is no vector."""
    try:
        return vector.read(checked(reply))
    except ValueError as error:
        raise ParseError("unreadable") from error
