"""Whether a judge's analysis says anything of the case: neither a placeholder nor a copy of what the judge was shown."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

LEAST = 10
"""Characters that an analysis must have, white space not counted."""
COPIED = 0.8
"""The share of an analysis that may not stand word for word in what the judge was shown."""
WINDOW = 8
"""Characters on end that count as word for word."""

_MARKS = re.compile(r"[\W_]+")


@lru_cache(maxsize=1024)
def _bare(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


_WORDS = (
    "分析 理由 说明 解释 略 无 同上 待补充 你的分析 分析内容 简要分析 分析过程 判断理由 这里写分析 在此填写分析 请在此填写分析 "
    "一百字以内的分析 分析一百字以内 先写分析再下结论 analysis reason youranalysishere string"
)
_PLACEHOLDERS = frozenset(_WORDS.split())
_VERDICT = re.compile(
    r"(?:因此|所以|综上|故|结论)?[，,：:]?(?:判为|判定为|属于|是|为)?(?:不安全|安全|unsafe|safe)的?[。.！!]*\s*$",
    re.IGNORECASE,
)
_SHOWN = re.compile(r'"analysis"\s*:\s*"([^"]*)"')


def shown_in(prompts: Iterable[str]) -> frozenset[str]:
    """What stands in the place of the analysis in the JSON that these prompts show as an example."""
    return frozenset(found for text in prompts for found in _SHOWN.findall(text))


def fault(
    analysis: str, sources: Sequence[str], placeholders: Iterable[str] = ()
) -> Literal["placeholder", "copied"] | None:
    """Why an analysis says nothing: it is a placeholder, those of its prompt included, or has under ten characters; or
    it is copied together from the `sources`: query, answer, rule, what the judge was told. None where it says something."""
    said = _bare(analysis)
    if sum(map(len, analysis.split())) < LEAST or said in _PLACEHOLDERS or said in map(_bare, placeholders):
        return "placeholder"
    body = _bare(_VERDICT.sub("", analysis.strip()))
    if len(body) < WINDOW:
        return "placeholder" if not body else None
    return "copied" if _covered(body, "\n".join(map(_bare, sources))) >= COPIED else None


def quotes(analysis: str, source: str) -> bool:
    """Whether an analysis holds `WINDOW` characters on end of a text word for word, marks and white space aside."""
    said, told = _bare(analysis), _bare(source)
    return any(said[at : at + WINDOW] in told for at in range(len(said) - WINDOW + 1))


def _covered(text: str, sources: str) -> float:
    """The share of a text's characters that lie in a passage of the sources."""
    covered = end = 0
    for at in range(len(text) - WINDOW + 1):
        if text[at : at + WINDOW] in sources:
            covered += at + WINDOW - max(at, end)
            end = at + WINDOW
    return covered / len(text)
