"""How well the class of an answer is told: precision, recall and F1 of each class with their intervals, by the rules alone
(`by_rules`) and as it ships (`response_class`), and on whose text.

    python benchmarks/response_classes.py LABELLED.jsonl ...

prints a file's figures (lines of `query`, `response`, `class` and, if there, `lang`), refusals with the lower bounds of Wilson's
intervals. A file that the table was made from says nothing of unseen text: `response_class.bin` names its sets with their hashes.
"""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from synth.filters.language.response_class import by_rules, response_class, told

TOP = Path(__file__).parents[1]
CLASSES = ("refusal", "rebuttal", "partial", "incapable", "compliance")
ROUNDS = 2_000
Pairs = Sequence[tuple[str, str]]
"""The class a reader gave and the class told."""


def own(*, held_out: bool) -> list[tuple[str, str]]:
    """The answers of the tests: text and class."""
    lines = (TOP / "tests" / "texts" / "answers.jsonl").open(encoding="utf-8")
    rows = map(json.loads, lines)
    return [(row["text"], row["class"]) for row in rows if row["held_out"] == held_out]


def given(folder: Path) -> list[tuple[str, str]]:
    rows = map(json.loads, (folder / "labelled" / "refusal_classes.jsonl").open(encoding="utf-8"))
    return [(row["response"], row["refusal"]) for row in rows]


def scores(pairs: Pairs, among: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of these classes taken as one."""
    right = sum(true in among and told in among for true, told in pairs)
    said, there = sum(told in among for _, told in pairs), sum(true in among for true, _ in pairs)
    exact, whole = right / max(1, said), right / max(1, there)
    return exact, whole, 2 * exact * whole / max(1e-9, exact + whole)


def macro(pairs: Pairs) -> float:
    """F1 over the classes that occur."""
    there = [name for name in CLASSES if any(true == name for true, _ in pairs)]
    return sum(scores(pairs, (name,))[2] for name in there) / len(there)


def _interval(values: list[float]) -> str:
    values.sort()
    return f"{values[len(values) // 40]:.2f} to {values[-len(values) // 40 - 1]:.2f}"


def _lines(title: str, pairs: Pairs) -> list[str]:
    chance = random.Random(7)
    drawn = [chance.choices(pairs, k=len(pairs)) for _ in range(ROUNDS)]
    lines = []
    for name, among in [(name, (name,)) for name in CLASSES] + [("refusal or rebuttal", ("refusal", "rebuttal"))]:
        count = sum(true in among for true, _ in pairs)
        spread = [scores(some, among) for some in drawn]
        told = [
            f"{value:.2f} ({_interval([one[at] for one in spread])})" for at, value in enumerate(scores(pairs, among))
        ]
        lines.append(f"| {title} | {name} | {count} | {' | '.join(told)} |")
    right = sum(true == told for true, told in pairs) / len(pairs)
    lines.append(
        f"| {title} | **macro-F1** | {len(pairs)} | accuracy {right:.2f} | | {macro(pairs):.2f} ({_interval([macro(some) for some in drawn])}) |"
    )
    return lines


def trained(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> Pairs:
    """A linear model on character n-grams of 1 to 4, as it tells the test."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    model = make_pipeline(grams, LogisticRegression(C=30, max_iter=1_000, class_weight="balanced"))
    model.fit(*zip(*train, strict=True))
    return list(zip([name for _, name in test], model.predict([text for text, _ in test]), strict=True))


def report(folder: Path, *, classifier: bool) -> str:
    """The table."""
    sets = {
        "given (other people's answers, one reader; the table knows them)": given(folder),
        "own, seen (written for the tests; the table knows them)": own(held_out=False),
        "own, held out (written for the tests; the table does not)": own(held_out=True),
    }
    lines = ["| set | class | n | precision | recall | F1 |", "|---|---|---|---|---|---|"]
    for title, rows in sets.items():
        lines += _lines(f"{title}, rules alone", [(name, by_rules(text)) for text, name in rows])
        lines += _lines(title, [(name, response_class(text)) for text, name in rows])
    if classifier:
        seen = given(folder) + own(held_out=False)
        lines += _lines("classifier on held out", trained(seen, own(held_out=True)))
        folds = [trained([row for row in seen if row not in part], part) for part in (seen[at::5] for at in range(5))]
        lines += _lines("classifier, 5 folds of the rest", [pair for part in folds for pair in part])
    benign = [
        json.loads(line)["response"]
        for path in sorted((folder / "benign").glob("*.jsonl"))
        for line in path.open(encoding="utf-8")
    ]
    found = [response_class(text) for text in benign if text]
    refused = sum(name == "refusal" for name in found)
    return (
        "\n".join(lines)
        + f"\n\nOf {len(found):,} answers to ordinary questions {refused} ({refused / len(found):.2%}) are told as refusals; some of them are."
    )


def of_file(path: Path) -> str:
    """The figures of a labelled file: by rules alone, as it ships with and without the query, by language; and what is sure."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ways = {
        "rules alone": lambda row: by_rules(row["response"]),
        "without query": lambda row: response_class(row["response"]),
        "as it ships": lambda row: response_class(row["response"], row["query"]),
    }
    lines = ["| set | class | n | precision | recall | F1 |", "|---|---|---|---|---|---|"]
    for way, tell in ways.items():
        lines += _lines(way, [(row["class"], tell(row)) for row in rows])
    for lang in sorted({row.get("lang", "") for row in rows} - {""}):
        some = [
            (row["class"], response_class(row["response"], row["query"])) for row in rows if row.get("lang") == lang
        ]
        lines.append(f"| {lang} | **macro-F1** | {len(some)} | | | {macro(some):.2f} |")
    found = [(row["class"], told(row["response"], row["query"])) for row in rows]
    right = sum(true == one.name == "refusal" for true, one in found)
    said, there = sum(one.name == "refusal" for _, one in found), sum(true == "refusal" for true, _ in found)
    sure = [true for true, one in found if one.sure and one.name == "refusal"]
    lines.append(
        f"\nrefusal: precision at least {lower(right, said):.3f}, recall at least {lower(right, there):.3f} (Wilson, 95 %)"
    )
    lines.append(f"sure refusals: {len(sure)}, of them something else: {sum(true != 'refusal' for true in sure)}")
    return "\n".join(lines)


def lower(right: int, of: int, z: float = 1.96) -> float:
    """The lower end of Wilson's interval of a share."""
    if not of:
        return 0.0
    share, spread = right / of, z * z / of
    return float((share + spread / 2 - z * (share * (1 - share) / of + spread / (4 * of)) ** 0.5) / (1 + spread))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}\n{of_file(Path(name))}")
