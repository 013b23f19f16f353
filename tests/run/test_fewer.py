"""A run that leaves fewer rows than its folder held says so."""

from synth.dataset.writer import rows_in
from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from tests.conftest import Lab, tiny_recipe


def test_a_run_that_leaves_fewer_rows_than_were_there_says_how_many(lab: Lab) -> None:
    compiled = compile_recipe(load.with_models(tiny_recipe(), backend="offline", model=None, base_url=None))
    folder, told, rows = lab.folder / "run", list[list[str]](), list[int]()
    for n in (14, 10):
        said = list[str]()
        execute.run(compiled, RunOptions(folder, n, ("one.s0",), say=said.append))
        told.append([line for line in said if "rows before this run" in line])
        rows.append(rows_in(folder))
    assert rows[1] < rows[0]
    assert told == [[], [f"{folder / 'dataset'} held {rows[0]} rows before this run, and holds {rows[1]} now"]]
