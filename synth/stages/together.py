"""Rows that a panel is asked about together: each waits at the panel until every other has come to it, or has ended before."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from synth.plan.lanes import UNASKED, LaneSpec
from synth.stages.contract import Slot, Step
from synth.stages.respond import stance_of
from synth.types import Ask, Judged, Label, Round, Sample, Want

if TYPE_CHECKING:
    from synth.stages.flow import Flow

Judge: TypeAlias = Callable[[Sample], Awaitable[Judged]]
"""Gives what a panel makes of a row."""
Row: TypeAlias = Callable[[Judge | None], Awaitable[Judged]]
"""Makes of a row what comes of it; what is given, if anything is, stands in for the panel."""


def rows_per_call(panel: Step) -> int:
    """How many rows a panel is asked about in one call, at most; one where it says nothing of it, as those of other packages."""
    return int(getattr(panel, "rows_per_call", 1))


def begun(
    spec: LaneSpec, sample: Sample, slots: Callable[[Sample], Sequence[tuple[Label, Want]]] | None
) -> list[tuple[Sample, Slot | None]]:
    """The rows that a query is to become, each with its slot: one for each of its `slots`; where no answers are asked for, one; of a pair of
    the user's own one without a slot."""
    if sample.response is not None:
        return [(sample, None)]
    if slots is None:
        label = next(iter(spec.cells))
        return [(replace(sample, wanted=label), Slot(label, {}))]
    if spec.lane.refuse_only:  # whatever an earlier plan recorded
        return [(sample, Slot(label, {"refuse": 1.0})) for label, _ in slots(sample)]
    return [(sample, Slot(label, want.stances)) for label, want in slots(sample)]


def spared(flow: "Flow", plan: Round, sample: Sample) -> Sequence[tuple[Label, Want]]:
    """The slots that a query needs of those it has in its plan: without the safe one where the stance drawn for an unsafe label is the
    natural one, of several. What a model says of itself to a harmful question is mostly safe: a second answer, made to be safe, would
    be dropped as the same label again."""
    slots, unsafe = flow.slots(plan, sample), flow.labels.unsafe
    for label, want in slots:
        if unsafe(label) and len(want.stances) > 1 and stance_of(want.stances, flow.seed, sample, label) == UNASKED:
            return [slot for slot in slots if unsafe(slot[0])]
    return slots


async def all_together(panel: Step, spec: LaneSpec, ask: Ask, rows: Sequence[Row]) -> list[Judged]:
    """What each of these makes of its row, by way of the panel: of one that takes several rows in a call it is asked about all that come
    to it together."""
    if rows_per_call(panel) == 1:
        return list(await asyncio.gather(*(row(None) for row in rows)))
    together = _Together(partial(panel.run_together, spec, ask=ask), len(rows))  # type: ignore[attr-defined]
    try:
        return list(await asyncio.gather(*(together.row(place, row) for place, row in enumerate(rows))))
    except BaseException as error:
        together.close(error)
        raise


class _Together:
    """So many rows of one lane, judged by `panel` in the order of their places. A row that ends before the panel leaves a gap."""

    def __init__(self, panel: Callable[[Sequence[Sample]], Awaitable[list[Judged]]], rows: int) -> None:
        self._panel, self._awaited = panel, set(range(rows))
        self._come: dict[int, Sample] = {}
        self._found: asyncio.Future[dict[int, Judged]] = asyncio.get_running_loop().create_future()
        self._work: asyncio.Task[None] | None = None

    async def row(self, place: int, work: Row) -> Judged:
        """What `work` makes of the row of a place, by way of the panel or without it."""
        try:
            return await work(partial(self._judged, place))
        finally:
            self._arrived(place)

    def close(self, error: BaseException | None) -> None:
        """Ends the waiting of all rows, for an error where there was one."""
        if self._work is not None:
            self._work.cancel()
        if not self._found.done():
            if error is not None and not isinstance(error, asyncio.CancelledError) and self._come:
                self._found.set_exception(error)
            else:
                self._found.cancel()

    async def _judged(self, place: int, sample: Sample) -> Judged:
        self._come[place] = sample
        self._arrived(place)
        return (await asyncio.shield(self._found))[place]

    def _arrived(self, place: int) -> None:
        self._awaited.discard(place)
        if not self._awaited and self._work is None and self._come and not self._found.done():
            self._work = asyncio.get_running_loop().create_task(self._judge())

    async def _judge(self) -> None:
        places = sorted(self._come)
        try:
            judged = await self._panel([self._come[place] for place in places])
        except Exception as error:  # noqa: BLE001 (whoever waits for a row raises it)
            if not self._found.done():
                self._found.set_exception(error)
        else:
            self._found.set_result(dict(zip(places, judged, strict=True)))
