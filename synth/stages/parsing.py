"""What a reply amounts to: something to use, or a reason why not. Found out afresh at every reading, never stored."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeVar

from synth.errors import ParseError
from synth.filters.language.refusal import is_refusal
from synth.sanitize import plain
from synth.stages.cleaning import cleaned
from synth.stages.lenient_json import field, is_closed, is_whole, json_in, numbered, texts_in, without_thought
from synth.stages.reply_stats import OK, PromptUse
from synth.stages.requester import Requester
from synth.types import Ask, Message, Reply, Request

Read = TypeVar("Read")

CLASSES: Final[Mapping[str, str]] = {
    "truncated": "truncated",
    "thought": "truncated",
    "broken": "truncated",
    "refusal": "refusal",
    "filtered": "filtered",
    "empty": "empty",
    "unreadable": "unreadable",
    "shape": "unreadable",
    "placeholder": "placeholder",
    "copied": "copied",
    "contradicts": "contradicts",
    "changed": "unreadable",
    "rejected": "error",
    "gave_up": "error",
    "outage": "error",
}
"""The class of a reply that cannot be used, by the reason; the others are ok."""

FEEDBACK = {
    "unreadable": "你上一次的输出不是合法的 JSON。请重新回答，只输出一个 JSON 对象，前后不要有任何别的文字。",
    "shape": "你上一次输出的 JSON 缺少要求的字段，或字段的类型、取值不对。请严格按要求的字段重新输出一个 JSON 对象。",
    "truncated": "你上一次的输出过长，没有写完就被截断了。请写得短一些，重新输出一个完整的 JSON 对象。",
    "placeholder": "你上一次的分析没有内容，只是占位的字，或者过短。请就给出的材料写明具体的理由，再下结论，重新输出一个完整的 JSON 对象。",
    "copied": "你上一次的分析只是照抄了给出的材料或规则。请用自己的话写明具体的理由，再下结论，重新输出一个完整的 JSON 对象。",
    "changed": "你上一次除了换上【略】，还改动了别的字。请重来：没有换成【略】的地方一字不差地照抄原文，重新输出一个完整的 JSON 对象。",
    "contradicts": "你上一次的分析与标签互相矛盾。请重新判断，让标签与分析得出的结论一致，重新输出一个完整的 JSON 对象。",
}
"""What a model is told in a second try, by reason. Fixed texts: they are part of the request's key, and an
exception's own words change with versions."""
JUDGE_ON = "这不是请你回答其中的问题，而是给已有的对话做内容安全标注，你的判断会用来保护用户。请只按要求的字段输出一个 JSON 对象。"
"""What a judge is told in a second try after declining to judge, which is no opinion of what it was to judge."""
MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    "truncated": ("cut off at max_tokens", "raise max_tokens, or ask for less at a time"),
    "thought": ("lost to a thought that took all of max_tokens", "raise max_tokens, or switch thinking off"),
    "broken": ("ended by the server before they were whole", "look at its log, or ask another"),
    "refusal": ("refused", "take another model, or other prompts"),
    "filtered": ("held back by the server's filter", "take a server without one"),
    "empty": ("empty", "look at the model's chat template and at where its server puts the answer"),
    "unreadable": ("not in the format asked for", "take a larger model"),
    "shape": ("without the fields that were asked for", "take a larger model"),
    "placeholder": ("with an analysis that says nothing", "take another model or prompt"),
    "copied": ("with an analysis that is a copy", "take another model or prompt"),
    "contradicts": ("with an analysis against their own label", "take another model or prompt"),
    "changed": ("changed in more than what was to be taken out", "take a larger model"),
    "rejected": ("too long for the model", "raise its context, or ask for less at a time"),
    "gave_up": ("failing again and again while others succeeded", "--retry-given-up asks for them again"),
    "outage": ("not to be had while the model was out", "the same command asks for them again"),
    "no_verdict": ("without a verdict of enough judges", ""),
    "other_label": ("of another label than the one asked for", ""),
    "label_agrees": ("of an analysis against its label", ""),
    "hard": ("judged differently by the judges", ""),
    "chinese": ("not Chinese", ""),
    "repetition": ("going round in circles", ""),
    "template": ("repeating the prompt", ""),
    "fluent": ("no language", ""),
    "unfinished": ("unfinished", ""),
}
"""What a reason that replies or rows were lost for says of them, and the way out where there is one: by a part of the reason's name."""
LONG = 20_000
"""Characters from which on a reply is read beside the event loop, where others wait for their turn."""
SHORTER = "你上一次的回答过长，没有写完就被截断了。请写得短一些，重新完整地回答一遍。"
"""What a model is told in a second try after an answer in plain text that was cut short."""

