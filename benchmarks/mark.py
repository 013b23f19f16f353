"""What the mark 【略】 teaches a character model, deleted, in vague words and kept: recall of real unsafe answers, and whether the places
where it stood can be told. Run with a folder of labelled texts: `python benchmarks/mark.py DATA`."""

import json
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synth.mark.draft import Mark
from synth.mark.render import rendered
from synth.types import MARK

SPLITS = 12
PIECE = re.compile(r"[^，,；;。！？!?…：:、\n]+[，,；;。！？!?…：:、\n]*")
_MODELLED = (
    (r"(?:\d+|[一二两三四五六七八九十]+)(?=[个种次年天克步条名])", MARK),
    (r"(?<=[用在把将对向])[一-鿿]{2,3}", MARK),
    (r"[一-鿿]{2,3}和[一-鿿]{2,3}", f"{MARK}和{MARK}"),
    (r"[一-鿿]{2,3}(?=的)", MARK),
    (r"(?<=[一-鿿]{3})[一-鿿]{2,4}(?=[，。；\n]|$)", MARK),
)
_ADDED = (f"取{MARK}克，", f"加入{MARK}，", f"第{MARK}步，", f"准备{MARK}和{MARK}，", f"可以找{MARK}，")


def cut(clause: str, chance: random.Random) -> str:
    """A clause that loses 2 to 4 characters to the mark, anywhere."""
    words = len(re.sub(r"[^\w]+$", "", clause))
    size = chance.randint(2, 4)
    if words < size + 2:
        return clause
    at = chance.randrange(words - size + 1)
    return clause[:at] + MARK + clause[at + size :]


def as_models(clause: str, chance: random.Random) -> str:
    """A clause marked as models do it: amounts, objects, pairs; now and then a clause that is nothing else before it."""
    if chance.random() < 0.3:
        return chance.choice(_ADDED) + clause
    ways = [(re.compile(way), new) for way, new in _MODELLED]
    found = [(match.span(), new) for way, new in ways if (match := way.search(clause))]
    if not found:
        return cut(clause, chance)
    (start, end), new = chance.choice(found)
    return clause[:start] + new + clause[end:]


def marked(text: str, seed: str, way: Callable[[str, random.Random], str] = cut, share: float = 0.25) -> str:
    chance = random.Random(seed)
    return "".join(
        way(piece, chance) if chance.random() < share else piece
        for piece in re.split(r"(?<=[，,；;。！？!?…：:、\n])", text)
    )


def touched(text: str, marks: Sequence[Mark]) -> list[tuple[str, bool]]:
    """The clauses of a rendered text, and whether a mark stood in each of them or right beside it."""
    marks = [mark for mark in marks if not mark.was.isdigit()]  # an item's number counted anew: no mark stood there
    return [
        (piece[0], any(piece.start() <= mark.at + mark.length and mark.at <= piece.end() for mark in marks))
        for piece in PIECE.finditer(text)
    ]


def told(clauses: Sequence[tuple[int, str, bool]]) -> tuple[float, int]:
    """How well a character model tells clauses in which something stood from others: AUC over splits by row, and their number."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    rows, texts, truth = (
        np.array(column, dtype=kind)
        for column, kind in zip(zip(*clauses, strict=True), (int, object, bool), strict=True)
    )
    found = []
    for split in range(6):
        held = np.isin(rows, np.random.default_rng(split).permutation(np.unique(rows))[: len(np.unique(rows)) // 3])
        seen = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
        model = LogisticRegression(C=4, solver="liblinear", class_weight="balanced").fit(
            seen.fit_transform(texts[~held]), truth[~held]
        )
        found.append(roc_auc_score(truth[held], model.decision_function(seen.transform(texts[held]))))
    return float(np.mean(found)), int(truth.sum())


def auc(answers: Sequence[str]) -> None:
    print("| marks | rendered | clauses touched | AUC |\n|---|---|---|---|")
    for name, way in (("2 to 4 characters anywhere", cut), ("as models place them", as_models)):
        for mode in ("delete", "hole", "vary"):
            clauses: list[tuple[int, str, bool]] = []
            for row, answer in enumerate(answers):
                text = marked(answer, f"{row}", way)
                done, marks = hole(text) if mode == "hole" else rendered(text, mode, f"r{row}")  # type: ignore[arg-type]
                clauses += [(row, *one) for one in touched(done, marks)]
            value, n = told(clauses)
            print(f"| {name} | {mode} | {n} | {value:.3f} |", flush=True)


def hole(text: str) -> tuple[str, tuple[Mark, ...]]:
    """The mark cut out and nothing mended, to compare with."""
    parts = text.split(MARK)
    places = np.cumsum([len(part) for part in parts[:-1]]).tolist()
    return "".join(parts), tuple(Mark(at, 0, MARK) for at in places)


def recall(answers: Sequence[dict[str, Any]], ordinary: Sequence[dict[str, Any]]) -> None:
    """Content of an experiment: all unsafe answers marked, a quarter of ordinary ones; trained so, tried on answers as they were."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score, recall_score

    queries = np.array([row["query"] for row in answers])
    truth = np.array([row["label"] == "unsafe" for row in answers])
    print("| training answers | F1-unsafe | recall of real unsafe | ordinary + mark called unsafe |\n|---|---|---|---|")
    for name, mode in (
        ("nothing marked", None),
        ("marked, kept", "keep"),
        ("marked, hole", "hole"),
        ("deleted", "delete"),
        ("vague words", "vary"),
    ):
        figures = []
        for split in range(SPLITS):
            held = np.isin(
                queries, np.random.default_rng(split).permutation(np.unique(queries))[: len(np.unique(queries)) // 3]
            )
            train, labels = [], []
            for at, row in enumerate([*(row for row, out in zip(answers, held, strict=True) if not out), *ordinary]):
                bad = row["label"] == "unsafe"
                masked = mode and (bad or (row["label"] is None and at % 4 == 0))
                train.append(_seen(row, _as(row["response"], mode, f"{at}") if masked and mode else row["response"]))
                labels.append(bad)
            seen = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
            model = LogisticRegression(C=10, solver="liblinear", class_weight="balanced").fit(
                seen.fit_transform(train), labels
            )
            said = model.predict(
                seen.transform([_seen(row, row["response"]) for row, out in zip(answers, held, strict=True) if out])
            )
            alarms = model.predict(seen.transform([_seen(row, marked(row["response"], "a")) for row in ordinary]))
            figures.append((f1_score(truth[held], said), recall_score(truth[held], said), alarms.mean()))
        print("| " + " | ".join([name, *(f"{value:.3f}" for value in np.mean(figures, axis=0))]) + " |", flush=True)


def _seen(row: dict[str, Any], answer: str) -> str:
    return f"{row['query']}\n\n{answer}"


def _as(answer: str, mode: str, seed: str) -> str:
    text = marked(answer, seed)
    return hole(text)[0] if mode == "hole" else rendered(text, mode, seed)[0]  # type: ignore[arg-type]


def main(data: Path) -> None:
    def rows(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (data / name).open(encoding="utf-8")]

    answers = rows("labelled/cipherchat_human.jsonl")
    ordinary = [
        row
        for row in rows("benign/llamafactory_alpaca_zh.jsonl")
        if len(row["response"]) > 60 and "```" not in row["response"]
    ][:150]
    auc([row["response"] for row in (*answers, *ordinary)])
    recall(answers, ordinary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
