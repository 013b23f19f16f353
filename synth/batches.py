"""`synth journal cancel-batches`: what a run has left with servers is cancelled, or forgotten where no server knows of it."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth import backends
from synth.backends.batch import BatchBackend
from synth.engine.journal import Journal
from synth.engine.receipts import JournalledReceipts
from synth.errors import ConfigError
from synth.role import Role


def cancel(folder: Path) -> list[str]:
    """A line for each batch of the run in `folder` that is still open."""
    if not (folder / "journal.sqlite").exists():
        raise ConfigError(f"{folder}: holds no journal; name the folder of a run")
    with contextlib.closing(Journal(folder)) as journal:
        receipts = JournalledReceipts(journal, lambda _: None)
        places = {json.dumps(receipt.place, sort_keys=True): receipt.place for receipt in receipts.stray()}
        lines = [line for place in places.values() for line in asyncio.run(_cancel(place, receipts))]
    return lines or [f"{folder}: nothing is left with a server"]


async def _cancel(place: Mapping[str, Any], receipts: JournalledReceipts) -> list[str]:
    role = Role(model="none", backend="batch", **place)
    backend = backends.connect({"batch": role})["batch"]
    assert isinstance(backend, BatchBackend)
    try:
        return await backend.cancel(receipts)
    finally:
        await backend.close()
