"""A reply made fit to be read: without a thought before the answer, end-of-turn tokens, invisible marks, and marks or quotes around it all.

What is kept and what a second try quotes is the reply as it came.
"""

import re
from dataclasses import replace
from typing import Final

from synth.errors import ParseError
from synth.stages.full_width import as_ascii
from synth.types import Reply

_NONE: Final = frozenset({"rejected", "gave_up", "retry", "outage", "content_filter", "broken"})
"""How replies end that are no answer: their words are the server's."""
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u2061\u2062\u2063\u2064\u00ad\u180e"))
_WORD = (
    r"(?:[\w.]{1,16}[:_-])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion|ing)?|scratch_?pad|cot|chain_of_thought"
    r"|inner_monologue|思考(?:过程)?|思维链?|推理(?:过程)?|内心独白)(?:[:_-][\w.]{1,16})?"
)
_AT = r"(?:<[|｜]?|＜|◁|«|⟨)"
_TO = r"(?:[|｜]?>|＞|▷|»|⟩)"
_SQUARE = r"(?:THINK(?:ING)?|REASONING|think(?:ing)?)"
_BEGIN = (
    rf"(?:{_AT}(?!(?i:end)[ _-])(?i:{_WORD}){_TO}|\[{_SQUARE}\]|<\|channel>\s?(?:thought|analysis)|<unused94>thought)"
)
_BEGINS = re.compile(_BEGIN)
_ENDS = re.compile(
    rf"(?:{_AT}(?:/|(?i:end)[ _-](?:(?i:of)[ _-])?)(?i:{_WORD}){_TO}|\[/{_SQUARE}\]|[\[【]/(?i:{_WORD})[\]】]"
    r"|<channel\|>|<unused95>)\s*+"
)
_HEADED = re.compile(rf"[\[【](?i:{_WORD})[\]】]")
"""What may be a heading of the answer's own: a thought only where it is closed."""
_TITLE = r"(?i:思考(?:过程)?|内心独白|思维链|think(?:ing)?(?: process)?|thoughts?(?: process)?|reasoning)"
_CLOSED = re.compile(
    rf"(?:\{{((?i:{_WORD}))\}}.*?\{{/\1\}}"
    r"""|<details\b[^<>]{0,200}?\btype\s?=\s?["']?reasoning\b[^<>]{0,200}>.*?</details>"""
    rf"|(?:\*\*{_TITLE}(?:[:：]\*\*|\*\*[:：]?)|#{{1,4}} {_TITLE}[:：]?[^\S\n]*\n).*?\n[^\S\n]*-{{3,}}[^\S\n]*\n(?=\s*\S))\s*+",
    re.DOTALL,
)
"""Thoughts in marks that answers have of their own too, so only whole ones: for a heading, up to a line across."""
_LATER = re.compile(rf"^[^\S\n]*+{_BEGIN}", re.MULTILINE)
_CHANNEL = re.compile(r"(?:<\|start\|>\w{0,20})?<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>\s{0,4}final[^<]{0,40}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>")
_BARE_CHANNEL, _BARE_FINAL = "analysis", "assistantfinal"
"""The same where the server has left out the tokens and not the words between them."""
_LAST = re.compile(
    r"(?:<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|</?(?:eos|eot|eod|end_of_turn|end_of_text|endoftext|im_end|eot_id|pad)>|<turn\|>"
    r"|\[(?:EOS|EOT|END|PAD)\]|<unused\d{1,3}>)\Z",
    re.IGNORECASE,
)
_TOKEN = 48
"""Characters of an end-of-turn token at most."""
_INSIDE = r"(?:final[_ -]?)?(?:answer|output|response|result|box)|final|(?:最终)?(?:回答|答案|回复|输出)"
_WRAPS = re.compile(
    rf"<(?:{_INSIDE})>|＜(?:{_INSIDE})＞|<[|｜]begin_of_(?:{_INSIDE})[|｜]>|\[(?:{_INSIDE})\]|【(?:{_INSIDE})】",
    re.IGNORECASE,
)
_PAIRS = {"“": "”", '"': '"', "「": "」", "『": "』"}
_SENTENCE = re.compile(r"[。！？!?]|\.(?=\s|\Z)")
_WRAPPED, _WRAPPED_LINES = 5, 3
"""Sentences from which on quotes around a whole answer are a wrapper and it no quotation; likewise of several lines."""


