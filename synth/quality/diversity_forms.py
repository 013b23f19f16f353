"""Forms of queries and answers, counted: questions, orders and statements, lists and lines, what is found again of what was drawn; and
how well a single feature of an answer tells its label."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import log2
from statistics import median
from typing import Any, Final, TypeAlias

from synth.dedup.normalise import shingles
from synth.hashing import unit
from synth.recipe.sheet import DIRECTNESS, FORM, LENGTH
from synth.types import MARK

Row: TypeAlias = Mapping[str, Any]

_QUESTION: Final = re.compile(
    r"[?？]|[吗呢么][。！~～…]*$|怎么|怎样|如何|为什么|为何|什么|哪[个些里儿种]|多少|几[个时点天]|是否|是不是|有没有|能不能|可不可以|谁"
)
_ORDER: Final = re.compile(
    r"^(?:请|麻烦|帮|给我|替我|为我|写|教|列|翻译|生成|设计|推荐|介绍|解释|总结|分析|描述|编|起草|拟|做|创建|制定|说明|比较|讲|告诉)"
    r"|(?:请|麻烦|帮我|帮忙|给我|替我|教我|告诉我)(?:们)?[^，。]{0,4}[写列做给出教说讲编拟起想推介解设翻总分润改查找]"
)
_ITEM: Final = re.compile(
    r"^[ \t　]*(?:[-*•·][ \t]|\d{1,2}[.、．)）]|[（(]?[一二三四五六七八九十]{1,3}[、)）]|[①-⑳]|第[一二三四五六七八九十]+[步条点，、])",
    re.MULTILINE,
)
LENGTHS: Final = (10, 20, 40, 60, 100, 200, 400, 800)
"""Ends of the bins of a histogram of lengths, in characters."""
_FOLDS: Final = 5
_MANNERS: Final = frozenset({FORM, LENGTH, DIRECTNESS})
"""Axes that say how a query is put; no text holds their values."""
_FOUND: Final = 0.5
"""The share of a value's bigrams that a text must hold for the value, or a paraphrase near to it, to be found in it."""


def form_of(query: str) -> str:
    """Whether a query is a `question`, an `order` or a `statement`, by its words."""
    text = query.strip()
    if _ORDER.search(text) and not text.endswith(("?", "？", "吗", "呢")):
        return "order"
    return "question" if _QUESTION.search(text) else "statement"


def is_list(answer: str) -> bool:
    """Whether an answer is in the form of a list: two items or more, each on a line of its own."""
    return len(_ITEM.findall(answer)) > 1


def queries(rows: Sequence[Row]) -> dict[str, Any]:
    """The forms and lengths of some rows' queries, as shares."""
    texts = [row["query"] for row in rows]
    forms = Counter(map(form_of, texts))
    n = max(1, len(texts))
    return {
        "forms": {form: forms[form] / n for form in ("question", "order", "statement")},
        "lengths": _histogram(texts),
    }


def answers(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The forms and lengths of some rows' answers, by label."""
    found = {}
    for label in labels:
        texts = [row["response"] for row in rows if row["label"] == label and row["response"]]
        if texts:
            found[label] = {
                "n": len(texts),
                "length": float(median(map(len, texts))),
                "lengths": _histogram(texts),
                "lines": float(median(text.count("\n") + 1 for text in texts)),
                "lists": sum(map(is_list, texts)) / len(texts),
            }
    return found


def found_again(rows: Sequence[Row]) -> dict[str, float]:
    """By axis, the share of rows in whose query the value that was drawn, or a paraphrase near to it, is found. Of queries as they were
    written: an augmented one may hide it."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row["parent_id"] is None:
            there = shingles(row["query"], 2)
            for element in (one for one in row["elements"] if one["axis"] not in _MANNERS):
                value = shingles(element["value"], 2)
                hits[element["axis"]].append(len(value & there) >= _FOUND * len(value) if value else False)
    return {axis: sum(found) / len(found) for axis, found in sorted(hits.items())}


def telling(rows: Sequence[Row], unsafe: Callable[[str], bool]) -> dict[str, float]:
    """How well a single feature of its answer (`mark`, `length`, `list`, `opening`) tells whether a row is unsafe: balanced accuracy, on roots
    that were held out. Empty where there are too few rows of either kind."""
    told = [
        (row["response"], unsafe(row["label"]), int(unit(row["root_id"], "telling") * _FOLDS))
        for row in rows
        if row["response"]
    ]
    counts = Counter(bad for _, bad, _ in told)
    if min(counts[True], counts[False]) < 10 * _FOLDS:
        return {}
    features: dict[str, Callable[[str], Hashable]] = {
        "mark": lambda text: MARK in text,
        "length": lambda text: int(2 * log2(len(text) + 1)),
        "list": is_list,
        "opening": lambda text: text[:4],
    }
    return {name: _balanced([(of(text), bad, fold) for text, bad, fold in told]) for name, of in features.items()}


def _balanced(cases: Sequence[tuple[Hashable, bool, int]]) -> float:
    """What was never seen on the other side of a fold counts half."""
    seen = Counter(cases)
    totals = Counter((value, bad) for value, bad, _ in cases)
    sizes = Counter(bad for _, bad, _ in cases)
    folds = Counter((bad, fold) for _, bad, fold in cases)
    right = dict.fromkeys((False, True), 0.0)
    for (value, bad, fold), count in seen.items():
        shares = []
        for side in (False, True):
            others = totals[value, side] - seen[value, side, fold]
            shares.append(others / max(1, sizes[side] - folds[side, fold]))
        right[bad] += count * (0.5 if shares[0] == shares[1] else float((shares[1] > shares[0]) == bad))
    return sum(right[bad] / sizes[bad] for bad in (False, True)) / 2


def _histogram(texts: Sequence[str]) -> dict[str, int]:
    bins = [*LENGTHS, None]
    counts = Counter(next((end for end in LENGTHS if len(text) <= end), None) for text in texts)
    return {f"to {end}" if end else f"over {LENGTHS[-1]}": counts[end] for end in bins if counts[end]}
