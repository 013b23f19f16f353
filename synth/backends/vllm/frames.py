"""How this process and those that hold an engine each speak: pickled messages over a socket of their own, each after its length."""

import asyncio
import pickle
from typing import Any

_LENGTH = 8


def send(writer: asyncio.StreamWriter, message: Any) -> None:
    """Writes a message to a process that holds an engine, or from there."""
    body = pickle.dumps(message)
    writer.write(len(body).to_bytes(_LENGTH, "little") + body)


async def receive(reader: asyncio.StreamReader) -> Any:
    """The next message of a process that holds an engine, or of the one that started it; None once that has ended."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "little")
        return pickle.loads(await reader.readexactly(length))  # noqa: S301 (from a process of this run alone)
    except (asyncio.IncompleteReadError, OSError):
        return None
