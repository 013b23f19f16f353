"""The promises of the fold, on virtual time: order is identity, nothing is lost, nothing is paid for twice, N is exact."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.dedup.normalise import jaccard, shingles
from synth.fold.acceptor import Acceptor, Candidate
from synth.fold.gate import Gate
from synth.fold.prefetch import Prefetch
from synth.plan.tally import Tally
from synth.run.compile import compile_recipe
from synth.run.result import INTERRUPTED, OK, SHORT
from synth.types import Request, Round
from tests.conftest import Lab, tiny_recipe, tiny_taxonomy
from tests.support.virtual import DeadlockError, fixed, heavy_tailed
from tests.support.world import World, sentence

DUPLICATING = World(pool=150)
"""At 60 rows a scenario more than a fifth of the queries are near-copies of earlier ones, of other lanes for the most part."""
LAWS = [(fixed(1.0), 0.0), (heavy_tailed(1.0), 0.1), (lambda chance: chance.choice([0.01, 5.0]), 0.1)]


def lost(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Ids of rows that were there before and are not, or not the same, afterwards."""
    return {id for id, row in before.items() if after.get(id) != row}


def hashes(lab: Lab, seed: int = 0) -> set[str]:
    """The datasets that come out under every concurrency and weather."""
    found = set()
    for concurrency in (1, 8, 64, 512):
        for weather, (latency, faults) in enumerate(LAWS):
            out = f"s{seed}c{concurrency}w{weather}"
            lab.run(60, out=out, seed=seed, concurrency=concurrency, latency=latency, faults=faults, weather=weather)
            found.add(lab.bytes(out))
    return found


def test_one_dataset_whatever_the_concurrency_and_the_weather(lab: Lab) -> None:
    lab.world = DUPLICATING
    result = lab.run(60)
    born = result.counts["born"]
    assert result.dropped["dedup.near_duplicate"] > 0.2 * born
    assert hashes(lab) == {lab.bytes()}


ASSUMING = {"assumed_yield": 0.9}
"""Lanes that plan a pilot, then what their yields say is wanting."""


def test_with_a_yield_assumed_neither_concurrency_nor_an_interrupt_changes_a_byte(lab: Lab) -> None:
    lab.world = World(pool=100)
    lab.run(20, concurrency=1, **ASSUMING)
    lab.run(20, out="torn", concurrency=64, latency=heavy_tailed(1.0), interrupt=9.0, **ASSUMING)
    result = lab.run(20, out="torn", concurrency=64, latency=heavy_tailed(1.0), faults=0.1, **ASSUMING)
    assert len(result.rounds) > 1
    assert lab.bytes("torn") == lab.bytes()


def test_with_a_yield_assumed_a_larger_n_keeps_every_row(lab: Lab) -> None:
    lab.run(15, **ASSUMING)
    rows = lab.rows()
    lab.run(25, **ASSUMING)
    assert not lost(rows, lab.rows())


def test_a_page_is_read_once_by_each_round_that_shares_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    read, page = list[tuple[str, int, int]](), Prefetch._page

    def noted(self: Prefetch, lane: Acceptor, plan: Round, call: int) -> Any:
        read.append((lane.id, plan.first, call))
        return page(self, lane, plan, call)

    monkeypatch.setattr(Prefetch, "_page", noted)
    lab.world = World(pool=100)
    lab.run(6, concurrency=64, latency=fixed(1.0), **ASSUMING)
    assert read
    assert sorted(read) == sorted(set(read))


def commit_on_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """An acceptor that takes whichever of its queries is answered first."""
    next_in_order = Acceptor._next

    async def first_answered(self: Acceptor) -> Candidate | Tally | None:
        entry = await next_in_order(self)
        if isinstance(entry, Candidate):
            waiting = [other for other in self.queue if isinstance(other, Candidate) and other.tally is entry.tally]
            done = next((other for other in waiting if other.work and other.work.done()), entry)
            self.queue.remove(done)
            self.queue.appendleft(done)
            return done
        return entry

    monkeypatch.setattr(Acceptor, "_next", first_answered)


