"""Rows that are judged in common calls: which stand together is decided by the plan, whatever arrives, falls, fills or is killed."""

from dataclasses import replace
from typing import Any

import pytest

from synth.fold import fold as module
from synth.fold.acceptor import Acceptor, Candidate
from synth.fold.checkpoint import state_of
from synth.fold.sittings import Sitting, Sittings
from synth.plan.quota import Quota
from synth.plan.tally import Tally
from synth.run.compile import compile_recipe
from synth.stages import together
from synth.types import Provenance, Reply, Request, Round, Sample, Want
from tests.conftest import Lab, tiny_recipe
from tests.fold.test_fold import lost
from tests.support.panels import Nowhere
from tests.support.virtual import fixed, heavy_tailed
from tests.support.world import World

TOGETHER = {"models": ["j1", "j2"], "controls": False, "rows_per_call": 4}
FAMILIES = {"accept": {"family": 1}}
N, ONLY = 20, ("one.s0",)
DUPLICATING = World(pool=60)


class Watched(World):
    """Notes how many rows each of its judges' calls held."""

    held: list[int]

    async def complete(self, request: Request, key: str) -> Reply:
        if request.schema is not None and str(request.schema["title"]).startswith("verdict"):
            self.held.append(request.messages[1].content.count("<助手>"))
        return await super().complete(request, key)


def watched(**habits: Any) -> Watched:
    world = Watched(pool=60, **habits)
    world.held = []
    return world


def hashes(lab: Lab, world: Watched) -> set[str]:
    """The datasets that come out one call after the other, and sixty-four at once in rough weather."""
    found = set()
    for concurrency, latency, faults in ((1, fixed(1.0), 0.0), (64, heavy_tailed(1.0), 0.1)):
        out = f"c{concurrency}"
        world.held.clear()
        lab.run(N, out=out, concurrency=concurrency, latency=latency, faults=faults, judge=TOGETHER, only=ONLY)
        found.add(lab.bytes(out))
    return found


def test_one_dataset_at_any_concurrency_in_any_weather_and_fewer_calls(lab: Lab) -> None:
    lab.world = world = watched()
    assert len(hashes(lab, world)) == 1
    assert max(world.held) == 4
    assert sum(world.held) / len(world.held) > 2.4, "a quarter of the queries are near-copies, and leave gaps"


def test_rows_judged_in_the_order_of_their_coming_would_be_seen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "sorted", list, raising=False)
    lab.world = world = watched()
    assert len(hashes(lab, world)) > 1


def test_after_kills_the_bytes_are_the_same_with_a_checkpoint_at_every_page(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    lab.world = DUPLICATING
    calm = lab.run(N, out="calm", judge=TOGETHER, only=ONLY, **FAMILIES)
    for second in (5.5, 7.0, 4.0):
        lab.run(N, judge=TOGETHER, only=ONLY, interrupt=second, **FAMILIES)
    last = lab.run(N, judge=TOGETHER, only=ONLY, **FAMILIES)
    assert (last.cells, last.dropped, last.replies) == (calm.cells, calm.dropped, calm.replies)
    assert lab.bytes() == lab.bytes("calm")
    again = lab.run(N, judge=TOGETHER, only=ONLY, **FAMILIES)
    assert lab.server is not None
    assert (lab.server.answered, again.cells) == ([], calm.cells), "a finished journal answers everything"


def test_a_smaller_n_is_a_subset_and_a_larger_one_keeps_every_row(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(N, judge=TOGETHER, only=ONLY)
    before = lab.rows()
    lab.run(N // 2, judge=TOGETHER, only=ONLY)
    assert lab.server is not None
    assert lab.server.answered == []
    assert lab.rows().items() <= before.items()
    lab.run(N + 10, judge=TOGETHER, only=ONLY)
    assert not lost(before, lab.rows())


def test_a_plan_and_its_slots_alone_say_which_queries_are_judged_together(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(judge=TOGETHER))
    spec, flow = compiled.specs[0], compiled.flow
    plan = Round(spec.lane.id, 0, 20, 30, {"unsafe": Want(1.0, {}), "safe": Want(0.5, {})}, {"rewrite": 0.4})
    sample = Sample(spec.lane, 20, "问", "", "", (), "", Provenance(0, ""), "")
    queries = [
        replace(sample, coordinate=coordinate, attack=name or None)
        for coordinate in range(20, 50)
        for name in ("", *flow.operators(spec, plan.operators, coordinate))
    ]

    def seated(queries: list[Sample]) -> dict[tuple[int, str | None], Sitting]:
        sittings = Sittings(flow)
        sittings.begin(spec, plan)
        found = [Candidate(query, Tally(plan), 0) for query in queries]
        for candidate, after in zip(found, [*found[1:], None], strict=True):
            sittings.take(candidate)
            if after is None or after.sample.coordinate > candidate.sample.coordinate:
                sittings.passed(candidate.sample.coordinate)
        sittings.end()
        assert all(candidate.sitting and candidate.sitting.ready.is_set() for candidate in found)
        return {(one.sample.coordinate, one.sample.attack): one.sitting for one in found if one.sitting}

    whole = seated(queries)
    sizes = [
        sum(len(flow.slots(plan, member.sample)) for member in sitting.members)
        for sitting in dict.fromkeys(whole.values())
    ]
    assert set(sizes[:-1]) <= {3, 4}, sizes
    fewer = seated(queries[::2])
    together = {(one, other) for one in fewer for other in fewer if fewer[one] is fewer[other]}
    assert together == {(one, other) for one in fewer for other in fewer if whole[one] is whole[other]}


def test_a_checkpoint_keeps_those_of_a_sitting_that_others_of_it_still_need(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(judge=TOGETHER))
    spec, flow = compiled.specs[0], compiled.flow
    plan = Round(spec.lane.id, 0, 0, 8, {"unsafe": Want(1.0, {})}, {})
    place = Provenance(0, "")
    candidates = [Candidate(Sample(spec.lane, at, "问", "", "", (), "", place, ""), Tally(plan), 0) for at in range(8)]
    sittings = Sittings(flow)
    sittings.begin(spec, plan)
    for candidate in candidates:
        sittings.take(candidate)
    kept = []
    for done in range(1, 7):
        lane = Acceptor(spec, {}, Nowhere(), None, quota=Quota(spec, {}, seed=0, size=1))  # type: ignore[arg-type]
        lane.queue.extend(candidates[done:])
        lane.left = candidates[done - 1]
        kept.append([sample.coordinate for sample in state_of(lane).before])
    assert kept == [[0], [0, 1], [0, 1, 2], [], [4], [4, 5]]
    resumed = Sittings(flow)
    (before,) = resumed.begin(spec, plan, [candidates[0].sample])
    other = replace(candidates[1], sitting=None)
    resumed.take(other)
    assert before.sitting is other.sitting is not None


def test_one_row_a_call_is_what_a_recipe_means_that_says_nothing(lab: Lab) -> None:
    plain = {"models": ["j1", "j2"], "controls": False}
    one = compile_recipe(tiny_recipe(judge=plain | {"rows_per_call": 1}))
    assert one.identity == compile_recipe(tiny_recipe(judge=plain)).identity
    assert "judge.rows_per_call" in compile_recipe(tiny_recipe(judge=TOGETHER)).identity
