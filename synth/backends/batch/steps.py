"""A batch's way, from a file of requests to its end on the server: every step recorded as a receipt before the next is taken."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from synth.backends import BatchJob, BatchJobs
from synth.backends.batch.api import GONE, NO_SUCH, Api
from synth.backends.batch.options import BatchOptions
from synth.errors import ConfigError, Stopped

MARGIN = 3600.0
"""Seconds past its window that a batch is waited for."""
ENDED = ("completed", "failed", "expired", "cancelled")
CANCELLED = ("cancelling", "cancelled")


class Steps:
    """The steps of one address's batches, each recorded as a receipt before the next; `open` are the receipts whose batches
    have not been brought home."""

    def __init__(self, api: Api, want: BatchOptions) -> None:
        self.open: dict[str, BatchJob] = {}
        self.receipts: BatchJobs
        self.say: Callable[[str], None] = lambda _: None
        self._api, self._want = api, want

    def note(self, receipt: BatchJob, **news: Any) -> BatchJob:
        """A batch's receipt with what is new, recorded in the journal."""
        receipt = replace(receipt, **news)
        self.receipts.record(receipt)
        self.open[receipt.id] = receipt
        if receipt.closed:
            del self.open[receipt.id]
        return receipt

    def of_model(self, model: str) -> list[BatchJob]:
        """The receipts of a model's batches that have not been brought home."""
        return [receipt for receipt in self.open.values() if receipt.model == model]

    async def send(self, receipt: BatchJob, data: bytes) -> BatchJob:
        """Uploads a file of requests and makes a batch of it; gives its receipt."""
        receipt, name = self.note(receipt), name_of(receipt)

        async def upload(again: bool) -> str:
            return (again and await self._api.file_named(name)) or await self._api.upload(name, data)

        return await self._create(self.note(receipt, file=await self._api.insist(upload)))

    async def find(self, receipt: BatchJob, wanted: Callable[[BatchJob], Awaitable[bool]]) -> BatchJob | None:
        """What has become of a batch that an earlier run left, as its receipt. Where no batch was made of an uploaded file,
        one is made now if what it asks is still wanted; otherwise the receipt is closed, and None given."""
        if receipt.batch is None:
            batch = await self._api.insist(lambda _: self._api.batch_of(receipt.id, receipt.file))
            if batch is None:
                file = receipt.file or await self._api.insist(lambda _: self._api.file_named(name_of(receipt)))
                if file and await wanted(receipt):
                    return await self._create(self.note(receipt, file=file))
                await self.close(receipt, file)
                return None
            receipt = self.note(receipt, batch=batch)
        self.say(f"batch {receipt.batch}: {len(receipt.keys)} requests of model {receipt.model!r}, of an earlier run")
        return receipt

    async def wait(self, receipt: BatchJob) -> tuple[dict[str, Any], bool]:
        """Waits for a batch to end; gives it, and whether it had been cancelled when this run first looked. ConfigError for
        one that the server does not know, Stopped long after its window."""
        loop, batch = asyncio.get_running_loop(), str(receipt.batch)
        pause, deadline, first = self._want.poll / 16, 0.0, ""
        while True:
            found = await self._api.insist(lambda _: self._api.look(batch))
            first = first or found["status"]
            if first == GONE:
                raise ConfigError(f"batch {batch} is not known to the server; {NO_SUCH}")
            if found["status"] in ENDED:
                return found, first in CANCELLED
            deadline = deadline or loop.time() + self._left(found) + MARGIN
            if loop.time() >= deadline:
                raise Stopped(
                    "provider",
                    f"batch {batch} is {self._api.client.said(found['status'])!r} long after its window; run the same command again to go on waiting, "
                    "or give it up with `synth journal cancel-batches DIR`",
                )
            await asyncio.sleep(min(pause, deadline - loop.time() + 0.01))
            pause = min(1.5 * pause, self._want.poll)

    async def close(self, receipt: BatchJob, *files: str | None) -> None:
        """Closes a batch's receipt, all it brought being journalled, and deletes its files on the server unless they are to
        be kept."""
        for file in files if not self._want.keep_files else ():
            if file:
                await self._api.delete(file)
        self.note(receipt, closed=True)

    async def drop(self, receipt: BatchJob) -> tuple[BatchJob, dict[str, Any]]:
        """Tells the server that nobody needs a batch's replies; gives how the batch stood before: what one at its end
        brought is paid for. A receipt of which the server knows no batch is closed."""
        if receipt.batch is None and (found := await self._api.batch_of(receipt.id, receipt.file)):
            receipt = self.note(receipt, batch=found)
        batch = await self._api.look(receipt.batch) if receipt.batch else {"status": GONE}
        if batch["status"] == GONE:
            await self.close(receipt, receipt.file or await self._api.file_named(name_of(receipt)))
        elif batch["status"] not in ENDED + CANCELLED:
            await self._api.cancel(str(receipt.batch))
        return receipt, batch

    async def drop_all(self) -> AsyncIterator[tuple[BatchJob, dict[str, Any]]]:
        """Drops every batch that is open, and gives each once it has ended on the server; those that had ended come first."""
        going: list[BatchJob] = []
        for receipt in list(self.open.values()):
            dropped, batch = await self.drop(receipt)
            if batch["status"] in ENDED:
                yield dropped, batch
            elif batch["status"] != GONE:
                going.append(dropped)
        for receipt in going:
            yield receipt, (await self.wait(receipt))[0]

    async def _create(self, receipt: BatchJob) -> BatchJob:
        file = str(receipt.file)

        async def create(again: bool) -> str:
            found = again and await self._api.batch_of(receipt.id, file)
            return found or await self._api.create(file, receipt.id, self._want.window)

        receipt = self.note(receipt, batch=await self._api.insist(create))
        self.say(f"batch {receipt.batch}: {len(receipt.keys)} requests of model {receipt.model!r}")
        return receipt

    def _left(self, batch: Mapping[str, Any]) -> float:
        """Seconds of a batch's window, whatever the clocks say."""
        ends = batch.get("expires_at")
        left = ends - time.time() if isinstance(ends, int | float) else self._want.seconds
        return float(min(max(left, 0.0), self._want.seconds))


def name_of(receipt: BatchJob) -> str:
    """The name that a batch's file of requests has on the server at every step, made of its receipt's id."""
    return f"synth-{receipt.id}.jsonl"
