"""Rules on any text, a query or an answer. Each takes its options and gives a rule: text -> reason key or None."""

import re
from collections.abc import Sequence

from synth.filters.language import fluency, mojibake
from synth.filters.language.asked import notation, other_language, refrain
from synth.filters.language.refusal import is_refusal
from synth.filters.language.repetition import goes_round, is_loop, said_again, stutters
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
        if query is not None and len(_WORD.findall(prose)) <= _TERM and not _TALKS.search(prose):
            return None
        han, words = len(_HAN.findall(prose)), len(_WORD.findall(prose))
        if len(_OTHER.findall(prose)) > max(_FEW, han / 2):
            return "chinese"
        if han == 0:
            return "chinese" if words > names or not _CONTENT.search(text) else None
        return "chinese" if words > names and han < least * (han + words) else None

    return rule


_TERM = 8
_TALKS = re.compile(
    r"\b(?:i|i'm|you|your|we|sorry|please|can't|cannot)\b|[？?！!。]|[\u3040-\u30ff\uac00-\ud7af\u0400-\u06ff]",
    re.IGNORECASE,
)
"""So many words that nobody says to anybody are a name, a term, a title, whatever was asked."""
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


_BROKEN = re.compile(r"[\ufffd\ud800-\udfff\x00-\x08\x0b\x0e-\x1f\x7f\ue000-\uf8ff\ufff0-\ufffb]")
_FILLED = tuple(
    (debris, re.compile(sign))
    for debris, sign in (
        ("锟斤拷", "锟斤拷"),
        ("烫烫烫", "(?<![好太真很])烫{3}"),
        ("屯屯屯", "(?<![好太真很])屯{3}"),
    )
)
"""What is seen of a wrong encoding, and of memory that nothing was written to."""
_ALONE = re.compile(r"(?<!\w)[^\w\s\u2190-\u2bff\U0001f000-\U0001faff\ufe0f\u200d](?!\w)")
"""A mark that no letter or digit stands beside; pictures and drawings are none."""
_SIGHT = 50_000
"""Characters that are looked at for marks."""


def garbled(*, most: float = 0.6) -> TextRule:
    """Drops a text that was read in the wrong encoding, is a tokenizer's pieces, has control or replacement characters, or is more than `most` marks that stand at no word."""

    def rule(text: str) -> str | None:
        if _BROKEN.search(text) or any(debris in text and sign.search(text) for debris, sign in _FILLED):
            return "garbled.characters"
        if mojibake.misread(text):
            return "garbled.encoding"
        if mojibake.pieces(text):
            return "garbled.tokens"
        if most >= 1:  # there are no more marks than characters
            return None
        prose = _formulas_out(_CODE.sub("", text)[:_SIGHT])
        return "garbled.marks" if len(_ALONE.findall(prose)) > most * max(len(prose), 8) else None

    return rule


_RULED = re.compile(r"^[\s|:+=_-]+$", re.MULTILINE)
_BRACKETED = re.compile(r"[(\[{（【][^()\[\]{}（）【】\n]{0,80}?\w[^()\[\]{}（）【】\n]{0,80}[)\]}）】]")


def _formulas_out(text: str) -> str:
    """A text with letters in the place of brackets around words, as formulas and patterns are full of, without lines of a table."""
    for _ in range(3):
        text = _BRACKETED.sub("x", text)
    return _RULED.sub("", text)


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


_OPENS = re.compile(r"[<\[#]")
"""Without these there is no token, tag or heading."""
_TRADE = re.compile(r"护栏模型|内容安全数据集|反面样本")


_WHOLE_FORM = re.compile(
    r"\A\s*<(think|thinking|reasoning)>.*?</\1>(?=\s*\S)|<tool_call>\s*[\[{][^<]*[\]}]\s*</tool_call>|(?<=[\u3400-\u9fff“‘「`（(、，])\s?\[[A-Z]{3,4}\]\s?(?=[\u3400-\u9fff”’」`）)、，])",
    re.DOTALL,
)
"""A whole thought before an answer, a whole call of a tool, a token that is spoken of in a sentence."""


def debris(*, forms: bool = False) -> TextRule:
    """Drops a text with template debris: special tokens, reasoning tags, headings of an instruction format, words of our trade. With `forms` a whole thought before an answer, a whole call of a tool and tokens that a sentence speaks of pass."""

    def rule(text: str) -> str | None:
        bare = _CODE.sub("", text)
        if _OPENS.search(bare) and _DEBRIS.search(_WHOLE_FORM.sub("", bare) if forms else bare):
            return "debris.token"
        return "debris.echo" if _TRADE.search(text) else None

    return rule


def refusal(*, users: bool = False) -> TextRule:
    """Drops a generator's refusal that poses as a query. With `users` a user who tells of what he cannot do, or says what he will not do unless, refuses nothing."""

    def rule(text: str) -> str | None:
        return "refusal" if is_refusal(text) and not (users and is_users(text)) else None

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
_TABLE = re.compile(r"^[ \t]*\|.*$|^.*\t.*\t.*$", re.MULTILINE)


def repetition(*, most: float = 0.4, gram: int = 8) -> TextRule:
    """Drops a text that goes round: more than `most` of it lies in repeated sentences, or in passages of repeated `gram`-grams (Rae et al. 2021, table A1, for Chinese). Code, formulas, tables are no sentences; verse may have a refrain, and an answer what its query asks for."""

    def rule(text: str, query: str | None = None) -> str | None:
        text = _prose(text[:_CHAPTER])
        bare = "".join(text.split())
        asked = query is not None and refrain(query)
        loose = most > _LOOSE or asked or is_verse(text)
        limit, turns, times = (max(most, _MOSTLY), 5, 12) if loose else (most, 2, 5)
        again = max(said_again(text, turns), goes_round(bare, gram) if len(bare) >= 4 * gram else 0.0)
        return "repetition" if again > limit or stutters(bare, times) or (not asked and is_loop(bare)) else None

    return rule


_LOOSE, _MOSTLY = 0.5, 0.8
"""From which `most` on a text may say a thing a few times running; what of a refrain, or of such a text, must be said again."""


def fluent(
    prompts: Sequence[str] | None = None, *, least: int = 12, covered: float = 0.7, piece: int | None = None
) -> TextRule:
    """Drops what is no language: characters put together by chance (judged from `least` places on), a loop, or pieces of the prompts that make up `covered` of the text. With `piece` a longer text is judged by every so many characters of it."""
    found = texts() if prompts is None else prompts
    pieces, headings = _passages(found, _PIECE, 4), frozenset(name for text in found for name in _HEADING.findall(text))

    def rule(text: str, query: str | None = None) -> str | None:
        reason = fluency.verdict(_prose(text), least=least, piece=piece)
        if reason and not (reason == "loop" and query is not None and refrain(query)):
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
