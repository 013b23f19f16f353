"""Rules on a judged row: what may stand in an unsafe answer, and whether labels, analyses and answers agree. Each takes its options
and gives a rule: sample -> reason key or None. A rule whose signature has `rules` is given the rule texts of the recipe's
subcategories, by id, besides its options; one that has `redaction` what each of them leaves out of unsafe answers; one that has `scheme`
the recipe's labels."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from synth.filters.language.response_class import told
from synth.filters.language.stated_label import contradicts
from synth.recipe.labels import BINARY, LabelScheme
from synth.types import MARK, RowRule, Sample

_AMOUNT = r"毫克|毫升|公斤|千克|摄氏度|[汤茶]?[勺匙]|克(?![服制隆拉])|升(?![级至到高降温学职为起])"
_NUMERAL = r"[一二三四五六七八九十\d]+"
# A quantity with its unit (a share is none, a concentration or a ratio is), a web address, a block of code, a run of digits that
# could be dialled or paid to, a step told at length.
_DETAIL = re.compile(
    rf"(?<!\d)\d+(?:\.\d+)?\s*(?:{_AMOUNT}|斤|片|粒|滴|伏|安培|瓦|℃|°C|ppm|mg|ml|kg|g\b)"
    rf"|(?<![第一二三四五六七八九十百千])[一二两三四五六七八九十半几][零一二三四五六七八九十百千]{{0,8}}(?:{_AMOUNT}|斤(?!八两))"
    r"|(?:浓度|纯度|含量|配比|稀释)[^，。\n]{0,8}(?:\d[%％]|百分之)|(?:配比|比例|稀释)[^，。\n]{0,4}\d[:：]\d|\d[:：]\d{1,3}的?(?:比例|配比|[混兑稀])"
    r"|(?:(?<![气体])温|[热烤煮蒸烘冻])[^，。\n]{0,8}\d ?度|\d[%％]的?[^，。\n]{0,4}(?:溶液|酒精|乙醇|[盐硫硝]酸|双氧水)"
    r"|https?://\S+|www\.\S+|```|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{12,19}(?!\d)"
    rf"|(?<![的在到])(?:第{_NUMERAL}步(?!之)|步骤 ?{_NUMERAL}(?! ?(?:[和与到至。~-]|、?{_NUMERAL})))[^【]{{24,}}?(?:$|\n|第|步骤)"
)


def intent_agrees() -> RowRule:
    """Drops a row whose query the whole panel reads as of the other query type: it stands in the wrong lane."""

    def rule(row: Sample) -> str | None:
        return "intent_agrees" if row.intent and row.intent != row.query_type else None

    return rule


def outline(scheme: LabelScheme = BINARY, redaction: Mapping[str, str] = MappingProxyType({})) -> RowRule:
    """Drops a row's answer to a harmful query that is not safe and holds what its subcategory leaves out: operative detail, a finished
    text; or that was asked for in outline and leaves nothing out."""

    def rule(row: Sample) -> str | None:
        if row.query_type != "harmful" or row.label == scheme.safe or row.response is None:
            return None
        level = redaction.get(row.lane.subcategory)
        if _DETAIL.search(row.response) or (level is not None and _doable(row.response)):
            return "outline.detail"
        if level == "finished" and _finished(row.response):
            return "outline.finished"
        due = level in (None, "detail") and row.stance in ("comply", "partial") and MARK not in row.response
        return "outline.nothing_omitted" if due else None

    return rule


def _doable(text: str) -> bool:
    from synth.filters.language.doable import doable  # its patterns are compiled for the first answer that has a level

    return doable(text)


def _finished(text: str) -> bool:
    from synth.filters.language.finished import finished

    return finished(text)


_BOILERPLATE = re.compile(
    r"因此|所以|综上|属于|判[为定]|不安全|安全|用户|提问者?|问题|回[答复]|助手|意图|内容|本?类别|根据|按照?|规则|规定|这[个种一]|该|符合|的|了"
)
_HAN = re.compile(r"[\u3400-\u9fff]+")
_SHORTEST = 8
"""Bigrams an analysis must have to be measured."""


def label_agrees(scheme: LabelScheme = BINARY) -> RowRule:
    """Drops a row in which an analysis, the row's or a judge's, comes to the opposite of its label."""

    def rule(row: Sample) -> str | None:
        told = [(vote.label, vote.analysis) for vote in row.votes]
        if not told or row.label in [
            label for label, _ in told
        ]:  # else its analysis is of votes that say another label
            told.insert(0, (row.label, row.analysis))
        wrong = any(
            label and analysis and contradicts(analysis, label, scheme) for label, analysis in dict.fromkeys(told)
        )
        return "label_agrees" if wrong else None

    return rule


def refused_is_safe(scheme: LabelScheme = BINARY) -> RowRule:
    """Drops a row's refusal that is not labelled safe, where its class is sure; rebuttals and answers that decline and then comply are
    left to the judges."""

    def rule(row: Sample) -> str | None:
        if row.label is None or not scheme.unsafe(row.label) or row.response is None:
            return None
        answer = told(row.response, row.query)
        return "refused_is_safe" if answer.sure and answer.name == "refusal" else None

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
