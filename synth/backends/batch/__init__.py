"""OpenAI's Batch API: requests are collected into files and answered within a day, at half the price; a later run goes on waiting.

Every step is recorded as a receipt before the next is taken, and a batch carries its receipt's id: whenever the process dies, the
next one finds what the server has and collects it, and nothing is uploaded twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from synth.backends import BatchJob, BatchJobs, openai
from synth.backends.batch.api import GONE, Api
from synth.backends.batch.options import BatchOptions, Options, place_of
from synth.backends.batch.piles import LONGEST, Piles
from synth.backends.batch.rows import Outcome, complaint, line_of, outcome_of, rows_of
from synth.backends.batch.steps import ENDED, Steps
from synth.backends.openai.bodies import LADDER
from synth.backends.openai.learned import rung_of
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe.role import Role
from synth.types import Reply, Request

FAMILY = openai.FAMILY
GIVES = frozenset({"words"})
STAND_IN = False
share = openai.share
EXPIRIES = 3
"""Batches in which a request may expire before the run stops."""
ENQUEUED = ("token_limit", "enqueued")
"""Signs that a server has as much waiting as it takes."""
WANTED = 0.9
"""Share of an uploaded file that must be asked for again for a batch to be made of it in a later run."""
LANDING = 30.0
"""Seconds that parting takes at most; a batch that nobody needs any more is waited for as long to be cancelled."""


@dataclass(slots=True, eq=False)
class _Asked:
    request: Request
    answer: "asyncio.Future[Reply]"


class BatchBackend:
    """The backend `batch`: one address's Batch API; `family` is `model`, since a reply out of a batch is a model's reply."""

    family = FAMILY
    self_scheduling = True

    def __init__(self, client: openai.OpenAIBackend, place: Mapping[str, Any], want: BatchOptions) -> None:
        self._client, self._place, self._want = client, place, want
        self._api = Api(client)
        self._steps = Steps(self._api, want)
        self._piles = Piles(want, self._send, lambda model: bool(self._steps.of_model(model)))
        self._asked: dict[str, _Asked] = {}
        self._first_asked = asyncio.Event()
        self._held: Counter[str] = Counter()
        """Keys that are in a batch, or on their way into one."""
        self._spare: dict[str, Reply] = {}
        """Replies that nobody had asked for when they came."""
        self._lost: dict[str, Exception] = {}
        """Why there will be no reply to a key, in this run."""
        self._rungs: dict[str, int] = {}
        self._expired: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By receipt."""
        self._settling: set[str] = set()
        """Receipts whose replies are being brought home."""
        self._left = False

    def take(self, role: Role, options: Options) -> None:
        """Lets one more role share the address's batches. ConfigError for one whose options of batches differ."""
        del role
        if options.batch != self._want:
            raise ConfigError("`batch` differs from another model's at the same address; give both the same")

    async def check(self, model: str) -> None:
        await self._client.check(model)
        await self._api.check()

    async def complete(self, request: Request, key: str) -> Reply:
        if self._left:
            raise Stopped("left")
        if key in self._lost:
            raise self._lost[key].with_traceback(None)
        if key in self._spare:
            return self._spare.pop(key)
        self._first_asked.set()
        if key not in self._asked:
            self._asked[key] = _Asked(request, asyncio.get_running_loop().create_future())
            self._pile_up(key)
        return await asyncio.shield(self._asked[key].answer)

    async def close(self) -> None:
        await self._cancel(self._tasks)
        await self._client.close()

    # --- a run begins and ends ---

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        self._client.adapt(known, learnt)

    def take_up(self, receipts: BatchJobs, say: Callable[[str], None]) -> None:
        self._steps.receipts, self._steps.say = receipts, say
        for receipt in receipts.known(self._place):
            self._rungs[receipt.model] = receipt.rung
            if not receipt.closed:
                self._begin(receipt, None)

    def leave(self) -> None:
        self._left = True
        self._piles.clear()
        self._fail(list(self._asked), Stopped("left"))

    async def part(self, *, done: bool) -> int:
        await self._cancel(self._tasks.keys() - self._settling)
        try:
            async with asyncio.timeout(LANDING):
                await asyncio.gather(*self._tasks.values())
                if done:
                    async for receipt, batch in self._steps.drop_all():
                        await self._settle(receipt, batch, forewarned=True)
        except (TimeoutError, ProviderError, ConfigError, Stopped):
            pass  # the receipts stay open: the next run sees to them
        return sum(len(receipt.keys) for receipt in self._steps.open.values() if receipt.file)

    async def cancel(self, receipts: BatchJobs) -> list[str]:
        """Cancels the batches that earlier runs have left at the address; gives a line of words for each."""
        self._steps.receipts, lines = receipts, []
        for receipt in receipts.known(self._place):
            if not receipt.closed:
                found, batch = await self._api.insist(lambda _, it=receipt: self._steps.drop(it))  # type: ignore[misc]
                name, count = f"batch {found.batch}", f"{len(receipt.keys)} requests"
                if batch["status"] in ENDED:
                    lines.append(f"{name} has ended already ({count}): the next run collects what it brought")
                elif batch["status"] == GONE:
                    lines.append(f"{count} are in no batch the server knows; they are free to be asked for again")
                else:
                    lines.append(f"{name}: cancelled ({count}); the next run collects what it had answered")
        return lines

    async def _cancel(self, ids: Iterable[str]) -> None:
        tasks = [self._tasks[id] for id in ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- a batch goes its way ---

    def _pile_up(self, key: str) -> None:
        """Of a request that is in a batch already, the reply is waited for."""
        if not self._held[key]:
            request = self._asked[key].request
            facts, name = self._client.facts(request.model), request.named
            line = line_of(request, key, self._rungs.setdefault(name, LADDER.index(rung_of(facts))), facts)
            self._piles.add(name, key, line)

    def _send(self, model: str, lines: Mapping[str, bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines.values())
        self._begin(BatchJob(token_hex(8), self._place, model, self._rungs.get(model, 0), tuple(lines)), data)

    def _begin(self, receipt: BatchJob, data: bytes | None) -> None:
        """`data` is the file of requests; None if an earlier run began it."""
        self._steps.open[receipt.id] = receipt
        self._held.update(receipt.keys)
        task = self._tasks[receipt.id] = asyncio.get_running_loop().create_task(self._follow(receipt, data))
        task.add_done_callback(lambda _: self._tasks.pop(receipt.id))

    async def _follow(self, receipt: BatchJob, data: bytes | None) -> None:
        steps = self._steps
        try:
            sent = await (steps.find(receipt, self._wanted) if data is None else steps.send(receipt, data))
            data = None  # it may be large, and the wait long
            if sent is None:
                self._release(receipt, again=receipt.keys)
                return
            batch, forewarned = await steps.wait(sent)
            self._settling.add(receipt.id)
            await self._settle(sent, batch, forewarned=forewarned)
        except Exception as error:
            self._lost.update(dict.fromkeys(receipt.keys, error))
            waiting = self._fail(receipt.keys, error)
            if not isinstance(error, ConfigError | Stopped):
                raise
            if not waiting and not self._left:
                steps.say(str(error))

    async def _wanted(self, receipt: BatchJob) -> bool:
        """Whether what a file asks is asked for again; for that it is given some time."""
        await self._first_asked.wait()
        loop = asyncio.get_running_loop()
        last = loop.time() + LONGEST * self._want.quiet
        while not (wanted := sum(key in self._asked for key in receipt.keys) >= WANTED * len(receipt.keys)):
            if (left := last - loop.time()) <= 0:
                break
            await asyncio.sleep(min(self._want.quiet / 4, left))
        return wanted

    # --- its replies are brought home ---

    async def _settle(self, receipt: BatchJob, batch: Mapping[str, Any], *, forewarned: bool) -> None:
        """Journals every reply, answers who waits for it, and has the server forget the files. What stays unanswered is told last:
        by then its model is seen to answer. `forewarned`: the batch had been cancelled before this run."""
        files = [str(batch[name]) for name in ("output_file_id", "error_file_id") if batch.get(name)]
        if batch["status"] == "failed":
            outcome = self._refused(receipt, batch)
        else:
            requests = {key: asked.request for key in receipt.keys if (asked := self._asked.get(key))}
            lacking = receipt.keys if batch["status"] == "completed" else ()
            outcome = await outcome_of(await rows_of(files, self._download, lacking), receipt, requests, self._client)
            for key in receipt.keys:
                self._see_unanswered(receipt, batch, outcome, key, forewarned=forewarned)
            await self._steps.receipts.keep(receipt, outcome.replies)
        for key, reply in outcome.replies.items():
            self._answer(key, reply)
        if outcome.stepped:
            self._step_down(receipt.model, receipt.rung + 1)
        self._release(receipt, again=outcome.again)
        for key, error in outcome.failures.items():
            self._fail([key], error)
        await self._steps.close(receipt, batch.get("input_file_id") or receipt.file, *files)

    async def _download(self, file: str) -> bytes:
        return await self._api.insist(lambda _: self._api.content(file))

    def _see_unanswered(
        self, receipt: BatchJob, batch: Mapping[str, Any], outcome: Outcome, key: str, *, forewarned: bool
    ) -> None:
        if key in outcome.replies or key in outcome.again or isinstance(outcome.failures.get(key), ConfigError):
            return
        error = outcome.failures.get(key)
        if batch["status"] == "expired":
            self._expired[key] += 1
            error = ProviderError("does not answer within the batch's window", cause="overload")
            if self._expired[key] >= EXPIRIES:
                error = Stopped(
                    "provider",
                    f"batches of model {receipt.model!r} expire again and again; run the same command again later",
                )
        elif batch["status"] == "cancelled" and not forewarned:
            error = Stopped(
                "provider",
                f"batch {receipt.batch} was cancelled on the server; run the same command again to ask for the rest",
            )
        error = error or ProviderError(f"leaves a request of batch {receipt.batch} out", cause="server")
        if isinstance(error, ProviderError):
            error.retry_after = 0.0  # the next batch is soon enough, and one is better than many
        outcome.failures[key] = error

    def _refused(self, receipt: BatchJob, batch: Mapping[str, Any]) -> Outcome:
        """A batch of which the server did nothing: too much at once for it, or the user's to mend."""
        words, alone = complaint(batch, self._client), len(self._steps.of_model(receipt.model)) == 1
        if any(sign in words.lower() for sign in ENQUEUED) and (len(receipt.keys) > 1 or not alone):
            self._piles.narrow(receipt.model, max(1, len(receipt.keys) // 2) if alone else len(receipt.keys))
            return Outcome(again=set(receipt.keys))
        error = ConfigError(
            f"the server refuses batch {receipt.batch}: {words}; mend what it names, then run the same command again"
        )
        return Outcome(failures=dict.fromkeys(receipt.keys, error))

    def _answer(self, key: str, reply: Reply) -> None:
        if asked := self._asked.pop(key, None):
            asked.answer.set_result(reply)
        else:
            self._spare[key] = reply

    def _fail(self, keys: Iterable[str], error: Exception) -> bool:
        """Whether anyone waited."""
        waiting = [asked for key in keys if (asked := self._asked.pop(key, None))]
        for asked in waiting:
            asked.answer.set_exception(error)
            asked.answer.exception()  # seen, should nobody be left to ask
        return bool(waiting)

    def _release(self, receipt: BatchJob, *, again: Iterable[str]) -> None:
        """Its keys may go into another batch; those of `again` that are still asked for do."""
        self._held -= Counter(receipt.keys)
        for key in again:
            if key in self._asked:
                self._pile_up(key)

    def _step_down(self, model: str, rung: int) -> None:
        """From now on JSON is asked for in another way; of what is in no batch yet, too."""
        if rung > self._rungs.get(model, 0):
            self._rungs[model] = rung
            for key in self._piles.keys(model):
                self._pile_up(key)


def connect(role: Role, options: Options, place: Mapping[str, Any] | None = None) -> BatchBackend:
    """Opens the backend `batch` for a role: a client for its address, with the key its environment variable holds."""
    return BatchBackend(openai.connect(role, options), place or place_of(options), options.batch)
