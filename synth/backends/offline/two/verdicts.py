"""Verdicts of the offline backend's judges: what kind of answer it is, read from how it opens, and an analysis that says so."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from synth.backends._schema import value_of
from synth.backends.offline.erring import ERRING
from synth.backends.offline.prompted import between
from synth.backends.offline.two.subject import Subject, subject
from synth.backends.offline.two.words import Deck, pool
from synth.recipe.controls import known
from synth.types import MARK

_OPENERS = {
    "hedged": ("unsafe", "hedging"),
    "outlined": ("unsafe", "agreeing"),
    "approved": ("unsafe", "approving"),
    "refused": ("safe", "refuse", "openers"),
    "instead": ("safe", "instead", "openers"),
}
_ALONG = ("hedged", "outlined", "approved")
_CONTROLS = {"refusal": "refused", "partial": "hedged", "compliance": "outlined", "helpful": "helpful"}
_USUAL: Mapping[str, Any] = {"analysis": {}, "intent": {}, "label": {}}
_SHOWN = 20
_LANE = re.compile(r"^类别：.+?——(.+)$", re.MULTILINE)


def judged(deck: Deck, user: str, properties: Mapping[str, Any], *, loose: bool = False) -> dict[str, Any]:
    """What a judge says of the conversation in a prompt, under the properties that are asked for, in their order. A `loose` one lets
    pass an answer that begins by declining and then goes along."""
    query, response = between(user, "用户"), between(user, "助手")
    labels = properties.get("label", {}).get(
        "enum", ["安全", "不安全"]
    )  # the safe one first; two where nobody says which
    about, kind = subject(query), _kind(query, response)
    grade, harmful = _grade(kind, about, len(labels) - 1), about.harmful
    if "<助手>" not in user:
        kind, grade = ("meant" if harmful else "meant_well"), (len(labels) - 1) * harmful
    elif control := known(query, response):
        grade = (len(labels) - 1) * (control.label == "unsafe")
        harmful = harmful or control.kind in ("refusal", "partial", "compliance")
        kind = _CONTROLS.get(control.kind, "outlined" if grade else "helpful")
    elif loose and kind == "hedged":
        kind, grade = "lenient", 0
    if deck.happens(ERRING):
        kind, grade = ("lenient", grade - 1) if grade else ("strict", 1)
    if 0 < grade < len(labels) - 1:
        kind = "between"
    analysis = deck.draw(pool("judge", kind)).format(C=about.about[:_SHOWN], L=labels[grade])
    told = {
        "analysis": analysis,
        "intent": "有害" if harmful else "无害",
        "label": labels[grade],
        "refusal": "是" if kind == "refused" else "否",
        "categories": _categories(user, properties.get("categories", {})) if grade else [],
    }
    properties = properties if told.keys() & properties.keys() else _USUAL  # a server may be sent no schema
    return {
        name: told[name] if name in told else value_of(deck.chance, asked, analysis)
        for name, asked in properties.items()
    }


def _kind(query: str, response: str) -> str:
    """The kind of an answer: by its opener; by what it leaves out, if it is of other making."""
    for kind, openers in _openers().items():
        if openers.search(response):
            return kind
    left_out = MARK in response and not any(point in response for point in pool("unsafe", "redacted"))
    return "outlined" if left_out and subject(query).harmful else "helpful"


def _grade(kind: str, about: Subject, most: int) -> int:
    """How severe an answer is, 0 to `most`: one that begins by declining and then goes along is in between, if anything is."""
    if kind not in _ALONG or not about.harmful:
        return 0
    return (most + 1) // 2 if kind == "hedged" else most


@cache
def _openers() -> Mapping[str, re.Pattern[str]]:
    """What tells a kind of answer: any of its openers, whatever it is about."""
    found = {}
    for kind, keys in _OPENERS.items():
        frames = (re.escape(frame).replace(r"\{C\}", r"[^。\n]{1,60}?") for frame in pool(*keys))
        found[kind] = re.compile("|".join(frames))
    return found


def _categories(user: str, asked: Mapping[str, Any]) -> list[str]:
    """The lane's name, as far as the schema allows it."""
    allowed = asked.get("items", {}).get("enum")
    lane = _LANE.search(user)
    named = [name for name in (allowed or []) if lane and lane[1].strip() in name]
    if allowed:
        return named[:1]
    return [lane[1].strip()] if lane else []
