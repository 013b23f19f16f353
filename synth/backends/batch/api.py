"""The Batch API as a server speaks it, by the `openai` package: files of requests and replies, and batches; tried again for as long as
there is a point in it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import tenacity

from synth.backends.openai import OpenAIBackend
from synth.backends.openai.bodies import loads
from synth.errors import ConfigError, ProviderError, Stopped

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from synth.backends.openai.package import Call

Found = TypeVar("Found")

ENDPOINT: Final = "/v1/chat/completions"
MARK = "synth_receipt"
"""The batch's metadata that names the receipt, so that it is found where its answer was lost."""
PATIENCE = 3600.0
"""Seconds for which a server that fails is tried again; what it has been given loses nothing by waiting."""
FIRST_CONTACT = 3
"""Tries of a server that has never said anything."""
CONTROL, TRANSFER = 60.0, 1800.0
"""Seconds a call may take: one of a few words, one that carries a file."""
PAGE, PAGES = 100, 100
"""Entries of a list asked for at once, and how many such pages are looked through."""

GONE = "gone"
NO_SUCH = (
    "check --base-url and the account that the API key is of; a server that has no batches takes `backend: openai`, and what is "
    "left with another one is forgotten by `synth journal cancel-batches DIR`"
)
_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=60)


class Api:
    """The files and batches of one address's Batch API, over a client of its chat completions. Calls raise ProviderError
    for what may pass, ConfigError for what will not."""

    def __init__(self, client: OpenAIBackend) -> None:
        self.client = client
        self._package = client.package()
        self._heard = False

    async def check(self) -> None:
        """ConfigError for a server that has no Batch API, or none for this key."""
        with contextlib.suppress(ProviderError):  # the first real call will tell
            async with _in_time(CONTROL):
                await self._call(lambda server: server.batches.with_raw_response.list(limit=1))

    async def insist(self, work: Callable[[bool], Awaitable[Found]]) -> Found:
        """What `work` gives, some calls of a Batch API, tried again while its server fails; it is told each time whether it
        was tried before. ConfigError or Stopped where there is no point in going on."""

        async def attempt() -> Found:
            found = await work(retrying.statistics["attempt_number"] > 1)
            self._heard = True
            return found

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(ProviderError), wait=_pause, stop=self._hopeless, reraise=True
        )
        try:
            return await retrying(attempt)
        except ProviderError as error:
            if not self._heard:
                raise ConfigError(f"the server {error}; check --base-url and that it runs") from error
            raise Stopped("provider", f"the server {error}; run the same command again once it answers") from error

    async def upload(self, name: str, data: bytes) -> str:
        """Uploads to a Batch API a file of requests, under a name; gives its id on the server."""
        file = (name, data, "application/jsonl")
        async with _in_time(TRANSFER):
            body = await self._call(lambda server: server.files.with_raw_response.create(file=file, purpose="batch"))
        return self._id(body)

    async def file_named(self, name: str) -> str | None:
        """The id of the file of requests that has this name on a Batch API's server; None if there is none."""
        async for entry in self._entries(
            lambda after: lambda server: server.files.with_raw_response.list(limit=PAGE, purpose="batch", **after)
        ):
            if entry.get("filename") == name:
                return str(entry["id"])
        return None

    async def create(self, file: str, receipt: str, window: str) -> str:
        """Has a Batch API make a batch of an uploaded file, marked with the id of its receipt; gives the batch's id on
        the server."""

        def made(server: "AsyncOpenAI") -> Awaitable[Any]:
            return server.batches.with_raw_response.create(
                input_file_id=file,
                endpoint=ENDPOINT,
                completion_window=window,  # type: ignore[arg-type]
                metadata={MARK: receipt},
            )

        async with _in_time(CONTROL):
            return self._id(await self._call(made))

    async def batch_of(self, receipt: str, file: str | None) -> str | None:
        """The id of the batch that was made for a receipt: found by its mark, or, where the server keeps none, by its file;
        None if there is none."""
        async for entry in self._entries(
            lambda after: lambda server: server.batches.with_raw_response.list(limit=PAGE, **after)
        ):
            if (entry.get("metadata") or {}).get(MARK) == receipt or (file and entry.get("input_file_id") == file):
                return str(entry["id"])
        return None

    async def look(self, batch: str) -> dict[str, Any]:
        """A batch as the server's Batch API describes it now; of one that it does not know, the status GONE."""
        async with _in_time(CONTROL):
            status, headers, body = await self._package.answer(
                lambda server: server.batches.with_raw_response.retrieve(batch)
            )
        if status == 404:
            return {"status": GONE}
        found = _object(self._good(status, headers, body))
        if not isinstance(found.get("status"), str):
            raise ProviderError("sends something that is no batch", cause="garbled")
        return found

    async def cancel(self, batch: str) -> None:
        """Asks a Batch API to cancel a batch, which it does in its own time."""
        async with _in_time(CONTROL):
            await self._call(lambda server: server.batches.with_raw_response.cancel(batch))

    async def content(self, file: str) -> bytes:
        """The bytes of a file, by the Batch API that holds it; of one that is gone, none."""
        async with _in_time(TRANSFER):
            status, headers, body = await self._package.answer(
                lambda server: server.files.with_raw_response.content(file)
            )
        return b"" if status == 404 else self._good(status, headers, body)

    async def delete(self, file: str) -> None:
        """Has a Batch API delete a file. Tried once: a file that stays does no harm."""
        with contextlib.suppress(ProviderError, ConfigError):
            async with _in_time(CONTROL):
                await self._call(lambda server: server.files.with_raw_response.delete(file))

    async def _entries(self, listed: "Callable[[dict[str, Any]], Call]") -> AsyncIterator[dict[str, Any]]:
        after: dict[str, str] = {}
        for _ in range(PAGES):
            async with _in_time(CONTROL):
                page = _object(await self._call(listed(after)))
            entries = [entry for entry in page.get("data") or () if self._is_named(entry)]
            for entry in entries:
                yield entry
            if not page.get("has_more") or not entries:
                return
            after = {"after": str(entries[-1]["id"])}

    def _id(self, body: bytes) -> str:
        """It is journalled."""
        found = _object(body)
        if not self._is_named(found):
            raise ProviderError("sends something that has no id of its own", cause="garbled")
        return str(found["id"])

    def _is_named(self, entry: Any) -> bool:
        return isinstance(entry, dict) and "id" in entry and not self.client.secrets.within(str(entry["id"]))

    async def _call(self, call: "Call") -> bytes:
        return self._good(*await self._package.answer(call))

    def _good(self, status: int, headers: Any, body: bytes) -> bytes:
        self._heard = True
        if status in (200, 201):
            return body
        self.client.raise_weather(status, headers, body)
        raise self.client.wrong(status, body, "", NO_SUCH if status in (404, 405) else None)

    def _hopeless(self, state: tenacity.RetryCallState) -> bool:
        if not self._heard:
            return state.attempt_number >= FIRST_CONTACT
        return (state.seconds_since_start or 0.0) > PATIENCE


@contextlib.asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProviderError(f"takes longer than {seconds:g} s", cause="timeout") from error


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, ProviderError) else None
    return max(float(_backoff(state)), min(told or 0.0, PATIENCE))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = loads(body)
    except ValueError as error:
        raise ProviderError("sends something that is no JSON", cause="garbled") from error
    if not isinstance(found, dict):
        raise ProviderError("sends something that is no JSON object", cause="garbled")
    return found
