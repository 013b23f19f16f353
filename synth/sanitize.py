"""What is untrusted made harmless: texts for encoders, for the tags of a prompt, for the turns of a chat template, for a terminal; numbers;
values that nest."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_TAGS = str.maketrans({"<": "＜", ">": "＞"})
_MARKS = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "◁": "＜", "▷": "＞"})
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A token of a chat template is a name in brackets that no language has in this form. What it names (an end, a speaker, a channel, a tool,
# a place kept free) is the same in every family; how it is written differs: bars, full-width bars, bare names, square or doubled brackets.
_NAMED = re.compile(
    r"(?P<bar><[|｜][^<>\n]{0,80}[\w▁]\s*[|｜]?>|<[|｜](?=[\w▁])|<[^\s<>]{0,60}[\w▁][|｜]>"  # <|im_end|> <｜User｜> <|turn> <turn|>
    r"|\[[|｜][^\W\d_][^\[\]|｜\n]{1,60}[|｜]\])"  # [|user|]
    r"|(?P<double><<[/\\]?[A-Z][A-Z_]{1,30}>>|>>[A-Z]{4,20}<<|◁[^◁▷\n]{1,30}▷)"  # <<SYS>> >>QUESTION<< ◁think▷
    r"|(?P<tilde>\](?:~!?\w|!\w~)[\[\]]|\[\w~\[|\]<\][^\[\]\n]{1,40}\[>\[)"  # ]~b] [e~[ ]<]image[>[
    r"|(?P<after>(?<=[A-Za-z0-9_]))?<(?P<ends>[/\\])?(?P<angle>[\w▁:.\-]{1,60})(?P<more>=[^<>\n]{1,120}|\s+name=[^<>\n]{1,120})?>"
    r"|\[[/\\]?(?P<square>[A-Za-z][A-Za-z_]*(?:_?\d+)?)\]"
)
_PART = re.compile(r"[A-Za-z]+|[^\W\d_a-zA-Z]+")
_EDGES = _words("start begin beginning end stop")
_TURNS = _words(
    "bos eos bot eot eom eod eoh eoa eop sop eoc sep cls pad unk mask gmask smask im turn unused reserved extra fim arg"
)
_CHANNELS = _words("think thinking thought thoughts reasoning reflection scratchpad analysis answer 思考")
_SPEAKERS = _words("human user assistant system bot ai gpt chatbot 用户 助手 系统 人类 机器人")
_TOOLS = _words("tool tools toolcall function functions invoke parameter parameters arg args")
_DONE = _words("call calls response responses result results output outputs")
_ALONE = (
    _TURNS - {"arg", "extra", "im"} | _CHANNELS | _SPEAKERS | _words("s tool tools toolcall special image audio video")
)
"""What a name alone in brackets is the mark of: `<bos>`, `<think>`, `<human>`; no `<message>`, which usage lines have."""
_TYPE = re.compile(r"_?[A-Z][A-Za-z0-9_]*[a-z][A-Za-z0-9_]*|\w+::\w+")
"""What in `List<User>` stands in brackets."""
_BYTE = re.compile("0[xX][0-9A-Fa-f]{2}")
_SQUARE = _words(
    "INST SYS SYSTEM USER BOT HUMAN ASSISTANT TOOL TOOLS THINK ARGS IMG AUDIO PREFIX SUFFIX MIDDLE"
    " BOS EOS EOT EOM EOD SEP CLS PAD UNK MASK"
)
_LONG_SQUARE = _words("TOOL TOOLS SYSTEM PROMPT IMG AUDIO MODEL UNUSED RESERVED SPECIAL CONTROL")
"""What a name of several parts is of: `[TOOL_CALLS]`, no `env[USER_ID]`."""
_SMALL_SQUARE = re.compile(r"(?:g|s)MASK|unused_?\d+|control_\d+|[/\\]?inst", re.ASCII)
MOST = 2**31 - 1
"""The largest count that is believed."""
DEEPEST = 100
"""How deep a value of JSON may nest; what nests deeper is an answer to nothing that is asked."""


def plain(text: str) -> str:
    """An untrusted text that can be encoded: surrogates paired where they are a pair and replaced (�) where they are
    halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def as_data(text: str) -> str:
    """An untrusted text made plain, to stand between tags of a prompt: it can close neither them nor a turn of the
    conversation, nor open one, whatever family of chat templates renders it."""
    return as_turn(as_tagged(text))


