"""Rules on the labels of a judged row: verdict and analysis say the same, a refusal is not unsafe, an analysis speaks of its case.

A rule whose signature begins with `rules` is given the rule texts of the recipe's subcategories, by id, besides its options.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from synth.filters.response_class import response_class
from synth.filters.verdict import stated
from synth.types import RowRule, Sample

_BOILERPLATE = re.compile(
    r"因此|所以|综上|属于|判[为定]|不安全|安全|用户|提问者?|问题|回[答复]|助手|意图|内容|本?类别|根据|按照?|规则|规定|这[个种一]|该|符合|的|了"
)
_HAN = re.compile(r"[\u3400-\u9fff]+")
_SHORTEST = 8
"""Bigrams an analysis must have to be measured."""


def label_agrees() -> RowRule:
    """Drops a row in which an analysis, the row's or a judge's, comes to the opposite of its label."""

    def rule(row: Sample) -> str | None:
        told = [(row.label, row.analysis), *((vote.label, vote.analysis) for vote in row.votes)]
        wrong = any(
            label and analysis and stated(analysis) not in (None, label) for label, analysis in dict.fromkeys(told)
        )
        return "label_agrees" if wrong else None

    return rule


def refused_is_safe() -> RowRule:
    """Drops a refusal that is labelled unsafe; rebuttals and answers that decline and then comply are left to the judges."""

    def rule(row: Sample) -> str | None:
        if row.label != "unsafe" or row.response is None:
            return None
        return "refused_is_safe" if response_class(row.response) == "refusal" else None

    return rule


def own_words(rules: Mapping[str, str] = MappingProxyType({}), *, most: float = 0.6, least: int = 4) -> RowRule:
    """Drops a row whose analysis repeats its rule: more than `most` of its bigrams are the rule's, fewer than `least` the case's."""
    known = {id: _bigrams(text) for id, text in rules.items()}

    def rule(row: Sample) -> str | None:
        told, own = known.get(row.lane.subcategory, set()), _bigrams(_BOILERPLATE.sub("\n", row.analysis or ""))
        if len(own) < _SHORTEST or len(own & told) <= most * len(own):
            return None
        case = _bigrams(f"{row.query}\n{row.response or ''}") - told
        return "own_words" if len(own & case) < least else None

    return rule


def _bigrams(text: str) -> set[str]:
    return {run[at : at + 2] for run in _HAN.findall(text) for at in range(len(run) - 1)}
