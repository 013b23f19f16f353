"""Whether the places at which marks stood can be told once they are deleted: by a character model, on made-up answers."""

import random
import re
from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from synth.mark.draft import Mark
from synth.mark.render import rendered
from synth.types import MARK

THINGS = (
    "面粉",
    "绳子",
    "木板",
    "螺丝",
    "链条",
    "花盆",
    "毛线",
    "胶水",
    "砂纸",
    "抹布",
    "水壶",
    "案板",
    "剪刀",
    "刷子",
    "纸箱",
)
DOING = (
    "先把{}擦干净",
    "用{}压住边角",
    "{}要提前备好",
    "记得检查{}",
    "把{}放在手边",
    "慢慢转动{}",
    "找一块旧的{}",
    "{}别放得太久",
    "再试一试{}松不松",
)
MARKED = (
    "取【略】克{}",
    "加入【略】",
    "第【略】步",
    "准备【略】和{}",
    "用【略】固定",
    "把{}放在【略】",
    "比如【略】",
    "等【略】分钟再看{}",
)
PIECE = re.compile(r"[^，。]+[，。]?")
Rendering = tuple[str, Sequence[Mark]]


def made_up(seed: int) -> str:
    chance = random.Random(seed)
    sentences = []
    for _ in range(5):
        ways = [chance.choice(MARKED if chance.random() < 0.2 else DOING) for _ in range(chance.randint(2, 4))]
        sentences.append("，".join(way.format(chance.choice(THINGS)) for way in ways) + "。")
    return "".join(sentences)


def cut_out(text: str) -> Rendering:
    parts = text.split(MARK)
    return "".join(parts), [Mark(at, 0, MARK) for at in np.cumsum([len(part) for part in parts[:-1]]).tolist()]


def told(rendering: Sequence[Rendering]) -> float:
    """AUC of a character model that is asked whether a clause is one beside which, or in which, something stood; rows held out."""
    clauses = [
        (row, piece[0], any(piece.start() <= mark.at <= piece.end() for mark in marks))
        for row, (text, marks) in enumerate(rendering)
        for piece in PIECE.finditer(text)
    ]
    held = np.array([row % 3 == 0 for row, _, _ in clauses])
    texts, truth = (np.array([clause[at] for clause in clauses], dtype=object) for at in (1, 2))
    seen = TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
    model = LogisticRegression(C=4, solver="liblinear").fit(seen.fit_transform(texts[~held]), truth[~held].astype(bool))
    return float(roc_auc_score(truth[held].astype(bool), model.decision_function(seen.transform(texts[held]))))


@pytest.fixture(scope="module")
def answers() -> list[str]:
    return [
        text for text in map(made_up, range(400)) if rendered(text, "delete", "")[0] != rendered(text, "vary", "")[0]
    ]


def test_what_was_deleted_cannot_be_told(answers: Sequence[str]) -> None:
    assert told([rendered(text, "delete", "r") for text in answers]) <= 0.6


def test_a_mark_cut_out_by_itself_can_be_told(answers: Sequence[str]) -> None:
    assert told([cut_out(text) for text in answers]) > 0.6
