"""Vectors for a table's texts: of a model in this process, or of a server's, which is asked a page of texts at a time."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
import tenacity

from synth.backends import embeddings, local
from synth.backends._server import KEY
from synth.errors import ConfigError, ProviderError
from synth.recipe.credentials import shown
from synth.recipe.role import Role
from synth.recipe.yaml import validate
from synth.vector import Embed, Numbers, numbers_only

PAGE, CALLS = 64, 8
"""Texts a request, requests at once."""
TRIES = 6
PATIENCE = 60.0
"""Seconds between two tries at most."""
TIMEOUT = 120.0
"""Seconds one page may take."""


@contextlib.contextmanager
def embedder(model: str | None, base_url: str | None) -> Iterator[Embed | None]:
    """A function from a table's texts to vectors: of a server where an address is given, else of a folder or of a name on
    the Hugging Face hub; None without a model. ConfigError for a model that is not to be had."""
    if model is None:
        yield None
    elif base_url is None:
        yield numbers_only(model, local.of_model(model))
    else:
        key = KEY if os.environ.get(KEY, "").strip() else None
        told = {"model": model, "backend": "embeddings", "base_url": base_url, "api_key_env": key}
        role = validate(Role, told, "--base-url")
        options = embeddings.Options.model_validate(role.options)
        with contextlib.closing(_Pages(model, base_url, embeddings.connect(role, options))) as pages:
            yield numbers_only(model, pages.embed)


class _Pages:
    """A server of embeddings, asked from a loop of its own."""

    def __init__(self, model: str, base_url: str, backend: embeddings.EmbeddingsBackend) -> None:
        self._model, self._place, self._backend = model, shown(base_url), backend
        self._runner = asyncio.Runner()

    def embed(self, texts: Sequence[str]) -> Numbers:
        found = self._runner.run(self._all(texts))
        sizes = sorted({page.shape[1] for page in found})
        if len(sizes) > 1:
            raise ConfigError(f"{self._place}: gives vectors of {sizes[0]} numbers and of {sizes[-1]}; ask one model")
        return np.concatenate(found)

    def close(self) -> None:
        self._runner.run(self._backend.close())
        self._runner.close()

    async def _all(self, texts: Sequence[str]) -> list[Numbers]:
        gate = asyncio.Semaphore(CALLS)
        try:
            async with asyncio.TaskGroup() as group:
                pages = [texts[at : at + PAGE] for at in range(0, len(texts), PAGE)]
                tasks = [group.create_task(self._page(page, gate)) for page in pages]
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _page(self, texts: Sequence[str], gate: asyncio.Semaphore) -> Numbers:
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=_pause,
            stop=tenacity.stop_after_attempt(TRIES),
            reraise=True,
        )
        try:
            async with gate:
                return await retrying(self._asked, texts)
        except ProviderError as error:
            if not _may_pass(error):
                raise ConfigError(
                    f"--semantic {self._model}: the server {error}; check the model and --base-url"
                ) from error
            way_out = "try again later, or check --base-url"
            raise ConfigError(f"{self._place}: {error}, {TRIES} times over; {way_out}") from error
        except ConfigError as error:
            raise ConfigError(f"--semantic {self._model}: {error}") from error

    async def _asked(self, texts: Sequence[str]) -> Numbers:
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._backend.page(self._model, texts)
        except TimeoutError as error:
            raise ProviderError(f"takes longer than {TIMEOUT:g} s", cause="timeout") from error


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.cause != "refused"


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, ProviderError) else None
    return min(PATIENCE, told if told is not None else 0.25 * 2 ** (state.attempt_number - 1))