SECOND_TRIES: Final = (*FEEDBACK.values(), JUDGE_ON, SHORTER)
"""All that synth tells a model in a second try: a model that gives it back has only repeated it."""

_NO_ANSWER = {
    "rejected": "rejected",
    "gave_up": "gave_up",
    "retry": "gave_up",
    "outage": "outage",
    "content_filter": "filtered",
    "broken": "broken",
}
"""What replies that are none come to, by how they ended."""
DECLINED = 500
"""Of how many items the first must all be refusals for a list to be one."""


def meaning_of(reason: str) -> tuple[str, str] | None:
    """What a reason, with or without its stage, says of the replies or rows that were lost for it, and the way out (empty where there
    is none); None for one that speaks for itself."""
    return next((MEANINGS[part] for part in reversed(reason.split(".")) if part in MEANINGS), None)


def checked(reply: Reply) -> str:
    """The reply to be parsed, without thoughts. Raises ParseError for one that is no answer at all: rejected, given up
    on, filtered, broken off, empty."""
    if reason := _NO_ANSWER.get(reply.finish):
        raise ParseError(reason)
    text = without_thought(reply.text)
    if not text:
        raise ParseError("truncated" if reply.finish == "length" else "empty")
    return text


def read_text(reply: Reply) -> str:
    """A reply parsed as an answer, its whole plain text. Raises ParseError for one that is cut short or no answer at
    all."""
    text = checked(reply)
    if reply.finish == "length":
        raise ParseError("truncated")
    return plain(text)


def read_object(reply: Reply) -> Mapping[str, Any]:
    """A reply parsed as a JSON object, mended if it can be. Raises ParseError: refusal, truncated, unreadable and those
    of `checked`."""
    text = checked(reply)
    found, _ = json_in(text)
    if not isinstance(found, Mapping):
        raise ParseError(why_not(text, reply))
    return found


def read_strings(reply: Reply, name: str) -> list[str]:
    """A reply parsed as the list of strings under a name, or the bare or numbered list a model wrote instead; of a list
    cut short, what is whole."""
    text = checked(reply)
    found, closed = json_in(text)
    items = field(found, name) if isinstance(found, Mapping) else found
    if isinstance(items, str):
        items = numbered(items)
    if found is None:
        items = numbered(text)
    if not isinstance(items, list) or (found is None and not items):
        raise ParseError(why_not(text, reply) if found is None else shape(reply))
    texts = texts_in(items)
    if (texts and found is not None and not closed and not is_whole(texts[-1], text)) or (
        texts and found is None and reply.finish == "length"
    ):
        texts.pop()
    if texts and all(map(is_refusal, islice(texts, DECLINED))):
        raise ParseError("refusal")
    whole = [stripped for item in texts if (stripped := plain(item).strip())]
    if not whole:
        raise ParseError(shape(reply) if closed else "truncated")
    return whole


def read_string(reply: Reply, name: str) -> str:
    """A reply parsed as a JSON object, of which the one text under a name. Raises ParseError if there is none."""
    value = field(read_object(reply), name)
    if reply.finish == "length":
        raise ParseError("truncated")
    if not isinstance(value, str) or not value.strip():
        raise ParseError("shape")
    if not is_closed(reply.text) and not is_whole(value, reply.text):
        raise ParseError("truncated")
    if is_refusal(value):
        raise ParseError("refusal")
    return plain(value).strip()