def full_lane_withholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane that is full keeps the rest of its planned queries out of the index."""
    admit = Gate._admit

    async def admit_if_wanted(self: Gate, lane: Acceptor, tally: Tally, sample: Any, stage: str) -> bool:
        return bool(lane.lacks()) and await admit(self, lane, tally, sample, stage)

    monkeypatch.setattr(Gate, "_admit", admit_if_wanted)


@pytest.mark.parametrize("mutant", [commit_on_arrival, full_lane_withholds])
def test_the_equality_above_can_fail(lab: Lab, monkeypatch: pytest.MonkeyPatch, mutant: Any) -> None:
    lab.world = DUPLICATING
    mutant(monkeypatch)
    assert any(len(hashes(lab, seed)) > 1 for seed in range(4))


def test_a_window_held_until_acceptance_would_be_seen_to_hang(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    permits, page, close = asyncio.Semaphore(2), Prefetch.page, Acceptor._close

    async def page_with_permit(self: Prefetch, *arguments: Any) -> Any:
        await permits.acquire()
        return await page(self, *arguments)

    def close_and_release(self: Acceptor, tally: Tally) -> None:
        close(self, tally)
        permits.release()

    monkeypatch.setattr(Prefetch, "page", page_with_permit)
    monkeypatch.setattr(Acceptor, "_close", close_and_release)
    with pytest.raises(DeadlockError):
        lab.run(300)


@pytest.mark.parametrize("concurrency", [1, 2, 5, 40])
def test_no_window_hangs(lab: Lab, concurrency: int) -> None:
    lab.world = DUPLICATING
    assert lab.run(60, concurrency=concurrency, latency=heavy_tailed(1.0), faults=0.2).status in (OK, SHORT)


def test_exactly_n_accepted_rows_in_every_scenario_and_cell(lab: Lab) -> None:
    lab.run(37)
    rows = lab.rows(split="train").values()
    assert Counter(row["scenario"] for row in rows) == {"one": 37, "two": 37}
    result = lab.run(37)
    wanted = {(cell["subcategory"], cell["query_type"], cell["label"]): cell["target"] for cell in result.cells}
    assert Counter((row["subcategory"], row["query_type"], row["label"]) for row in rows) == wanted


def test_distinct_queries_of_one_type_are_under_the_threshold(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run()
    families: dict[tuple[str, str], str] = {}
    for row in lab.rows().values():
        families[row["query_type"], row["query"]] = row["parent_id"] or row["query_id"]
    queries = [(kind, shingles(query, 2), family) for (kind, query), family in families.items()]
    for i, (kind, grams, family) in enumerate(queries):
        for other_kind, other_grams, other_family in queries[:i]:
            assert kind != other_kind or family == other_family or jaccard(grams, other_grams) < 0.7


def test_a_query_gives_at_most_one_row_a_label(lab: Lab) -> None:
    lab.run(60)
    rows = lab.rows(split="train").values()
    assert max(Counter((row["query_id"], row["label"]) for row in rows).values()) == 1


class Monotonous(World):
    """Answers every query with the same words, on which judges often differ."""

    def _answer(self, chance: random.Random, request: Request) -> str:
        return "好的，照你说的办：【略】。"


def test_one_answer_to_one_query_is_one_row_in_the_hard_pile_too(lab: Lab) -> None:
    lab.world = Monotonous(differing=0.4)
    result = lab.run(30)
    rows = list(lab.rows().values())
    assert len({(row["query"], row["response"]) for row in rows}) == len(rows)
    assert result.dropped["accept.same_answer"] > 0


class Careless(World):
    """Answers every query with the same words, and leaves detail out of them at another place each time."""

    def _answer(self, chance: random.Random, request: Request) -> str:
        at = chance.randrange(4)
        return f"{'好的，照你说的办'[:at]}【略】{'好的，照你说的办'[at:]}。"


@pytest.mark.parametrize("unmarked", [False, True])
def test_answers_that_differ_in_the_mark_alone_are_one_if_the_recipe_says_so(lab: Lab, unmarked: bool) -> None:
    lab.world = Careless(differing=0.4)
    lab.run(30, dedup={"unmarked": unmarked}, output={"mark": "keep"})
    rows = list(lab.rows().values())
    said = {(row["query"], row["response"].replace("【略】", "")) for row in rows}
    assert (len(said) == len(rows)) == unmarked


class Parrot(World):
    """Gives an augmentation that changes no more than a full stop."""

    def _query(self, chance: random.Random, request: Request) -> str:
        root = request.messages[1].content.rpartition("原问题：")[2].strip()
        return json.dumps({"query": f"{root}。"}, ensure_ascii=False)


def test_an_augmentation_that_changes_nothing_is_dropped(lab: Lab) -> None:
    lab.world = Parrot(babbling=0.0)
    result = lab.run(30)
    assert result.dropped["augment.unchanged"] > 0
    assert {row["attack"] for row in lab.rows().values()} == {None}


def test_a_second_run_asks_nothing_and_writes_the_same(lab: Lab) -> None:
    lab.run()
    before = lab.bytes()
    assert lab.run().calls == 0
    assert lab.bytes() == before


def test_a_smaller_n_is_a_subset_and_asks_nothing(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(60)
    larger = lab.rows()
    result = lab.run(30)
    assert result.calls == 0
    assert result.status == OK
    assert not lost(lab.rows(), larger)


def test_a_larger_n_keeps_every_row_that_was_there(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(30)
    smaller = lab.rows()
    assert lab.run(60).status in (OK, SHORT)
    assert not lost(smaller, lab.rows())


def test_back_and_forth_between_sizes_changes_nothing(lab: Lab) -> None:
    lab.run(30)
    small = lab.bytes()
    lab.run(45)
    large = lab.bytes()
    assert (lab.run(30).calls, lab.bytes()) == (0, small)
    assert (lab.run(45).calls, lab.bytes()) == (0, large)


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_interrupted_as_often_as_you_like_the_bytes_are_the_same(lab: Lab, concurrency: int) -> None:
    lab.world = DUPLICATING
    lab.run(out="calm", concurrency=concurrency)
    calm, final = lab.bytes("calm"), lab.rows("calm")
    answered: Counter[str] = Counter()
    for stop in range(40):
        result = lab.run(concurrency=concurrency, interrupt=3.0 + stop % 5, latency=heavy_tailed(1.0), weather=stop)
        assert lab.server is not None
        answered.update(lab.server.answered)
        assert not lost(lab.rows(), final)
        if result.status != INTERRUPTED:
            break
    else:
        assert lab.run(concurrency=concurrency).status == OK
    assert lab.bytes() == calm
    assert max(answered.values()) == 1  # the first interrupt lands what is in flight: nothing is paid for twice


def test_a_pause_writes_what_the_journal_holds_and_says_so(lab: Lab) -> None:
    result = lab.run(60, interrupt=12.0)
    assert (result.status, result.stopped) == (INTERRUPTED, "stopped: interrupted")
    assert 0 < len(lab.rows()) < 120
    assert "stopped: interrupted" in (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")


def test_a_pause_never_leaves_fewer_rows_than_there_were(lab: Lab) -> None:
    lab.run(60)
    before = lab.bytes()
    edited = compile_recipe(tiny_recipe(seed=9))
    result = lab.run(60, compiled=edited, interrupt=4.0)
    assert result.status == INTERRUPTED
    assert lab.bytes() == before
    assert "keeps" in result.notes[0]


def test_planned_but_never_answered_calls_are_let_go_when_less_is_wanted(lab: Lab) -> None:
    lab.run(3000, interrupt=2.0)
    lab.run(30, out="fresh")
    assert lab.server is not None
    fresh = len(lab.server.answered)
    assert lab.run(30).status == OK
    assert len(lab.server.answered) <= 1.3 * fresh


@pytest.mark.parametrize("restore", [True, False])
def test_only_leaves_the_other_lanes_as_they_are(lab: Lab, restore: bool) -> None:
    lab.world = DUPLICATING
    lab.run(30)
    before = lab.rows()
    lab.run(50, only=("one.s0",))
    after = lab.rows()
    assert not lost(before, after)
    assert {row["subcategory"] for id, row in after.items() if id not in before} <= {"one.s0"}
    assert Counter(row["subcategory"] for row in after.values() if row["label"])["one.s0"] == 50
    if restore:
        result = lab.run(30)
        assert not lost(lab.rows(), after)
        assert result.status == OK


def test_only_asks_nothing_for_the_other_lanes_though_they_are_not_done(lab: Lab) -> None:
    lab.run(60, interrupt=12.0)
    before = lab.rows()
    result = lab.run(60, only=("one.s0",))
    assert {row["subcategory"] for id, row in lab.rows().items() if id not in before} <= {"one.s0"}
    assert {cell["status"] for cell in result.cells if cell["subcategory"] == "one.s0"} == {"met"}
    assert "open" in {cell["status"] for cell in result.cells}
    assert lab.run(60).status == OK


def test_a_new_scenario_keeps_every_row_that_was_there(lab: Lab) -> None:
    lab.world = DUPLICATING
    lab.run(30)
    before = lab.rows()
    taxonomy = lab.folder / "taxonomies" / "tiny.yaml"
    taxonomy.write_text(tiny_taxonomy(one=3, two=4).replace("id: two.s3", "id: two.added"), encoding="utf-8")
    lab.run(60)
    assert not lost(before, lab.rows())


def test_taxonomies_in_another_order_change_nothing(lab: Lab) -> None:
    lab.run(30)
    before = lab.rows()
    text = (lab.folder / "taxonomies" / "tiny.yaml").read_text(encoding="utf-8")
    head, one, two = (
        text.partition("  - {id: one")[0],
        "  - {id: one" + text.split("  - {id: one")[1].split("  - {id: two")[0],
        "  - {id: two" + text.split("  - {id: two")[1],
    )
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(head + two + one, encoding="utf-8")
    assert lab.run(30).calls == 0
    assert lab.rows() == before


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_filter_that_drops_a_few_rows_costs_what_the_shortfall_needs(lab: Lab, concurrency: int) -> None:
    kept = {"mark": "keep"}  # so that lengths are those of the answers that the filter sees
    lab.run(300, concurrency=concurrency, output=kept)
    assert lab.server is not None
    paid, rows = len(lab.server.answered), lab.rows(split="train")
    limit = sorted(len(row["response"]) for row in rows.values())[int(0.98 * len(rows))]
    short = sum(len(row["response"]) > limit for row in rows.values())
    assert 0 < short <= 0.03 * len(rows)
    filters = {"response": [{"length": {"min": 1, "max": limit}}]}
    result = lab.run(300, concurrency=concurrency, filters=filters, output=kept)
    print(short, len(rows), paid, paid / len(rows), len(lab.server.answered))
    assert result.status == OK
    assert len(lab.rows(split="train")) == len(rows)
    assert len(lab.server.answered) <= 2 * short * paid / len(rows)


def test_an_edited_judge_prompt_asks_only_judges_and_what_falls_short(lab: Lab) -> None:
    lab.run(60)
    assert lab.server is not None
    (lab.folder / "prompts" / "judge").mkdir(parents=True)
    source = compile_recipe(tiny_recipe()).flow.prompts("judge")[0].path
    text = Path(source).read_text(encoding="utf-8").replace("中文内容安全评审员", "严格的中文内容安全评审员")
    (lab.folder / "prompts" / "judge" / "verdict.j2").write_text(text, encoding="utf-8")
    before = len(lab.rows(split="train"))
    result = lab.run(60)
    by_stage = Counter(entry["stage"] for entry in result.spent for _ in range(entry["calls"]))
    fresh = lab.run(60, out="fresh")
    first = Counter(entry["stage"] for entry in fresh.spent for _ in range(entry["calls"]))
    assert len(lab.rows(split="train")) == before
    assert by_stage["query"] <= 1.2 * first["query"]
    assert by_stage["respond"] <= 1.3 * first["respond"]


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_writer_that_repeats_itself_ends_in_exhausted_novelty(lab: Lab, concurrency: int) -> None:
    lab.world = World(pool=15, variants=0.0)
    result = lab.run(200, concurrency=concurrency)
    statuses = {cell["status"] for cell in result.cells}
    assert result.status == SHORT
    assert statuses <= {"met", "exhausted: novelty"}
    assert result.calls < 3000


class Shallow(World):
    """A writer that knows few sentences on any behaviour: the same whatever else is drawn. Warmer, it knows a few more."""

    def __init__(self, **habits: float) -> None:
        super().__init__(**habits)  # type: ignore[arg-type]
        self.expanded: set[str] = set()
        self.temperatures: Counter[float] = Counter()

    def _items(self, chance: random.Random, request: Request) -> str:
        self.expanded.add(request.messages[1].content)
        return super()._items(chance, request)

    def _queries(self, chance: random.Random, request: Request) -> str:
        warm = request.params["temperature"]
        self.temperatures[warm] += 1
        told = request.messages[1].content
        behaviour = next(line for line in told.splitlines() if "做" in line)
        known = random.Random(behaviour)
        sentences = [sentence(known.randrange(10**9)) for _ in range(3 if warm <= 1 else 5)]
        return json.dumps({"queries": [chance.choice(sentences) for _ in range(10)]}, ensure_ascii=False)


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_lane_that_runs_dry_is_widened_before_it_is_given_up(lab: Lab, concurrency: int) -> None:
    lab.world = Shallow(refusing=0.0)
    result = lab.run(50, only=("one.s0",), concurrency=concurrency)
    rows = lab.rows(split="train").values()
    base = {f"做{mark}事" for mark in "甲乙丙丁戊"}
    assert {cell["status"] for cell in result.cells} == {"met"}
    assert lab.world.expanded
    assert {element["value"] for row in rows for element in row["elements"] if element["axis"] == "behaviour"} > base
    assert lab.run(50, only=("one.s0",)).calls == 0
    lab.run(50, out="again", only=("one.s0",), concurrency=7)
    assert lab.bytes() == lab.bytes("again")


def test_widening_goes_on_to_warmth_and_operators_and_then_ends(lab: Lab) -> None:
    lab.world = Shallow(refusing=0.0)
    result = lab.run(2000, only=("one.s0",), seed=1)
    statuses = {cell["status"] for cell in result.cells}
    assert "exhausted: novelty" in statuses
    assert set(lab.world.temperatures) == {1.0, 1.3}
    assert result.calls < 9000
    grown = Counter(row["attack"] for row in lab.rows(split="train").values())
    assert grown["rewrite"] > 0.2 * grown[None]


def test_a_writer_that_refuses_ends_in_blocked_refusals(lab: Lab) -> None:
    lab.world = World(refusing=0.97)
    result = lab.run(200)
    assert result.status == SHORT
    assert "blocked: refusals" in {cell["status"] for cell in result.cells}
    assert result.calls < 1500


class Meek(World):
    """Goes along only where it is told to; asked plainly, it always refuses."""

    asked = 0

    def _answer(self, chance: random.Random, request: Request) -> str:
        if request.messages[0].role == "system":
            return super()._answer(chance, request)
        self.asked += 1
        return f"抱歉，我不能提供帮助。{chance.random()}"


def test_a_label_that_comes_up_short_moves_the_stance_mix(lab: Lab) -> None:
    lab.world = Meek(complying=1.0, differing=0.0)
    cells = tiny_recipe().model_dump(mode="json")["cells"]
    cells["harmful/unsafe"]["stances"] = {"natural": 9, "comply": 1}
    result = lab.run(60, cells=cells)
    assert result.status == OK
    assert {row["stance"] for row in lab.rows(split="train").values() if row["label"] == "unsafe"} == {"comply"}
    assert lab.world.asked < 200, "nine plain answers for one that is told to comply would be 400"


def test_a_label_nobody_gives_ends_in_blocked_refusals_and_the_other_cells_are_met(lab: Lab) -> None:
    lab.world = World(complying=0.0, differing=0.0)
    result = lab.run(60)
    statuses = {(cell["query_type"], cell["label"]): cell["status"] for cell in result.cells}
    assert statuses == {
        ("harmful", "unsafe"): "blocked: refusals",
        ("harmful", "safe"): "met",
        ("benign", "safe"): "met",
    }
    assert result.calls < 6000


def test_a_filter_that_drops_everything_ends_in_stalled_with_its_name(lab: Lab) -> None:
    result = lab.run(60, filters={"response": [{"length": {"min": 900, "max": 1000}}]})
    assert {cell["status"] for cell in result.cells} == {"stalled: respond.length.short"}
    assert result.calls < 3000


def test_a_query_filter_that_drops_everything_ends_in_stalled_with_its_name(lab: Lab) -> None:
    result = lab.run(60, filters={"query": [{"length": {"min": 900, "max": 1000}}]})
    assert {cell["status"] for cell in result.cells} == {"stalled: query.length.short"}
    assert result.calls < 3000


def test_looking_ahead_costs_little_more_than_not(lab: Lab) -> None:
    calls = {}
    for concurrency in (1, 64):
        lab.run(300, out=f"c{concurrency}", concurrency=concurrency)
        assert lab.server is not None
        calls[concurrency] = len(lab.server.answered)
    assert calls[64] <= 1.25 * calls[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pool=st.sampled_from([20, 150, 100_000]),
    refusing=st.sampled_from([0.0, 0.1, 0.5]),
    babbling=st.sampled_from([0.0, 0.2]),
    complying=st.sampled_from([0.1, 0.9]),
    differing=st.sampled_from([0.0, 0.3]),
    n=st.integers(15, 60),
    interrupt=st.sampled_from([None, 5.0, 15.0]),
)
def test_nothing_vanishes(lab: Lab, n: int, interrupt: float | None, **habits: float) -> None:
    lab.world = World(**habits)  # type: ignore[arg-type]
    out = f"{n}{interrupt}{sorted(habits.items())}"
    result = lab.run(n, out=out, interrupt=interrupt)
    counts = result.counts
    assert counts["born"] == counts["accepted"] + counts["surplus"] + counts["hard"] + counts["dropped"]
    assert counts["accepted"] == result.splits["train"] + result.splits["validation"]
    assert counts["hard"] == result.splits["hard"]
    assert counts["dropped"] == sum(result.dropped.values())
    lines = sum(
        len(path.read_text(encoding="utf-8").splitlines()) for path in (lab.folder / out / "drops").glob("*.jsonl")
    )
    assert lines == counts["dropped"]
    assert all(cell["accepted"] <= cell["target"] for cell in result.cells)
