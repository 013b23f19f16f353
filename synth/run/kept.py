"""A journal, be it one that is only read, as the store of an engine that asks nobody."""

from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.journal.reader import Reader
from synth.journal.rows import DamagedReply
from synth.journal.store import Journal
from synth.types import Origin, Reply


class KeptReplies:
    """The replies that a journal holds: one that is not what was written counts as not there, and nothing is kept anew."""

    def __init__(self, journal: Journal | Reader) -> None:
        self._journal = journal

    def get(self, key: str) -> Reply | None:
        """The kept reply under a key; None if there is none, or none that is whole."""
        try:
            return self._journal.get(key)
        except DamagedReply:
            return None

    async def put(self, key: str, reply: Reply, origin: Origin, model: str) -> None:
        """Keeps nothing: raises Stopped."""
        del key, reply, origin, model
        raise Stopped(REPLAY)
