"""The embed stage: a query's vector, by which the gate knows one that says the same in other words."""

from collections.abc import Callable
from typing import Final

from synth import vector
from synth.dedup.passages import Passages
from synth.errors import ParseError, ProviderError
from synth.plan.lanes import LaneSpec
from synth.stages.parsing import CLASSES, checked
from synth.stages.reply_stats import OK, PromptUse
from synth.stages.requester import Requester
from synth.types import Ask, Message, Reply, Request, Sample
from synth.vector import sendable

NAME: Final = "embed"
SHORTEST = 16
"""How many characters of a text are embedded at the very least, however often it is halved for the model's limit."""


class Embedder:
    """The embed stage: gives queries their vectors. Of a text too long for the model it embeds the first half, or
    half of that."""

    def __init__(self, caller: Requester, *, threshold: float, passages: Passages | None = None) -> None:
        self._caller, self.threshold, self._passages = caller, threshold, passages
        self._width = 0

    def begin(self) -> None:
        """Forgets how long earlier embedded vectors were, as a new fold begins."""
        self._width = 0

    def request(self, text: str) -> Request:
        """The embedding request for a text; equal texts give equal requests, in whatever lane they stand."""
        return self._caller.addressed((Message("user", sendable(text)),), None, (), "embedding")

    async def embed(self, spec: LaneSpec, sample: Sample, ask: Ask) -> "vector.Numbers | None":
        """The vector of a query, by which the gate compares its meaning; None where the model's reply holds none."""
        text, found, kind = self._asked(sample.compared), None, OK
        reply = await ask(NAME, self._caller.role, self.request(text))
        while is_too_long(reply, text):
            text = text[: len(text) // 2]
            reply = await ask(NAME, self._caller.role, self.request(text))
        try:
            found = self._read(reply)
        except ParseError as error:
            kind = CLASSES[error.reason]
        self._caller.stats.count(ask, self._caller.model, PromptUse(NAME, NAME, spec.lane.subcategory), kind)
        return found

    def recalled(self, text: str, recall: Callable[[Request], Reply]) -> "vector.Numbers":
        """The vector of a query that was embedded and has entered the index before, recalled from the journal without a
        call."""
        text = self._asked(text)
        while is_too_long(reply := recall(self.request(text)), text):
            text = text[: len(text) // 2]
        return self._read(reply)

    def prove(self, request: Request, reply: Reply) -> None:
        """Checks an embedding reply before it is journalled. Raises ProviderError for one that is no vector, or not
        of the length of those before it."""
        if request.kind == "embedding" and reply.finish == "stop":
            try:
                found = len(read(reply))
            except ParseError as error:
                raise ProviderError("sends something that is no vector", cause="garbled") from error
            self._width = self._width or found
            if found != self._width:
                words = f"sends a vector of {found} numbers, where those before had {self._width} (another model?)"
                raise ProviderError(words, cause="garbled")

    def _asked(self, text: str) -> str:
        return self._passages.asked([text])[0] if self._passages else text

    def _read(self, reply: Reply) -> "vector.Numbers":
        found = read(reply)
        self._width = self._width or len(found)
        return found


def is_too_long(reply: Reply, text: str) -> bool:
    """Whether a model refused to embed a text as too long, so that the embed stage may try half of it."""
    return reply.finish == "rejected" and len(text) >= 2 * SHORTEST


def read(reply: Reply) -> "vector.Numbers":
    """The vector in a reply to the embed stage. Raises ParseError for a reply that is no vector."""
    try:
        return vector.read(checked(reply))
    except ValueError as error:
        raise ParseError("unreadable") from error
