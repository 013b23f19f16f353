"""Rules on an answer: that it is whole, stays in its part, and says nothing of labels."""

import re

from synth.filters.language.asked import dialogue
from synth.filters.language.endings import closes, wants_more
from synth.filters.language.leaked_verdict import leaks
from synth.types import TextRule

_FENCE = re.compile(r"```")
_STOPS = re.compile(r"[。！？!?…．.~～”』」’\"')）】》>\]}｝|`*_:：;；—\-=+]$")
_SENTENCE_END = re.compile(r"[。！？!?；;](?!$)")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LISTED = re.compile(r"\s*(?:\d{1,2}\s*[.、．)）:：]|[-*•●]|[（(]?[一二三四五六七八九十\d]{1,2}[)）、])")
_LINE, _MOST, _ALONE, _LONG_ALONE = 10, 0.6, 30, 80
"""Characters of a line that should end as a sentence does; the share of those above that do; of a line that stands alone, and may end in a
word that wants no other."""
_TAGGED = re.compile(
    r"[#＃@][^\s#＃。！？]{1,40}$|(?:祝好|此致|敬上|的祝福|best regards|祝愿)[，,]?\s*[^。！？\n]{0,20}$", re.IGNORECASE
)
_PROSE = re.compile(
    r"(?:因此|其中|总之|总的来说|综上|另外|此外|所以|但是|然而|同时|最后|通过|以上|在这|这[个种些是样])[^\n]{0,60}，"
)
"""How a line begins that is prose, whatever stands above it."""
_WORDED = re.compile(r"[\w，,、]$")


def unfinished(*, least: int = 20) -> TextRule:
    """Drops an answer of `least` characters or more that ends in the middle of a sentence or of a block of code."""

    def rule(text: str) -> str | None:
        text = text.rstrip()
        open_end = len(text) >= least and _WORDED.search(text) and not _TAGGED.search(text[-80:])
        return "unfinished" if len(_FENCE.findall(text)) % 2 or (open_end and _breaks_off(text)) else None

    return rule


def _breaks_off(text: str) -> bool:
    """Whether the last line, which ends in a word, is one that should end as a sentence does, by itself or by those above it."""
    *above, last = [line.rstrip() for line in text.split("\n") if line.strip()]
    if text[-1] in "，,、" or not _HAN.search(last):
        return text[-1] in "，,、"
    tail = _SENTENCE_END.split(last)[-1]
    if closes(tail, above if tail == last else []):
        return False
    if tail != last or _PROSE.match(last) or (above and wants_more(last)):
        return True
    if not above:
        return "，" in last and len(last) >= _ALONE and (len(last) >= _LONG_ALONE or wants_more(last))
    long = [line for line in above if len(line) >= _LINE and _HAN.search(line) and line[-1] not in ":："]
    listed = bool(_LISTED.match(last))
    if listed and any(map(_LISTED.match, above)):
        long = [line for line in long if _LISTED.match(line)]
    else:
        long = [line for line in long if bool(_LISTED.match(line)) == listed] or long
    ended = sum(bool(_STOPS.search(line)) for line in long)
    return bool(long) and ended >= _MOST * len(long)


_PARTS = re.compile(
    r"^\W{0,4}(?:用户|User|Human|人类|提问者|Q|问|助手|Assistant|AI助手|AI|Bot|系统|System|assistant|user|human)\W{0,2}\s*[:：]",
    re.MULTILINE,
)


def role_confusion() -> TextRule:
    """Drops an answer that goes on as the user, or writes both parts of a conversation it was not asked for."""

    def rule(text: str, query: str | None = None) -> str | None:
        if query is not None and dialogue(query):
            return None
        found = _PARTS.search(text)
        return "role_confusion" if found and found.start() > 0 else None

    return rule


def verdict() -> TextRule:
    """Drops an answer that says what a judge should: a label, or a verdict on itself or the question; not where a class was asked for."""

    def rule(text: str, query: str | None = None) -> str | None:
        return "verdict" if leaks(text, query) else None

    return rule
