"""Rules on any text, a query or an answer. Each takes its options and gives a rule: text -> reason key or None."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from synth.filters.language import fluency
from synth.filters.language.asked import notation, other_language, refrain
from synth.filters.language.refusal import is_refusal
from synth.filters.language.sent import repeats
from synth.filters.language.speaker import is_users
from synth.filters.language.verse import is_verse
from synth.recipe.prompt import texts
from synth.types import TextRule

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+|[\u0370-\u06ff\u0e00-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)
_DEBRIS = re.compile(
    r"<[|｜][^|｜<>\n]{1,40}[|｜]>"
    r"|</?(?:think|thinking|thought|reasoning|reflection|answer|output|im_start|im_end|assistant|user|system|human|bos|eos|unk|pad|sop|eop|start_of_turn|end_of_turn|begin_of_text|eot_id|tool_call|scratchpad)>"
    r"|^[ \t]*</?s>|</?s>[ \t]*$|\[/?INST\]|<</?SYS>>|\[(?:gMASK|MASK|PAD|CLS|SEP|UNK|EOS|BOS|UNUSED_TOKEN_\d+|END|STOP)\]|<(?:0x[0-9A-F]{2}|reserved_\d+|extra_id_\d+|n|pad)>"
    r"|^#{2,4} ?(?:Instruction|Response|Input|System|Human|Assistant)\b:?",
    re.IGNORECASE | re.MULTILINE,
)


_CODE_LINE = re.compile(
    r"^(?=[^\u3400-\u9fff\n]*$)[^\n]*?(?:[{}=;<>|\\$#]|\w\()[^\n]*$"
    r"|^[ \t]*(?:def|class|return|for|if|else|elif|import|from|var|let|const|function|while|try|except|SELECT|\"\"\")\b[^\u3400-\u9fff\n]*(?:[:)\"]|\w\.\w+)$|^:[^\u3400-\u9fff\n]*$|^[ \t]*\"\"\"[^\n]*$",
    re.MULTILINE,
)


def chinese(*, least: float = 0.5, names: int = 3) -> TextRule:
    """Drops a text in which fewer than `least` of the words are Chinese characters; code, formulas, addresses, numbers and up to `names` foreign words are no language. An answer may be in what its query asks for: another language, notation."""

    def rule(text: str, query: str | None = None) -> str | None:
        if query is not None and (other_language(query) or notation(query)):
            return None
        prose = _CODE_LINE.sub("", _FORMULA.sub("", _CODE.sub("", text)))
        han, words = len(_HAN.findall(prose)), len(_WORD.findall(prose))
        if len(_OTHER.findall(prose)) > max(_FEW, han / 2):
            return "chinese"
        if han == 0:
            return "chinese" if words > names or not _CONTENT.search(text) else None
        return "chinese" if words > names and han < least * (han + words) else None

    return rule


_FORMULA = re.compile(
    r"\$\$.{1,2000}?\$\$|\$[^$\n]{1,400}\$|\\\[.{1,2000}?\\\]|\\\(.{1,400}?\\\)|\\begin\{(\w{1,20}\*?)\}.{0,4000}?\\end\{\1\}|\\[A-Za-z]{2,}",
    re.DOTALL,
)
_OTHER = re.compile(r"[\u0400-\u052f\u0590-\u06ff\u0e00-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
_FEW = 6
_CONTENT = re.compile(r"\w")


def length(*, min: int = 3, max: int = 1000) -> TextRule:
    """Drops a text of fewer than `min` or more than `max` characters, white space not counted."""
    if min > max:
        raise ValueError(f"min ({min}) is larger than max ({max})")

    def rule(text: str) -> str | None:
        size = sum(map(len, text.split()))
        return "length.short" if size < min else "length.long" if size > max else None

    return rule


_BROKEN = re.compile(
    r"[\ufffd\ud800-\udfff\x00-\x08\x0b\x0e-\x1f\x7f\ue000-\uf8ff\ufff0-\ufffb]|锟斤拷|(?:烫|屯){3}"
    r"|(?:[\u00c3-\u00ef][\u0080-\u00bf\u0152-\u0178\u2013-\u203a\u20ac\u2122]{1,2}\s?){3}"
)
_MISREAD = frozenset(
    "鐨勬槸涓嶅湪浜嗘湁鍜屼汉杩欏ぇ涔熷彲浠ヨ鎴戜滑鍒鏉ユ椂瑕佸氨绛夈傚綋鍓嶇敤濡備綍鎬闂棶搴斾娇欍鍥寰鍚"
)
"""Characters that UTF-8 read as GBK is full of, and Chinese hardly has."""
_MARKS = re.compile(r"[^\w\s]")


def garbled(*, most: float = 0.6) -> TextRule:
    """Drops a text that was read in the wrong encoding, has control or replacement characters, or is more than `most` marks and symbols."""

    def rule(text: str) -> str | None:
        if _BROKEN.search(text):
            return "garbled.characters"
        if sum(character in _MISREAD for character in text) * 4 > len(text):
            return "garbled.encoding"
        prose = _CODE.sub("", text)
        return "garbled.marks" if len(_MARKS.findall(prose)) > most * max(len(prose), 8) else None

    return rule


_MATERIAL = re.compile(
    r"“[^“”]{0,400}”|‘[^‘’]{0,400}’|「[^「」]{0,400}」|《[^《》]{0,80}》|\"[^\"\n]{0,400}\"|（[^（）]{0,400}）|\([^()]{0,400}\)|\[[^\[\]]{0,400}\]|[:：][^。！？\n]*"
)
_FOREIGN = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,.;!?]{1,3}[A-Za-z][A-Za-z'’-]*)*")


def language_switch(*, words: int = 7, letters: int = 8) -> TextRule:
    """Drops a Chinese text that falls into another language: `words` English words on end, or `letters` of another script, on a line with Chinese that are not quoted, bracketed or after a colon. An answer may, where its query asks for another language."""

    def rule(text: str, query: str | None = None) -> str | None:
        if query is not None and other_language(query):
            return None
        for line in _CODE.sub("", text).split("\n"):
            own = _MATERIAL.sub("", line)
            if len(_HAN.findall(own)) < words:
                continue
            if any(len(run.split()) >= words for run in _FOREIGN.findall(own)):
                return "language_switch"
            if len(_OTHER.findall(own)) >= letters:
                return "language_switch"
        return None

    return rule


_TRADE = re.compile(r"护栏模型|内容安全数据集|反面样本")


def debris() -> TextRule:
    """Drops a text with template debris: special tokens, reasoning tags, headings of an instruction format, words of our trade."""

    def rule(text: str) -> str | None:
        if _DEBRIS.search(_CODE.sub("", text)):
            return "debris.token"
        return "debris.echo" if _TRADE.search(text) else None

    return rule


def refusal() -> TextRule:
    """Drops a generator's refusal that poses as a query. A user who tells of what he cannot do, or says what he will not do unless, refuses nothing."""

    def rule(text: str) -> str | None:
        return "refusal" if is_refusal(text) and not is_users(text) else None

    return rule


