"""Memory does not grow with N, but for the near-duplicate index and the tallies."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, resource, sys
from pathlib import Path
from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions

result = run(compile_recipe(load("demo")), RunOptions(Path(sys.argv[2]), int(sys.argv[1])))
print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, result.counts["accepted"]]))
"""


def peak(folder: Path, n: int) -> tuple[int, int]:
    """Peak memory in KiB of a run of N, and its accepted rows."""
    command = [sys.executable, "-c", SCRIPT, str(n), str(folder / f"n{n}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    memory, accepted = json.loads(done.stdout)
    return memory, accepted


def test_the_peak_grows_by_at_most_4_kib_an_accepted_row(tmp_path: Path) -> None:
    small, few = peak(tmp_path, 200)
    large, many = peak(tmp_path, 700)
    assert 2 * many == 7 * few == 11_200
    assert large - small <= 4 * (many - few)
