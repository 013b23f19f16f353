"""Rows that are judged in common calls: which stand together is decided by the plan, whatever arrives, falls, fills or is killed."""

from collections import Counter
from typing import Any

import pytest

from synth.fold import fold as module
from synth.fold.acceptor import Candidate
from synth.fold.sittings import Sittings
from synth.run.result import OK
from synth.types import Reply, Request
from tests.conftest import Lab
from tests.fold.test_fold import DUPLICATING, lost
from tests.support.virtual import fixed, heavy_tailed
from tests.support.world import World

TOGETHER = {"models": ["j1", "j2"], "controls": False, "rows_per_call": 4}
N = 40


class Watched(World):
    """Notes how many rows each of its judges' calls held."""

    held: list[int]

    async def complete(self, request: Request, key: str) -> Reply:
        if request.schema is not None and str(request.schema["title"]).startswith("verdict"):
            self.held.append(request.messages[1].content.count("<助手>"))
        return await super().complete(request, key)


def watched(**habits: Any) -> Watched:
    world = Watched(pool=150, **habits)
    world.held = []
    return world


def test_one_dataset_at_any_concurrency_in_any_weather_and_fewer_calls(lab: Lab) -> None:
    lab.world = world = watched()
    found = set()
    for concurrency, latency, faults in ((1, fixed(1.0), 0.0), (64, heavy_tailed(1.0), 0.1)):
        out = f"c{concurrency}"
        world.held.clear()
        assert lab.run(N, out=out, concurrency=concurrency, latency=latency, faults=faults, judge=TOGETHER).status == OK
        found.add(lab.bytes(out))
        held = Counter(world.held)
        assert max(held) == 4
        assert sum(world.held) / len(world.held) > 2.4, held
    assert len(found) == 1


def by_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that stand in a call together because they came to their judge together."""
    take, turn = Sittings.take, iter(range(10**9))

    def taken(self: Sittings, candidate: Candidate) -> None:
        if not next(turn) % 7:
            self._close()
        take(self, candidate)

    monkeypatch.setattr(Sittings, "take", taken)


@pytest.mark.parametrize("seconds", [(3.5, 4.5, 9.0), (30.0, 90.0, 40.0)])
def test_after_kills_the_bytes_are_the_same_with_a_checkpoint_at_every_page(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, ...]
) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    lab.world = DUPLICATING
    concurrency = 64 if seconds[0] < 10 else 1
    calm = lab.run(N, out="calm", concurrency=concurrency, judge=TOGETHER)
    for second in seconds:
        lab.run(N, concurrency=concurrency, judge=TOGETHER, interrupt=second)
    last = lab.run(N, concurrency=concurrency, judge=TOGETHER)
    assert (last.cells, last.dropped, last.replies) == (calm.cells, calm.dropped, calm.replies)
    assert lab.bytes() == lab.bytes("calm")
    again = lab.run(N, concurrency=concurrency, judge=TOGETHER)
    assert lab.server is not None
    assert (lab.server.answered, again.cells) == ([], calm.cells), "a finished journal answers everything"


def test_a_smaller_n_is_a_subset_and_a_larger_one_keeps_every_row(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(N, judge=TOGETHER)
    before = lab.rows()
    lab.run(N // 2, judge=TOGETHER)
    assert lab.server is not None
    assert lab.server.answered == []
    assert lab.rows().items() <= before.items()
    lab.run(N + 20, judge=TOGETHER)
    assert not lost(before, lab.rows())


def test_a_filter_on_answers_moves_no_row_into_another_call(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(N, judge=TOGETHER)
    judged = {row["query"] for row in lab.rows().values()}
    lab.run(N, judge=TOGETHER, filters={"response": [{"length": {"min": 22}}]})
    assert lab.server is not None
    stays = {row["query"] for row in lab.rows().values()} & judged
    assert len(stays) > 0.6 * len(judged)


def test_one_row_a_call_is_what_a_recipe_means_that_says_nothing(lab: Lab) -> None:
    plain = {"models": ["j1", "j2"], "controls": False}
    lab.run(20, out="plain", judge=plain)
    lab.run(20, judge=plain | {"rows_per_call": 1})
    assert lab.bytes() == lab.bytes("plain")
