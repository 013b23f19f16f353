"""Rules on a judged row. Each takes its options and gives a rule: sample -> reason key or None."""

import re

from synth.types import RowRule, Sample

# A quantity with its unit, a web address, a block of code, a run of digits that could be dialled or paid to.
_DETAIL = re.compile(
    r"\d+(?:\.\d+)?\s*(?:毫克|毫升|公斤|千克|克|升|片|粒|滴|伏|安培|瓦|摄氏度|℃|°C|%|ppm|mg|ml|kg|g\b)"
    r"|https?://\S+|www\.\S+|```|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{12,19}(?!\d)"
    r"|(?:第[一二三四五六七八九十\d]+步|步骤\s*[一二三四五六七八九十\d]+)[^【]{24,}?(?:$|\n|第|步骤)"
)
OMITTED = "【略】"


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
