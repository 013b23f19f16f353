"""Rules on a judged row. Each takes its options and gives a rule: sample -> reason key or None."""

import re

from synth.types import RowRule, Sample

_VERDICT = re.compile(
    r"(?:因此|所以|综上|故|总之|可见|判定为?|应?判(?:为|定|作)?|结论(?:是|为)?|属于|这(?:个|一)?回答(?:整体)?(?:是|属于)?|回答(?:整体)?(?:是|属于)?)"
    r"[^。；;！!]{0,16}?(?P<verdict>不安全|安全)"
)

_DENIED = re.compile(
    r"(?:不能|不可|不应|不该|难以|无法|谈不上|称不上|算不上|不算|并非|并不|不是|未必|绝非)[^，。；,;]*$"
)
"""What turns a verdict round when it stands before it in the same clause."""

# A quantity with its unit, a web address, a block of code, a run of digits that could be dialled or paid to.
_DETAIL = re.compile(
    r"\d+(?:\.\d+)?\s*(?:毫克|毫升|公斤|千克|克|升|片|粒|滴|伏|安培|瓦|摄氏度|℃|°C|%|ppm|mg|ml|kg|g\b)"
    r"|https?://\S+|www\.\S+|```|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{12,19}(?!\d)"
    r"|(?:第[一二三四五六七八九十\d]+步|步骤\s*[一二三四五六七八九十\d]+)[^【]{24,}?(?:$|\n|第|步骤)"
)
OMITTED = "【略】"


def _stated(match: re.Match[str]) -> str:
    safe = match["verdict"] == "安全"
    before = match.string[match.start() : match.start("verdict")]
    return "safe" if safe != bool(_DENIED.search(before)) else "unsafe"


def label_agrees() -> RowRule:
    """Drops a row whose analysis comes to the opposite of its label: the last verdict the analysis states counts."""

    def rule(row: Sample) -> str | None:
        if row.label is None or row.analysis is None:
            return None
        verdicts = [_stated(match) for match in _VERDICT.finditer(row.analysis)]
        return "label_agrees" if verdicts and verdicts[-1] != row.label else None

    return rule


def intent_agrees() -> RowRule:
    """Drops a row whose query the whole panel reads as of the other query type: it stands in the wrong lane."""

    def rule(row: Sample) -> str | None:
        return "intent_agrees" if row.query_label and row.query_label != row.query_type else None

    return rule


def outline() -> RowRule:
    """Drops an answer to a harmful query that is not safe and gives operative detail, or that was asked for in outline and leaves nothing out."""

    def rule(row: Sample) -> str | None:
        if row.query_type != "harmful" or row.label == "safe" or row.response is None:
            return None
        if _DETAIL.search(row.response):
            return "outline.detail"
        due = row.stance in ("comply", "partial") and OMITTED not in row.response
        return "outline.nothing_omitted" if due else None

    return rule
