"""The first frames of the offline backend, the family `offline/1`: what it answers to each task. Its words are frozen."""

import random
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from synth.backends._schema import value_of
from synth.backends.offline.erring import ERRING, FRAMED, REFUSED, SILENT, TWICE, as_json
from synth.backends.offline.one_frames import compose_framed, compose_harmful, core, frames
from synth.backends.offline.prompted import KINDS, between, stance_of
from synth.recipe.controls import known
from synth.types import MARK

_ELEMENT = re.compile(r"^- (行为|任务形式|地区|场合|提问者|语气|伪装手法)：(.+)$", re.MULTILINE)
_NATURAL = {"refuse": 0.55, "safe_complete": 0.2, "comply": 0.2, "partial": 0.05}


def _queries(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    if chance.random() < REFUSED:
        return "抱歉，我不能协助编写这类内容。如果您有其他需要，我很乐意帮忙。"
    count = int(schema["properties"]["queries"].get("maxItems", 10))
    kind = next((kind for title, kind in KINDS.items() if re.search(f"^{title}：", user, re.MULTILINE)), "ordinary")
    drawn = _elements(user)
    items = compose_harmful(chance, drawn, count) if kind == "harmful" else compose_framed(chance, drawn, count, kind)
    if chance.random() < TWICE:
        items[-1] = items[0]
    if chance.random() < FRAMED:
        items[0] = f"1. {items[0]}"
    return as_json(chance, {"queries": items})


def _query(chance: random.Random, system: str, user: str, _schema: Mapping[str, Any]) -> str:
    if chance.random() < REFUSED:
        return "对不起，我无法帮助改写这个问题。"
    told = system + user
    operator = "red_team" if "红队" in told else "paraphrase" if "复述" in told else "rewrite"
    query = user.rpartition("原问题：")[2].strip()
    drawn = {
        "提问者": chance.choice(["外地来的租客", "退休工人", "开小店的老板", "兼职的研究生"]),
        "地区": "县城",
    } | _elements(user)
    meant = chance.choice(frames()["hearsay"]).format(B=core(query))
    frame = chance.choice(frames()["leads"]) + chance.choice(frames()[operator]) + chance.choice(frames()["tails"])
    text = frame.format(H=meant, P=drawn["提问者"], R=drawn["地区"])
    return as_json(chance, {"query": text})


def _verdict(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    if chance.random() < SILENT:
        return "抱歉，我不能对这类内容作出评价。"
    query, response = (between(user, tag) for tag in ("用户", "助手"))
    asked = schema.get("properties", {}).get("label", {})
    labels = asked.get("enum", ["安全", "不安全"])  # the safe one first; two where nobody says which
    control, harmful = known(query, response), _harmful(query)
    if control:
        grade = (len(labels) - 1) * (control.label == "unsafe")
        harmful = harmful or control.kind in ("refusal", "partial", "compliance")
    elif "<助手>" in user:
        grade = _grade(response, len(labels) - 1)
    else:
        grade = (len(labels) - 1) * harmful
    if chance.random() < ERRING:
        grade += 1 if not grade else -1
    intent, label = "有害" if harmful else "无害", labels[grade]
    kinds = {0: "refused" if harmful else "helpful", len(labels) - 1: "unsafe"}
    kind = kinds.get(grade, "between")
    analysis = chance.choice(frames()["analysis"][kind]).format(C=core(query), L=label)
    return as_json(chance, {"analysis": analysis, "intent": intent, "label": label})


def _items(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    """New entries of a bank, spliced from the old ones."""
    old = re.findall(r"^- (.+)$", user, re.MULTILINE) or ["日常小事"]
    halves = [(item[: len(item) // 2], item[len(item) // 2 :]) for item in old]
    count = int(schema["properties"]["items"].get("maxItems", 10))
    return as_json(chance, {"items": [chance.choice(halves)[0] + chance.choice(halves)[1] for _ in range(count)]})


def _answer(chance: random.Random, system: str, user: str, _schema: Mapping[str, Any]) -> str:
    query = [part for part in user.split("\n\n") if not part.startswith("（以上是")][-1]
    stance = stance_of(system + user)
    if stance is None and _harmful(query):
        stance = chance.choices(list(_NATURAL), list(_NATURAL.values()))[0]
    words, about = frames(), core(query)
    if stance == "refuse":
        parts = [chance.choice(words["refuse"][part]) for part in ("openers", "reasons", "advice")]
        return "".join(parts).format(C=about)
    along = stance in ("comply", "partial")
    voice = "safe_complete" if stance == "safe_complete" else "comply" if along else "helpful"
    points = chance.sample(words[voice]["points"], chance.randint(3, 5))
    if stance == "redact":
        points[chance.randrange(len(points))] = chance.choice(words["redacted"])
    listed = [f"{number}. {point}" for number, point in enumerate(points, start=1)]
    opener = chance.choice(words["partial" if stance == "partial" else voice]["openers"]).format(C=about)
    closer = chance.choice(words["comply" if along else "helpful"]["closers"])
    return "\n".join([opener, *listed, *([closer] if closer else [])])


def _unknown(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    """What a stage asks for that this backend has never heard of: whatever its schema allows."""
    text = chance.choice(frames()["analysis"]["between"]).format(C=core(user), L="")
    return as_json(chance, value_of(chance, schema, text))


TASKS: Mapping[str | None, Callable[[random.Random, str, str, Mapping[str, Any]], str]] = {
    None: _answer,
    "unknown": _unknown,
    "queries": _queries,
    "query": _query,
    "verdict": _verdict,
    "items": _items,
}


def _elements(user: str) -> dict[str, str]:
    return dict(_ELEMENT.findall(user))


def _harmful(query: str) -> bool:
    return bool(_cues().search(query))


def _goes_along(response: str) -> bool:
    """Whether an answer goes along with a harmful wish: by its opening; by what it leaves out, if it is of other making."""
    words = frames()
    if response.startswith(tuple(words["comply"]["openers"] + words["partial"]["openers"])):
        return True
    return MARK in response and not any(point in response for point in words["redacted"])


def _grade(response: str, most: int) -> int:
    """How severe an answer is, 0 to `most`: one that begins by declining and then goes along is in between, if anything is."""
    hedges = response.startswith(tuple(frames()["partial"]["openers"]))
    return 0 if not _goes_along(response) else (most + 1) // 2 if hedges else most


@cache
def _cues() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, frames()["harm_cues"])))
