"""Peak memory of a whole offline run against N: beyond what starting costs, so many KiB an accepted row.

python benchmarks/memory.py [N]...      # 250 1000 4000 16000 unless given
"""

import json
import subprocess
import sys
import tempfile

SCRIPT = """
import json, resource, sys
from pathlib import Path
from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions

result = run(compile_recipe(load("demo")), RunOptions(Path(sys.argv[2]), int(sys.argv[1])))
print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, result.counts, result.calls]))
"""


def main(sizes: list[int]) -> None:
    print(f"{'N':>8}{'replies':>12}{'queries':>12}{'accepted':>12}{'peak':>12}{'a query more':>16}")
    before = None
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, str(n), folder], capture_output=True, text=True, check=True
            )
        peak, counts, calls = json.loads(done.stdout)
        grown = f"{(peak - before[0]) / (counts['born'] - before[1]):.2f} KiB" if before else ""
        print(
            f"{n:>8,}{calls:>12,}{counts['born']:>12,}{counts['accepted']:>12,}{peak / 1024:>8,.0f} MiB{grown:>16}",
            flush=True,
        )
        before = peak, counts["born"]


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [250, 1_000, 4_000, 16_000])