def template(
    prompts: Sequence[str] | None = None, sent: Sequence[str] = (), *, window: int = 12, second_tries: bool = False
) -> TextRule:
    """Drops a text that repeats `window` Chinese characters on end of one of the prompts; with `second_tries` also one that gives back what synth tells a model in a second try."""
    found = _passages(texts() if prompts is None else prompts, window)

    def rule(text: str) -> str | None:
        if second_tries and repeats(text, sent):
            return "template"
        for run in RUN.findall(text):
            if any(run[at : at + window] in found for at in range(len(run) - window + 1)):
                return "template"
        return None

    return rule


_CHAPTER = 50_000
"""As much of a text as is looked at for repetition; so memory is bounded."""
_STUTTER = re.compile(r"(?<![\W\d])((?:[^\W\d_]){2,12}?)[，,。！!？?、；;]?(?:\1[，,。！!？?、；;]?){4,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")


_TABLE = re.compile(r"^[ \t]*\|.*$|^.*\t.*\t.*$", re.MULTILINE)


def repetition(*, most: float = 0.4, gram: int = 8) -> TextRule:
    """Drops a text that goes round: more than `most` of it lies in repeated sentences, or in passages of repeated `gram`-grams (Rae et al. 2021, table A1, for Chinese). Code, formulas, tables are no sentences; verse may have a refrain, and an answer what its query asks for."""

    def rule(text: str, query: str | None = None) -> str | None:
        text = _TABLE.sub("", _CODE_LINE.sub("", _FORMULA.sub("", _CODE.sub("", text[:_CHAPTER]))))
        verse = is_verse(text) or (query is not None and refrain(query))
        bare = "".join(text.split())
        if _repeats(text, 5 if verse else 2) > (max(most, 0.8) if verse else most) or _stutters(
            bare, 12 if verse else 5
        ):
            return "repetition"
        if verse or len(bare) < 4 * gram:
            return "repetition" if verse and _goes_round(bare, gram) > max(most, 0.8) else None
        return "repetition" if _goes_round(bare, gram) > most else None

    return rule


