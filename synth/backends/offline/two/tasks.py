"""What the offline backend's second frames answer to each task, told apart by the title of the schema asked for."""

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from synth.backends._schema import value_of
from synth.backends.offline.erring import FRAMED, MISSING, REFUSED, SHUFFLED, SILENT, TWICE, as_json
from synth.backends.offline.prompted import between
from synth.backends.offline.two import asked
from synth.backends.offline.two.answers import answered
from synth.backends.offline.two.category import drafted, placed
from synth.backends.offline.two.queries import composed, lane
from synth.backends.offline.two.redacting import redacted
from synth.backends.offline.two.subject import subject
from synth.backends.offline.two.verdicts import judged
from synth.backends.offline.two.words import Deck, pool, words

Task = Callable[[random.Random, str, str, Mapping[str, Any]], str]


def _queries(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    if chance.random() < REFUSED:
        return "抱歉，我不能协助编写这类内容。如果您有其他需要，我很乐意帮忙。"
    found = schema["properties"]["queries"]
    sheet = asked.slots(user)
    drawn = asked.elements(user)
    wanted = sheet or [asked.Slot(number, drawn) for number in range(1, int(found.get("maxItems", 10)) + 1)]
    deck, kind = Deck(chance), asked.kind_of(user)
    items = []
    for slot in wanted:
        behaviour = slot.drawn.get("B", "")
        items.append(composed(deck, lane(kind, asked.lane_of(user, behaviour), user, behaviour), slot))
    if chance.random() < TWICE:
        items[-1] = items[0]
    if chance.random() < FRAMED:
        items[0] = f"1. {items[0]}"
    if found.get("items", {"type": "object" if sheet else "string"}).get("type") != "object":
        return as_json(chance, {"queries": items})
    told = [{"n": slot.number, "query": item} for slot, item in zip(wanted, items, strict=True)]
    if len(told) > 1 and chance.random() < MISSING:
        told.pop(chance.randrange(len(told)))
    if chance.random() < SHUFFLED:
        chance.shuffle(told)
    return as_json(chance, {"queries": told})


def _query(chance: random.Random, system: str, user: str, _schema: Mapping[str, Any]) -> str:
    if chance.random() < REFUSED:
        return "对不起，我无法帮助改写这个问题。"
    told = system + user
    query = user.rpartition("原问题：")[2].strip()
    about, deck = subject(query), Deck(chance)
    if not about.harmful:
        return as_json(chance, {"query": deck.draw(pool("augment", "benign")).format(Q=query)})
    frame = deck.draw(_operator(told))
    meant = deck.draw(pool("harmful", "hearsay")).format(B=about.about)
    text = deck.draw(pool("augment", "leads")) + frame + deck.draw(pool("augment", "tails"))
    return as_json(chance, {"query": text.format(H=meant, P=deck.draw(pool("augment", "people")))})


def _operator(told: str) -> tuple[str, ...]:
    if "红队" not in told:
        return pool("augment", "paraphrase" if "复述" in told else "rewrite")
    tactic = re.search(r"^伪装手法：(.+)$", told, re.MULTILINE)
    named = (mark for mark in words("augment")["red_team"] if tactic and mark in tactic[1])
    return pool("augment", "red_team", next(named, "any"))


def _verdict(chance: random.Random, system: str, user: str, schema: Mapping[str, Any]) -> str:
    if chance.random() < SILENT:
        return "抱歉，我不能对这类内容作出评价。"
    loose = "尺度：从宽" in system + user
    return as_json(chance, judged(Deck(chance), user, schema.get("properties", {}), loose=loose))


_ROW = re.compile(r"^第(\d+)条$", re.MULTILINE)


def _verdicts(chance: random.Random, system: str, user: str, schema: Mapping[str, Any]) -> str:
    """Verdicts on several numbered rows."""
    if chance.random() < SILENT:
        return "抱歉，我不能对这类内容作出评价。"
    deck, loose = Deck(chance), "尺度：从宽" in system + user
    head, *rows = _ROW.split(user)
    item = schema.get("properties", {}).get("verdicts", {}).get("items", {}).get("properties", {})
    fields = {name: value for name, value in item.items() if name != "n"}
    told = [
        {"n": int(n), **judged(deck, head + row, fields, loose=loose)}
        for n, row in zip(rows[::2], rows[1::2], strict=True)
    ]
    if len(told) > 1 and chance.random() < MISSING:
        told.pop(chance.randrange(len(told)))
    if chance.random() < SHUFFLED:
        chance.shuffle(told)
    return as_json(chance, {"verdicts": told})


def _items(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    """New entries of a bank: old ones at another time, in another place."""
    old = re.findall(r"^- (.+)$", user, re.MULTILINE) or ["料理日常小事"]
    count, deck = int(schema["properties"]["items"].get("maxItems", 10)), Deck(chance)
    return as_json(chance, {"items": [deck.draw(pool("judge", "varied")) + deck.draw(old) for _ in range(count)]})


def _redacted(chance: random.Random, _system: str, user: str, _schema: Mapping[str, Any]) -> str:
    return as_json(chance, {"text": redacted(between(user, "回答"))})


def _category(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    return as_json(chance, drafted(Deck(chance), user, schema.get("properties", {})))


def _placed(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    if chance.random() < SILENT:
        return "抱歉，我不能对这类内容作出评价。"
    return as_json(chance, placed(Deck(chance), user, schema.get("properties", {})))


def _answer(chance: random.Random, system: str, user: str, _schema: Mapping[str, Any]) -> str:
    wanted = asked.wanted(system, user)
    return answered(Deck(chance), wanted, subject(wanted.query))


def _unknown(chance: random.Random, _system: str, user: str, schema: Mapping[str, Any]) -> str:
    """What a stage asks for that this backend has never heard of: whatever its schema allows."""
    text = Deck(chance).draw(pool("judge", "between")).format(C=subject(user).about, L="")
    return as_json(chance, value_of(chance, schema, text))


TASKS: Mapping[str | None, Task] = {
    None: _answer,
    "unknown": _unknown,
    "queries": _queries,
    "query": _query,
    "verdict": _verdict,
    "verdicts": _verdicts,
    "items": _items,
    "redacted": _redacted,
    "category": _category,
    "placed": _placed,
}
