"""The coverage table: what was asked and what was got, counted again from the dataset."""

from collections import Counter
from itertools import combinations

from synth.cli import show
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe


def test_the_table_agrees_with_the_dataset(lab: Lab) -> None:
    result = lab.run(60)
    banks = {axis: set(bank) for spec in compile_recipe(tiny_recipe()).specs for axis, bank in spec.banks.items()}
    rows = [{e["axis"]: e["value"] for e in row["elements"]} for row in lab.rows(split="train").values()]
    times = Counter(item for row in rows for item in row.items())
    axes = {entry["axis"]: entry for entry in result.coverage["axes"]}
    assert axes.keys() == banks.keys()
    for axis, values in banks.items():
        got = [times[axis, value] for value in values]
        assert (axes[axis]["values"], axes[axis]["got"]) == (len(values), (min(got), max(got)))
    pairs = {tuple(entry["axes"]): entry for entry in result.coverage["pairs"]}
    assert pairs.keys() == set(combinations(sorted(banks), 2))
    for (one, other), entry in pairs.items():
        assert entry["got"] == len({(row[one], row[other]) for row in rows if one in row})
        assert entry["got"] <= entry["asked"] <= entry["possible"] == len(banks[one]) * len(banks[other])
    least, most = axes["behaviour"]["asked"]
    assert most - least <= 10  # ten lanes, in each of which they differ by one at most


def test_every_call_is_counted_once_however_often_the_run_was_continued(lab: Lab) -> None:
    for n in (20, 40, 60):
        result = lab.run(n)
    calls = sum(entry["calls"] for entry in result.spent if entry["stage"] == "query")
    task = compile_recipe(tiny_recipe()).specs[0].banks["task"]
    (entry,) = [entry for entry in result.coverage["axes"] if entry["axis"] == "task"]
    assert calls / len(task) - 1 <= entry["asked"][1]
    (pair,) = [entry for entry in result.coverage["pairs"] if entry["axes"] == ("persona", "task")]
    assert 0.9 * calls <= pair["asked"] <= calls  # of thousands of pairs hardly one is drawn twice


def test_the_table_can_be_shown(lab: Lab) -> None:
    lab.run(30)
    lines = "\n".join(show.covered(lab.folder / "run")).splitlines()
    assert any(line.startswith("behaviour x persona") for line in lines)


def test_with_a_slot_sheet_coordinates_are_counted(lab: Lab) -> None:
    query = {"model": "writer", "elements": ["behaviour", "task", "persona"], "sheet": {}}
    offline = {"backend": "offline", "frames": 2}
    result = lab.run(
        30, query=query, models={role: {**offline, "model": role} for role in ("writer", "a", "b", "j1", "j2")}
    )
    entry = next(entry for entry in result.coverage["axes"] if entry["axis"] == "task")
    calls = sum(entry["calls"] for entry in result.spent if entry["stage"] == "query")
    assert 8 * calls / entry["values"] - 10 <= entry["asked"][1] <= 10 * calls / entry["values"] + 10
    (pair,) = [entry for entry in result.coverage["pairs"] if entry["axes"] == ("persona", "task")]
    assert pair["asked"] > 5 * calls
    assert {entry["axis"] for entry in result.coverage["axes"]} == {"behaviour", "task", "persona"}