_PASSAGE = 3
"""Grams on end, as a multiple of their length, from which on what is said again is a passage and no turn of phrase."""


def _goes_round(text: str, gram: int) -> float:
    """The share of grams that were there before, of passages that are long enough."""
    seen: set[str] = set()
    run = found = 0
    for at in range(len(text) - gram + 1):
        piece = text[at : at + gram]
        if piece in seen:
            run += 1
            continue
        seen.add(piece)
        found += run if run >= _PASSAGE * gram else 0
        run = 0
    found += run if run >= _PASSAGE * gram else 0
    return found / max(1, len(text) - gram + 1)


def _stutters(text: str, most: int) -> bool:
    """Whether a piece of a few letters comes `most` times on end."""
    found = _STUTTER.search(text)
    if not found:
        return False
    piece = found[1]
    return len(found[0]) >= most * len(piece) and (len(set(piece)) > 1 or len(found[0]) > _LAUGHS)


_LAUGHS = 40
"""Times that one letter may come on end: people laugh, sigh and shout."""


def _repeats(text: str, turns: int) -> float:
    """The share of characters in sentences that were there before, or 1 if one is said again `turns` times running."""
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    long = [sentence for sentence in found if len(sentence) >= 6]
    running = 0
    for one, other in pairwise(long):
        running = running + 1 if one == other else 0
        if running >= turns:
            return 1.0
    again = sum(len(sentence) * (count - 1) for sentence, count in Counter(long).items())
    return again / max(1, sum(map(len, found)))


def fluent(
    prompts: Sequence[str] | None = None, *, least: int = 12, covered: float = 0.7, piece: int | None = None
) -> TextRule:
    """Drops what is no language: characters put together by chance (judged from `least` places on), a loop, or pieces of the prompts that make up `covered` of the text. With `piece` a longer text is judged by every so many characters of it."""
    found = texts() if prompts is None else prompts
    pieces, headings = _passages(found, _PIECE, 4), frozenset(name for text in found for name in _HEADING.findall(text))

    def rule(text: str) -> str | None:
        if reason := fluency.verdict(_prose(text), least=least, piece=piece):
            return f"fluent.{reason}"
        return "fluent.stitched" if _stitched(text[:_SEEN], pieces, headings, covered) else None

    return rule


def _prose(text: str) -> str:
    """A text without code, formulas and tables, in which lines are alike and characters follow each other as they do nowhere else."""
    return _TABLE.sub("", _CODE_LINE.sub("", _FORMULA.sub("", _CODE.sub("", text))))


_PIECE = 4
_HEADING = re.compile(r"(?:(?<=: \")[\u3400-\u9fff]{4,8}(?=\")|(?<![\u3400-\u9fff])[\u3400-\u9fff]{4,8}(?=[：:]))")
_LETTERED = re.compile(r"\W*(?:[A-Za-z][:：]\s*){2}")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_SEEN = 240
"""As much of a text as is compared with the prompts; and the fewest characters by which pieces are told."""
_FEWEST = 8


def _stitched(text: str, pieces: frozenset[str], headings: frozenset[str], covered: float) -> bool:
    """Whether a text is headings of a prompt alone, begins with letters of a list, or is pieces of prompts for the most part."""
    runs = _HAN_RUN.findall(text)
    if _LETTERED.match(text) or (runs and all(run in headings for run in runs)):
        return True
    size = sum(map(len, runs))
    if size < _FEWEST:
        return False
    hits = 0
    for run in runs:
        end = 0
        for at in range(len(run) - _PIECE + 1):
            if run[at : at + _PIECE] in pieces:
                hits += at + _PIECE - max(at, end)
                end = at + _PIECE
    return hits >= covered * size


RUN = re.compile(r"[\u3400-\u9fff]{6,}")
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def _passages(prompts: Sequence[str], window: int, least: int = 6) -> frozenset[str]:
    """Every `window` Chinese characters on end in these prompts, in runs of at least `least`."""
    found = [run for text in prompts for run in _HAN_RUN.findall(_JINJA.sub("\n", text))]
    runs = [run for run in found if len(run) >= least]
    return frozenset(run[at : at + window] for run in runs for at in range(len(run) - window + 1))
