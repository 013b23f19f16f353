"""Vectors from a model in a folder or on the Hugging Face hub: model2vec or sentence-transformers, in this process."""

import asyncio
from typing import Any

from synth.embedding import PAGE, embedder
from synth.errors import ConfigError
from synth.plain import for_terminal
from synth.role import Role
from synth.types import Reply, Request
from synth.vector import UNLIKE, Embed, check, rounded, written

FAMILY = "embedding"
GIVES = frozenset({"vectors"})


class LocalBackend:
    """One model. Texts that are asked for while it is busy are read in one go. Its tokens are counted as characters."""

    family = FAMILY
    queues = False

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._asked: list[tuple[str, asyncio.Future[Reply]]] = []
        self._turn = asyncio.Lock()

    async def check(self, model: str) -> None:
        check(model, *rounded(await asyncio.to_thread(self._embed, UNLIKE)))

    async def complete(self, request: Request, key: str) -> Reply:
        del key
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked.append((request.messages[0].content, answer))
        try:
            async with self._turn:
                if not answer.done():
                    await self._read(request.model)
            return answer.result()
        finally:
            answer.cancel()  # whose time ran out takes no place from those who still wait

    async def close(self) -> None:
        return None

    async def _read(self, model: str) -> None:
        """The texts that have waited longest, that of who reads among them."""
        waiting = [asked for asked in self._asked if not asked[1].done()]
        page, self._asked = waiting[:PAGE], waiting[PAGE:]
        try:
            vectors = rounded(await asyncio.to_thread(self._embed, [text for text, _ in page]))
        except Exception as error:  # a model of anything raises what it likes
            if isinstance(error, ConfigError):
                raise
            said = for_terminal(" ".join(str(error).split()))[:200]
            raise ConfigError(
                f"{model}: makes no vectors ({type(error).__name__}: {said}); use another model"
            ) from error
        else:
            for (text, answer), vector in zip(page, vectors, strict=True):
                if not answer.done():
                    answer.set_result(Reply(written(vector), prompt_tokens=len(text)))
        finally:
            self._asked[:0] = [asked for asked in page if not asked[1].done()]  # the others read again


def place(role: Role) -> tuple[Any, ...]:
    """Roles of one model share it."""
    return (role.model,)


def connect(role: Role) -> LocalBackend:
    """The role's model, read into memory."""
    return LocalBackend(embedder(role.model, None))
