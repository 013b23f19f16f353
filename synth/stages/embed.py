"""The embed stage: a query's vector, by which the gate knows one that says the same in other words."""

from typing import Final

from synth import vector
from synth.embedding import sendable
from synth.errors import ParseError
from synth.plan.lanes import Brief
from synth.stages.calling import Caller
from synth.stages.ledger import OK, Place
from synth.stages.reading import CLASSES, checked
from synth.types import Ask, Message, Reply, Request, Sample

NAME: Final = "embed"


class Embedder:
    def __init__(self, caller: Caller, *, threshold: float) -> None:
        self._caller, self.threshold = caller, threshold

    def request(self, text: str) -> Request:
        """The same for equal texts, wherever they stand."""
        return Request(
            self._caller.family, self._caller.model, (Message(NAME, sendable(text)),), self._caller.params, None, ()
        )

    async def embed(self, brief: Brief, sample: Sample, ask: Ask) -> "vector.Numbers | None":
        """The vector of a query; None where the reply holds none."""
        reply, found, kind = await ask(NAME, self._caller.role, self.request(sample.query)), None, OK
        try:
            found = read(reply)
        except ParseError as error:
            kind = CLASSES[error.reason]
        self._caller.ledger.count(ask, self._caller.model, Place(NAME, NAME, brief.lane.subcategory), kind)
        return found


def read(reply: Reply) -> vector.Numbers:
    """Raises ParseError for a reply that is no vector."""
    try:
        return vector.read(checked(reply))
    except ValueError as error:
        raise ParseError("unreadable") from error
