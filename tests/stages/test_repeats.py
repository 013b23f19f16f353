"""Rows of a file that stand in it before: found by what they say, in a few bytes a row."""

import gc
import json
import tracemalloc

from synth.run.compile import compile_recipe
from synth.stages.repeats import Repeats
from tests.conftest import Lab, tiny_recipe


def test_of_equal_rows_all_but_the_first_stand_there_before() -> None:
    rows = Repeats()
    for offset, parts in enumerate([("a", "b"), ("c", "d"), ("a", "b"), ("a", "c"), ("a", "b"), ("c", "d")]):
        rows.add(10 * offset, *parts)
    assert rows.found() == {20, 40, 50}
    assert Repeats().found() == frozenset()


def test_a_file_of_pairs_is_read_at_a_few_bytes_a_row(lab: Lab) -> None:
    count = 10_000
    with (lab.folder / "mine.jsonl").open("w", encoding="utf-8") as lines:
        for at in range(count):
            row = {"query": f"第{at}问", "response": "好。", "subcategory": "one.s0"}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    recipe = tiny_recipe(query=None, n=None, augment=None, respond=None, pairs="mine.jsonl")
    compile_recipe(recipe)  # what is loaded once is loaded
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    compile_recipe(recipe)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 80 * count
