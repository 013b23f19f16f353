"""Makes the table by which the class of an answer is told (`synth/filters/language/response_class.bin`) from labelled answers.

    python benchmarks/response_class_table.py SET.jsonl[=WEIGHT] ...

A line of a set: `query` (or null), `response`, `class`. A set's weight is that of one of its answers (1); those of a set of less than
one in five are counted as bulk: their runs of characters make no vocabulary. Each answer counts with its query and once more without
it. A logistic regression is fitted by scikit-learn, the runs that weigh least are left out, it is fitted again, and what is left is
rounded to whole numbers. How well it tells answers that it was not fitted on, `benchmarks/response_classes.py` says; sets that are kept
for that (`answers_kept*.jsonl`) are turned away.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synth.filters.language import class_table
from synth.filters.language.response_class import run_keys, sign_keys, zones
from synth.filters.language.speech_acts import acts

BULK = 0.2
LEAST, RUNS = 3, 45_000
"""Answers that a run must be in to be looked at, and how many runs are kept."""
SIGN = 0.06
"""What a sign counts beside the runs of an answer, of which all together count one."""
UNIT, GENTLE = 1024, 10.0
RULES, AHEAD = 1.5, 1.5
"""What the class that rules tell counts, and by how much a class must be ahead without it to be sure, in logarithms of odds."""
LESS = 0.4
"""What compliance has less beforehand than among the answers it is fitted on: it is no default."""


class Answer(NamedTuple):
    """A labelled answer as it is weighed: keys of its runs and signs, its class, what it counts and whether it is one of a bulk."""

    runs: tuple[int, ...]
    signs: tuple[int, ...]
    name: str
    weight: float
    bulk: bool


def read(argument: str) -> tuple[list[Answer], dict[str, Any]]:
    """The answers of a set, and what is said of it in the table's head."""
    path, _, weight = argument.partition("=")
    if "_kept" in Path(path).stem:
        sys.exit(f"{path}: kept to measure with, and never fitted on: leave it out")
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    counts = float(weight or 1)
    made = [one for row in rows for one in _twice(row, counts)]
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    return made, {
        "set": Path(path).stem,
        "sha256": digest,
        "weight": counts,
        "answers": dict(Counter(row["class"] for row in rows)),
    }


def _twice(row: dict[str, Any], weight: float) -> list[Answer]:
    found = acts(row["response"])
    if not found:
        return []
    asked = [row["query"], None] if row.get("query") and weight > BULK else [row.get("query")]
    return [
        Answer(
            tuple(sorted(set(run_keys(zones(row["response"], query)).tolist()))),
            tuple(sorted(set(sign_keys(row["response"], found, query)))),
            row["class"],
            weight,
            weight < BULK,
        )
        for query in asked
    ]


def matrix(answers: Sequence[Answer], at: dict[int, int]) -> Any:
    """Answers as rows of numbers, by the columns of keys."""
    from scipy.sparse import csr_matrix

    ends, columns, values = [0], [], []
    for answer in answers:
        runs, signs = ([at[key] for key in keys if key in at] for keys in (answer.runs, answer.signs))
        columns += runs + signs
        values += [1 / max(1, len(runs)) ** 0.5] * len(runs) + [SIGN] * len(signs)
        ends.append(len(columns))
    return csr_matrix((values, columns, ends), shape=(len(answers), len(at)))


def fitted(answers: Sequence[Answer], at: dict[int, int], near: float) -> tuple[Any, Any]:
    """What each key weighs by class, and what a class has beforehand; `near` is how far from the best fit it may stop."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=GENTLE, max_iter=400, tol=near)
    model.fit(matrix(answers, at), [one.name for one in answers], sample_weight=[one.weight for one in answers])
    order = [list(model.classes_).index(name) for name in class_table.CLASSES]
    weights, start = model.coef_[order], model.intercept_[order]
    return (weights - weights.mean(0)).T, start - start.mean()


def columns(answers: Sequence[Answer]) -> dict[int, int]:
    """The columns of runs that several answers have, then those of signs; of a bulk the signs alone count."""
    runs = Counter(key for one in answers if not one.bulk for key in one.runs)
    signs = Counter(key for one in answers for key in one.signs)
    kept = [key for key, count in runs.items() if count >= 2 * LEAST] + [
        key for key, count in signs.items() if count >= LEAST
    ]
    return {key: place for place, key in enumerate(sorted(kept))}


def main(arguments: Sequence[str]) -> None:
    sets = [read(one) for one in arguments]
    answers = [answer for made, _ in sets for answer in made]
    at = columns(answers)
    weights, _ = fitted(answers, at, 1e-3)
    heavy = sorted((key for key in at if key < 1 << 32), key=lambda key: (-float(np.abs(weights[at[key]]).max()), key))
    kept = sorted({*heavy[:RUNS], *(key for key in at if key >= 1 << 32)})
    at = {key: place for place, key in enumerate(kept)}
    weights, start = fitted(answers, at, 1e-4)
    keys = np.array(kept, np.uint64)
    is_sign = keys >= np.uint64(1 << 32)
    weights[is_sign] *= SIGN
    start[class_table.CLASSES.index("compliance")] -= LESS
    units = [max(1, int(np.quantile(np.abs(weights[one]), 0.9995) * UNIT / 127)) for one in (~is_sign, is_sign)]
    scale = np.where(is_sign, units[1], units[0])[:, None]
    whole = np.clip(np.rint(weights * UNIT / scale), -127, 127).astype(np.int8)
    some = np.abs(whole).any(1)
    about = {
        "made_by": "benchmarks/response_class_table.py",
        "sets": [said for _, said in sets],
        "start": [round(float(value) * UNIT) for value in start],
        "run_unit": units[0],
        "sign_unit": units[1],
        "rules": round(RULES * UNIT),
        "sure": round(AHEAD * UNIT),
    }
    class_table.TABLE.write_bytes(class_table.packed(keys[some], whole[some], about))
    print(f"{some.sum():,} keys of {len(answers):,} answers, {class_table.TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
