"""How many behaviours the harmful rows of a run come from, and what that costs: the slot sheet beside one tuple of elements a call.

    python benchmarks/sheet.py [N [SEED]]      # accepted rows a scenario, 200 unless given; seed 1

`demo` is run offline as it is, and once more as recipes without `query.sheet` are asked. For each: the behaviours in harmful rows,
the most rows and roots that one behaviour has in a cell before all of its lane's had come up, and calls for each accepted row.
"""

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.dataset.reader import Dataset
from synth.recipe import load
from synth.run import execute
from synth.run.compile import CompiledRecipe, compile_recipe

BEFORE: dict[str, Any] = {"sheet": None, "prompts": {"harmful": "query/harmful", "ordinary": "query/ordinary"}}
BEFORE["prompts"]["benign"] = {"query/benign": 1, "query/lookalike": 1}


@dataclass(frozen=True)
class Reached:
    behaviours: int
    of: int
    rows: int
    """The most rows of one behaviour in a cell before all of the lane's had come up."""
    roots: int
    """The most root queries of one behaviour in a cell before all of the lane's had come up."""
    writer: float
    """Writer calls for each accepted row."""
    calls: float
    """All calls for each accepted row."""


def reached(folder: Path, compiled: CompiledRecipe) -> Reached:
    """What a run in a folder reached, read from its dataset and run.json."""
    dataset, size = Dataset(folder), 1 if compiled.recipe.query.sheet else compiled.flow.source.size
    banks = {spec.lane.id: spec.banks["behaviour"] for spec in compiled.specs}
    seen, early, accepted = set(), defaultdict(list), 0
    for row in (row for split in ("train", "validation") for row in dataset.rows(split)):
        accepted += 1
        lane, coordinate = f"{row['subcategory']}/{row['query_type']}", at(row, compiled.flow.source.size)
        behaviour = next((one["value"] for one in row["elements"] if one["axis"] == "behaviour"), None)
        if behaviour is not None and coordinate // size < len(banks[lane]):
            early[lane, row["label"], behaviour].append(row["root_id"])
        if behaviour is not None and row["query_type"] == "harmful":
            seen.add((row["subcategory"], behaviour))
    spent = dataset.facts()["spent"]
    return Reached(
        len(seen),
        sum(len(bank) for lane, bank in banks.items() if lane.endswith("/harmful")),
        max(map(len, early.values())),
        max(len(set(roots)) for roots in early.values()),
        sum(line["calls"] for line in spent if line["stage"] == "query") / accepted,
        sum(line["calls"] for line in spent) / accepted,
    )


def at(row: dict[str, Any], size: int) -> int:
    """The coordinate of a row's root, by its provenance."""
    call, _, item = row["provenance"]["draw"].partition("+")[0].rpartition("#")[2].partition(".")
    return int(call) * size + int(item)


def measured(n: int, seed: int, **changes: Any) -> Reached:
    """What a run of `demo` reaches, with these keys changed."""
    recipe = load.load("demo", settings=[f"seed={seed}"])
    data = {key: getattr(recipe, key).model_dump() | value for key, value in changes.items()}
    compiled = compile_recipe(load.load("demo", settings=[f"seed={seed}"], overrides=data))
    with tempfile.TemporaryDirectory() as folder:
        result = execute.run(compiled, execute.RunOptions(Path(folder), n))
        assert result.status == 0, result.message
        return reached(Path(folder), compiled)


def main() -> None:
    n, seed = (int(given) if given else usual for given, usual in zip([*sys.argv[1:], "", ""], (200, 1), strict=False))
    print(f"{'':<28}{'behaviours':>14}{'rows':>6}{'roots':>7}{'writer calls/row':>18}{'calls/row':>11}")
    for name, changes in (("one tuple a call", {"query": BEFORE, "accept": {"family": None}}), ("slot sheet", {})):
        found = measured(n, seed, **changes)
        print(
            f"{name:<28}{f'{found.behaviours} of {found.of}':>14}{found.rows:>6}{found.roots:>7}"
            f"{found.writer:>18.3f}{found.calls:>11.3f}"
        )


if __name__ == "__main__":
    main()