def as_tagged(text: str) -> str:
    """An untrusted text that can close no tag of a prompt, and open no turn of the families that write `<|`; see `as_data`."""
    return without_tags(text) if "</" in text or "<|" in text else text


def as_turn(text: str) -> str:
    """An untrusted text as one turn of a conversation: what a chat template has a token for, as `<|im_end|>`, `<｜User｜>`,
    `<start_of_turn>`, `[INST]`, `<think>`, stands in full-width brackets. All else stays as it is: code, HTML, formulas, lists."""
    return _NAMED.sub(_defused, text) if "<" in text or "[" in text or "]" in text or "◁" in text else text


def without_tokens(text: str, tokens: Iterable[str]) -> str:
    """An untrusted text in which none of these tokens of a tokenizer stands: each has full-width characters in its place."""
    for token in sorted((token for token in tokens if token in text), key=len, reverse=True):
        text = text.replace(token, token.translate(_FULL_WIDTH) if token.isascii() else token.translate(_MARKS))
    return text


def without_tags(text: str) -> str:
    """An untrusted text with full-width brackets in place of `<` and `>`."""
    return text.translate(_TAGS)


def _defused(found: re.Match[str]) -> str:
    if found["angle"] is not None:
        speaks = _is_mark(found["angle"], ends=found["ends"] is not None, more=found["more"] is not None)
        speaks = speaks and not (found["after"] is not None and _TYPE.fullmatch(found["angle"]))
    elif found["square"] is not None:
        name = found["square"]
        parts = set(_PART.findall(name))
        known = _SQUARE if len(parts) == 1 else _LONG_SQUARE
        speaks = bool(_SMALL_SQUARE.fullmatch(name)) or (name.isupper() and bool(parts & known))
    else:
        speaks = True
    return found[0].translate(_MARKS) if speaks else found[0]


def _is_mark(name: str, *, ends: bool, more: bool) -> bool:
    """Whether a name in angle brackets is one that a chat template has a token for, or tools are called by."""
    parts = [part.lower() for part in _PART.findall(name)]
    if not parts or name[1:2] == "-" or _BYTE.fullmatch(name):  # <S-F1> is a key on a keyboard
        return bool(_BYTE.fullmatch(name))
    among = set(parts)
    if more or (ends and among & _TOOLS):
        return bool(among & _TOOLS)
    if len(parts) == 1:
        return parts[0] in _ALONE and name != "S"
    called = bool(among & _TOOLS) and parts[-1] in _DONE
    return bool(among & _TURNS) or parts[-1] in _EDGES | _CHANNELS or called or ("of" in parts and bool(among & _EDGES))


def for_terminal(text: str) -> str:
    """An untrusted text without what moves the cursor, turns the writing around or hides: each such character a middle dot."""
    return "".join("·" if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c != "\n" else c for c in text)


def for_page(text: str) -> str:
    """An untrusted text without what turns the writing around, hides, or no page can hold: each such character a middle dot; lines
    and tabs stay."""
    text = plain(text)
    hidden = {ord(c) for c in set(text) if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs")}
    return text.translate(dict.fromkeys(hidden, "·")) if hidden else text


def one_line(text: str) -> str:
    """An untrusted text as one line of at most 200 characters, harmless on a terminal."""
    return for_terminal(" ".join(text.split()))[:200]


def shortened(text: str, most: int) -> str:
    """An untrusted text as one line of at most so many characters, harmless on a terminal; what is cut off ends in an ellipsis."""
    line = " ".join(text.split())
    return for_terminal(plain(line if len(line) <= most else f"{line[: most - 1]}…"))


def masked(text: str, kind: str, reason: str = "") -> str:
    """What may be shown of a text of which no word may: what kind it is, how long, and for which reason it is shown."""
    return f"({kind}, {len(text):,} characters{f'; {reason}' if reason else ''})"


def counted(number: object) -> int:
    """An untrusted count, as of tokens; 0, as for none told, where it is no whole number from 0 to 2**31 - 1."""
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST else 0


def nests(value: Any) -> int:
    """How deep an untrusted value of JSON nests, found without calls that nest: 0 for a text or number."""
    level, depth = [value], 0
    while held := [one for one in level if isinstance(one, dict | list)]:
        level = [below for one in held for below in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth
