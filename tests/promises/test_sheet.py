"""A slot sheet in a whole run: every row is of its own slot, nothing is asked twice, and a run reaches many behaviours."""

import json
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import sheet as benchmark
from synth.dataset.reader import Dataset
from synth.recipe import load
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions
from synth.run.result import OK, SHORT
from synth.types import Reply
from tests.conftest import Lab, tiny_recipe
from tests.support.playing import playing
from tests.support.standin import answers
from tests.support.world import World

QUERY = {"model": "writer", "elements": ["behaviour", "task", "persona"], "sheet": {}}
OFFLINE = {role: {"backend": "offline", "frames": 2, "model": role} for role in ("writer", "a", "b", "j1", "j2")}
SHEET: dict[str, Any] = {"query": QUERY, "models": OFFLINE}
LINE = re.compile(r"^(\d+)\. (行为：.+)$", re.MULTILINE)
PUT_IN = "（第{}号）"
"""Stands in every query: the slot that it was written for, as the scripted writer saw it."""


def scripted(body: dict[str, Any], reply: Reply, chance: random.Random) -> Reply:
    """A writer that fills ten, seven or one of ten slots, in any order, two of them the other way round."""
    slots = LINE.findall(str(body["messages"][-1]["content"]))
    if not slots:
        return reply
    kept = chance.sample(slots, chance.choice([10, 7, 7, 1]))
    if len(kept) > 1:
        kept[0], kept[-1] = kept[-1], kept[0]
    queries = [{"n": int(number), "query": f"{_told(line)}{PUT_IN.format(number)}怎么说才好"} for number, line in kept]
    return replace(reply, text=json.dumps({"queries": queries}, ensure_ascii=False), finish="stop")


def _told(line: str) -> str:
    parts = dict(part.split("：") for part in line.split("；"))
    return f"{parts['行为']}，{parts['任务形式']}，{parts['提问者']}"


def served(url: str) -> Recipe:
    models = {role: {"model": role, "base_url": url, "api_key_env": None} for role in ("writer", "a", "b", "j1", "j2")}
    return tiny_recipe(models=models, augment=None, concurrency=16, query=QUERY)


def test_every_row_is_of_its_own_slot_and_nothing_is_asked_twice(lab: Lab, here: Path) -> None:
    del lab
    with playing(writer=scripted) as server:
        compiled = compile_recipe(served(server.url))
        result = run(compiled, RunOptions(here / "run", 20))
        assert result.status in (OK, SHORT), result.message
        assert set(answers(server).values()) == {1}
        asked = server.arrived
        assert run(compiled, RunOptions(here / "run", 20)).splits == result.splits
        assert server.arrived == asked, "a finished run asks nothing"
    assert result.dropped["query.missing"] > 20
    rows = [row for split in ("train", "validation") for row in Dataset(here / "run").rows(split)]
    assert len(rows) >= 20
    for row in rows:
        drawn = {element["axis"]: element["value"] for element in row["elements"]}
        slot = int(row["provenance"]["draw"].rpartition(".")[2]) + 1
        assert (
            row["query"] == f"{drawn['behaviour']}，{drawn['task']}，{drawn['persona']}{PUT_IN.format(slot)}怎么说才好"
        )


@pytest.mark.parametrize("concurrency", [1, 32])
def test_a_sheets_rows_are_the_same_at_any_concurrency(lab: Lab, concurrency: int) -> None:
    lab.run(20, out="calm", concurrency=8, **SHEET)
    lab.run(20, out="other", concurrency=concurrency, faults=0.2, **SHEET)
    assert lab.bytes("calm") == lab.bytes("other")


class Sparing(World):
    """A writer that fills one slot of a sheet and leaves the rest."""

    def _queries(self, chance: random.Random, request: Any) -> str:
        queries = json.loads(super()._queries(chance, request))["queries"]
        return json.dumps({"queries": queries[:1]}, ensure_ascii=False)


def test_a_writer_that_leaves_most_slots_empty_stalls_the_lane_by_that_name(lab: Lab) -> None:
    lab.world = Sparing(refusing=0.0, babbling=0.0)
    result = lab.run(90, **SHEET)
    ends = Counter(cell["status"] for cell in result.cells)
    assert ends["stalled: query.missing"] > 0
    assert not [status for status in ends if status.startswith("exhausted")]
    (words,) = {re.sub(r"\d", "", cell["grounds"]["words"])[:40] for cell in result.cells if cell["grounds"]}
    assert "slots of writer calls with a text" in words


def test_the_demo_reaches_many_behaviours_one_root_each(here: Path) -> None:
    compiled = compile_recipe(load.load("demo", settings=["concurrency=64"]))
    result = run(compiled, RunOptions(here / "run", 60, only=("health",)))
    assert result.status == OK, result.message
    found = benchmark.reached(here / "run", compiled)
    assert (found.rows, found.roots) <= (3, 1)
    rows = [row for row in Dataset(here / "run").rows("train") if row["query_type"] == "harmful"]
    assert found.behaviours >= 0.6 * len({row["root_id"] for row in rows})
    assert found.behaviours > 12


def test_a_widened_lane_goes_over_its_new_elements_alone(lab: Lab) -> None:
    lab.world = World(pool=70, variants=0.0, refusing=0.0, babbling=0.0)
    lab.run(60, **SHEET)
    known = {spec.lane.id: spec.banks["behaviour"] for spec in compile_recipe(tiny_recipe()).specs}
    of_lane: dict[str, list[tuple[int, bool]]] = {}
    for row in lab.rows().values():
        lane = f"{row['subcategory']}/{row['query_type']}"
        (behaviour,) = (one["value"] for one in row["elements"] if one["axis"] == "behaviour")
        of_lane.setdefault(lane, []).append((benchmark.at(row, 10), behaviour not in known[lane]))
    widened = {lane: rows for lane, rows in of_lane.items() if any(new for _, new in rows)}
    assert widened
    for rows in widened.values():
        first = min(at for at, new in rows if new)
        assert all(new for at, new in rows if at >= first)
