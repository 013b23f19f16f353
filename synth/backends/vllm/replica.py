"""A process that holds one of several engines of a model: `python -m synth.backends.vllm.replica FD`. It ends with the process that
started it."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable
from typing import Any

from synth.backends.vllm import VLLMBackend, frames
from synth.backends.vllm.options import Options
from synth.backends.vllm.processes import end_all_below
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe.role import Role

SAYABLE = (ConfigError, ProviderError, Stopped)


class _Replica:
    def __init__(self, writer: asyncio.StreamWriter, role: Role) -> None:
        self._writer, self._model = writer, role.model
        self._backend = VLLMBackend()
        self._backend.take(role, Options.model_validate(role.options))
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def take(self, number: int, asked: Any) -> None:
        """Begins what the driver asks under a number: an answer, or to load the model; None drops what it asked."""
        if asked is None:
            if task := self._tasks.get(number):
                task.cancel()
            return
        step = self._backend.load(self._model) if asked == "load" else self._backend.answer(*asked)
        self._tasks[number] = asyncio.create_task(self._tell(number, step))

    async def close(self) -> None:
        await self._backend.close()

    async def _tell(self, number: int, step: Awaitable[Any]) -> None:
        try:
            outcome = await step
        except SAYABLE as error:
            outcome = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 (the driver raises it, whatever it is)
            outcome = RuntimeError(f"{type(error).__name__}: {error}")
        finally:
            self._tasks.pop(number, None)
        frames.send(self._writer, (number, outcome))


async def _serve(descriptor: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    replica = _Replica(writer, await frames.receive(reader))
    while (message := await frames.receive(reader)) is not None:
        if message == "close":
            await replica.close()
            return
        replica.take(*message)
    end_all_below(os.getpid())
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
