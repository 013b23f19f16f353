"""What an engine's journal answers by itself: a reply that is kept, a model that was out, a reply that is not what was written."""

from collections.abc import Callable

from synth.engine.contract import Store
from synth.hashing import outage_of
from synth.journal.rows import WRONG, DamagedReply
from synth.types import Reply


class Recall:
    """Replies out of an engine's journal, by request key. `say` is told of the first that is damaged."""

    def __init__(self, journal: Store, say: Callable[[str], None]) -> None:
        self._journal, self._say = journal, say
        self.damaged: dict[str, DamagedReply] = {}
        """Replies, by key, that are not what was written, and so asked for once more."""

    def kept(self, key: str, *, spare: bool, mending: bool) -> Reply | None:
        """The journalled reply to a request. That another model was asked stays so, though the request may have been answered
        since. Raises DamagedReply, unless that is `mending`: then a damaged reply counts as not there."""
        get = self.found if mending else self._journal.get
        return (get(outage_of(key)) if spare else None) or get(key)

    def found(self, key: str) -> Reply | None:
        """The journalled reply under a key; a damaged one counts as not there, and is asked for once more."""
        try:
            return self._journal.get(key)
        except DamagedReply as damaged:
            if not self.damaged:
                self._say(f"the reply {key} (stage {damaged.stage}) {WRONG}: it and any like it are asked for again")
            self.damaged[key] = damaged
            return None