def cleaned(reply: Reply, *, as_json: bool = False) -> Reply:
    """The reply as it is to be read. With `as_json` it should hold JSON, whose own punctuation becomes ASCII. Raises
    ParseError for a thought that took all there was room for."""
    if reply.finish in _NONE:
        return reply
    text, thought = _answer(reply.text)
    if not text and reply.finish == "stop" and reply.reasoning:
        text, _ = _answer(reply.reasoning)
    if not text and reply.finish == "length" and (thought or (reply.reasoning or "").strip()):
        raise ParseError("thought")
    return replace(reply, text=as_ascii(text) if as_json else _unwrapped(text))


def _answer(text: str) -> tuple[str, bool]:
    """The answer in a text, and whether there was a thought before it."""
    text = text.translate(_UNSEEN).strip()
    found = _without_thought(text)
    return _without_wrapping(found), found != text


def _without_thought(text: str) -> str:
    """What comes after thoughts; nothing after one that never ends."""
    if _CHANNEL.match(text):
        return _after_last(_FINAL, text, 0) or ""
    if text.startswith(_BARE_CHANNEL) and _BARE_FINAL in text:
        return text.rpartition(_BARE_FINAL)[2].strip()
    at = 0
    while begins := _CLOSED.match(text, at) or _BEGINS.match(text, at) or _HEADED.match(text, at):
        if begins.re is _CLOSED:
            at = begins.end()
            continue
        end = _ENDS.search(text, begins.end())
        if end is None:
            break
        at = end.end()
    found = _after_last(_ENDS, text, at)
    found = text[at:] if found is None else found
    later = _LATER.search(found)
    return found[: later.start()].strip() if later else found


def _after_last(mark: re.Pattern[str], text: str, at: int) -> str | None:
    end = max((found.end() for found in mark.finditer(text, at)), default=None)
    return None if end is None else text[end:].strip()


def _without_wrapping(text: str) -> str:
    """Without end-of-turn tokens at the end, and without pairs of marks around all of it that call it the answer."""
    start, at = 0, len(text)
    while True:
        begins = _WRAPS.match(text, start, at)
        if begins and _encloses(text, begins, at):
            start, at = begins.end(), at - len(_closing(begins[0]))
            while start < at and text[start].isspace():
                start += 1
        elif token := _LAST.search(text[max(start, at - _TOKEN) : at]):
            at -= len(token[0])
        else:
            return text[start:at]
        while at > start and text[at - 1].isspace():
            at -= 1


def _encloses(text: str, begins: re.Match[str], at: int) -> bool:
    """Whether a mark is closed where the text ends, and nowhere opened or closed before."""
    closing = _closing(begins[0])
    end = at - len(closing)
    return (
        text.endswith(closing, begins.end(), at)
        and text.find(closing, begins.end(), end) < 0
        and text.find(begins[0], begins.end(), end) < 0
    )


def _closing(mark: str) -> str:
    if mark[1] in "|｜":
        return re.sub("begin", lambda word: "END" if word[0].isupper() else "end", mark, count=1, flags=re.IGNORECASE)
    return f"{mark[0]}/{mark[1:]}"


def _unwrapped(text: str) -> str:
    """Without one pair of quotes around all of it, where what stands between is more than one would quote."""
    if len(text) < 2 or _PAIRS.get(text[0]) != text[-1]:
        return text
    inner = text[1:-1]
    if text[0] in inner or text[-1] in inner:
        return text
    sentences = len(_SENTENCE.findall(inner))
    return inner.strip() if sentences >= (_WRAPPED_LINES if "\n" in inner.strip() else _WRAPPED) else text
