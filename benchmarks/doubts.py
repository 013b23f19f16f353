"""How soon a run doubts models that are not fit, and whether it ever doubts those that are.

python benchmarks/doubts.py [ROWS [SEEDS]]      # 3,000 rows and 50 seeds unless given

Rows are made up as in a run, with habits as given, and looked at after every ten; the first doubt ends the looking.
"""

import sys
from collections import Counter
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.panels import Judge, Panel, looked_at

COIN, FIT = Judge(right=0.5), Judge()
CASES = {
    "fit: two judges 0.85, 5 % repeats, 10 % cut": Panel(),
    "fit: three judges 0.85": Panel((FIT, FIT, FIT)),
    "fit: two judges 0.80": Panel((Judge(0.8), Judge(0.8))),
    "fit: three judges 0.95, 0.90, 0.80": Panel((Judge(0.95), Judge(0.9), Judge(0.8))),
    "two coins": Panel((COIN, COIN)),
    "one coin of two": Panel((FIT, COIN)),
    "one coin of three": Panel((FIT, COIN, FIT)),
    "always safe, of three": Panel((FIT, Judge(right=0.6), FIT)),
    "placeholders 25 %": Panel((FIT, Judge(empty=0.25))),
    "placeholders 10 %": Panel((FIT, Judge(empty=0.1))),
    "against its analysis 40 %": Panel((FIT, Judge(against=0.4))),
    "no verdict 70 %": Panel((FIT, Judge(silent=0.7))),
    "writer repeats 90 % in a call": Panel(repeats=0.9),
    "answers cut 85 %": Panel(cut=0.85),
}


def main(rows: int, seeds: int) -> None:
    """One line for each case: how many seeds have a doubt, after how many rows, of which kind and whom."""
    print(f"{'case':<46}{'doubted':>10}{'median row':>12}{'latest':>8}  whom")
    for name, panel in CASES.items():
        found = [looked_at(panel, rows, seed) for seed in range(seeds)]
        first = [one.first for one in found if one.first is not None]
        whom = Counter(f"{one.found[0].kind} {one.found[0].role}" for one in found if one.found)
        when = f"{median(first):>12.0f}{max(first):>8}" if first else f"{'-':>12}{'-':>8}"
        told = ", ".join(f"{who} {count}" for who, count in whom.most_common(3))
        print(f"{name:<46}{len(first):>7}/{seeds:<2}{when}  {told}")


if __name__ == "__main__":
    main(
        *(int(given) for given in sys.argv[1:3])
        if len(sys.argv) > 2
        else (int(sys.argv[1]) if sys.argv[1:] else 3000, 50)
    )