async def ask_until_read(
    ask: Ask,
    caller: Requester,
    place: PromptUse,
    request: Request,
    read: Callable[[Reply], Read],
    *,
    as_what: Callable[[Read], str] = lambda _: OK,
    spare: bool = False,
) -> Read:
    """What `read` parses out of the reply. One it cannot use costs one more try, told what was wrong. Raises its
    ParseError.

    Every reply is counted; `as_what` is the class of one that could be read. With `spare` another model stands by.
    """
    tries = 0
    while True:
        reply = await ask(place.stage, caller.role, request, spare=spare)
        try:
            found = await _read(reply, read, caller, request)
        except ParseError as error:
            caller.stats.count(ask, caller.model, place, CLASSES.get(error.reason, "unreadable"))
            tries += 1
            words = _shown(reply) if caller.clean else reply.text
            again = _again(request, words, error.reason, judging=place.judging)
            final = caller.clean and error.reason == "filtered"  # what a filter has seen it will see again
            if tries > 1 or again is None or final:
                raise ParseError(error.reason, words, caller.model) from error
            request = again
        else:
            caller.stats.count(ask, caller.model, place, as_what(found))
            return found


async def ask_once(
    ask: Ask,
    caller: Requester,
    place: PromptUse,
    request: Request,
    read: Callable[[Reply], Read],
    *,
    spare: bool = False,
) -> Read | None:
    """What `read` parses out of the one reply to a request, which is counted; None where it cannot be used."""
    reply = await ask(place.stage, caller.role, request, spare=spare)
    try:
        found = await _read(reply, read, caller, request)
    except ParseError as error:
        caller.stats.count(ask, caller.model, place, CLASSES.get(error.reason, "unreadable"))
        return None
    caller.stats.count(ask, caller.model, place, OK)
    return found


async def _read(reply: Reply, read: Callable[[Reply], Read], caller: Requester, request: Request) -> Read:
    def found() -> Read:
        return read(cleaned(reply, as_json=request.schema is not None) if caller.clean else reply)

    long = len(reply.text) + len(reply.reasoning or "") > LONG
    return await asyncio.to_thread(found) if long else found()


def _again(request: Request, words: str, reason: str, *, judging: bool) -> Request | None:
    """The second try: after an answer that was none the same request once more, else with the answer and what was wrong with it.
    Who refuses to write is not asked again; who refuses to judge is told what judging is."""
    if reason == "empty" or (judging and reason == "filtered"):
        return replace(request, draw=(*request.draw, "again", 1))
    reason = "truncated" if reason == "broken" else reason  # most words for it that nobody knows mean some limit
    table = FEEDBACK if request.schema is not None else {"truncated": SHORTER}
    if request.text is not None:  # a base model takes no feedback
        return replace(request, draw=(*request.draw, "again", 1)) if reason == "truncated" else None
    feedback = JUDGE_ON if judging and reason == "refusal" else table.get(reason)
    if feedback is None:
        return None
    told = (Message("assistant", words[:2000]), Message("user", feedback))
    if request.prefill:
        return replace(request, messages=(*request.messages[:-1], *told, request.messages[-1]))
    return replace(request, messages=request.messages + told)


def _shown(reply: Reply) -> str:
    """A model's words as they came; where it gave no answer, its thought."""
    return reply.text if reply.text.strip() else reply.reasoning or ""


def why_not(text: str, reply: Reply) -> str:
    """Why a reply that holds no JSON cannot be parsed: refusal, truncated or unreadable."""
    if is_refusal(text):
        return "refusal"
    return "truncated" if reply.finish == "length" else "unreadable"


def shape(reply: Reply) -> str:
    """Why a reply whose JSON is not what was asked for cannot be parsed: truncated or shape."""
    return "truncated" if reply.finish == "length" else "shape"
