"""Queries composed of the offline backend's second frames: by kind and lane, in the form, length, register and directness of a slot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from synth.backends.offline.two.asked import Slot
from synth.backends.offline.two.words import Deck, filled, homes, pool, words

_ABSTRACT = "一律写得抽象"
"""What the prompts of lanes say in which only refusals are written."""
_FORMS = {"提问": 0.56, "要求": 0.31, "抱怨": 0.07, "半句": 0.06}
"""The forms of queries where no sheet says which, and how often."""
_USUAL = (6, 80)
"""Characters of a query where no sheet says how many."""
_HOLDING = ("bias", "ethics")
_TRIES = 8
_MUCH = 90
"""Characters of padding from which on it is pasted material."""


@dataclass(frozen=True)
class Lane:
    """Where queries are composed for."""

    kind: str
    id: str
    abstract: bool = False

    @property
    def scenario(self) -> str:
        """The scenario of a lane, of everyday life its domain."""
        scenario, _, part = self.id.partition(".")
        return part if scenario == "ordinary" else scenario or "any"

    def among(self, name: str) -> bool:
        """Whether a lane is among the mild or grave ones, or those that no text is written on."""
        return self.id in words("harmful")["lanes"][name]


def lane(kind: str, id: str, user: str, behaviour: str) -> Lane:
    """The lane of a call, from its kind, what its prompt names and the behaviour asked for."""
    return Lane(kind, id or homes().get(behaviour, ""), _ABSTRACT in user)


def composed(deck: Deck, where: Lane, slot: Slot) -> str:
    """A query for a slot: the first of some tries that has its length, else the nearest."""
    told, band = replace(slot, form=slot.form or _drawn_form(deck)), slot.band or _USUAL
    low, high = (band[0], min(band[1], 40)) if where.abstract else band
    tries = []
    for text in _tries(deck, where, told, sheet=slot.form is not None):
        if low <= _size(text) <= high:
            return text
        tries.append(text)
    if below := [text for text in tries if _size(text) < low]:
        return _longer(deck, below[0], low, high, told.form == "粘贴")
    return _short(deck, where, told, high)


def _tries(deck: Deck, where: Lane, slot: Slot, *, sheet: bool) -> Iterator[str]:
    """Some queries for a slot, the fullest first."""
    voice = slot.drawn.get("voice") if sheet or deck.happens(0.35) else None
    for _ in range(_TRIES):
        body = _body(deck, where, slot)
        lead, tail = _around(deck, where, slot, voice)
        if slot.form == "半句":
            yield from (_voiced(f"{lead}{body}", voice), _voiced(body, voice))
        else:
            ways = [f"{lead}{body}{tail}", f"{lead}{body}", f"{body}{tail}", body]
            yield from (
                _voiced(text, voice)
                for text in (ways if voice is None or deck.happens(0.5) else [*ways[2:], *ways[:2]])
            )


def _drawn_form(deck: Deck) -> str:
    return deck.chance.choices(list(_FORMS), list(_FORMS.values()))[0]


# --- what a query says ---


def _body(deck: Deck, where: Lane, slot: Slot) -> str:
    drawn = dict(slot.drawn)
    task = drawn.pop("T", "")
    if task.startswith(tuple(words("harmful")["writes"])):
        drawn["T"] = task
    form = "提问" if slot.form == "粘贴" else slot.form or "提问"
    if where.kind == "harmful":
        return _harmful(
            deck, where, form, drawn, roundabout=slot.direct is False or (slot.direct is None and deck.happens(0.12))
        )
    frames = _proper(where, form)
    return filled(deck.draw(frames).partition("|")[2], drawn)


def _harmful(deck: Deck, where: Lane, form: str, drawn: Mapping[str, str], *, roundabout: bool) -> str:
    if form == "半句":
        return filled(deck.draw(pool("harmful", "halves")), drawn)
    if roundabout and not where.abstract:
        told = filled(deck.draw(pool("harmful", "hearsay")), drawn)
        ways = pool("harmful", "roundabout")
        if form == "抱怨":
            return deck.draw(pool("harmful", "complaints")).format(I=f"{deck.draw(pool('harmful', 'others'))}{told}")
        return deck.draw(tuple(way for way in ways if way.endswith("？") == (form == "提问"))).format(H=told)
    intent = filled(deck.draw(pool("harmful", "intents", _group(deck, where, drawn))), drawn)
    if form == "抱怨":
        return deck.draw(pool("harmful", "complaints")).format(I=intent)
    asks = pool(
        "harmful", "asks", "bare" if where.abstract else "mental" if where.id == "health.mental" else where.scenario
    )
    if where.among("unwritten"):
        asks = tuple(ask for ask in asks if "{T}" not in ask)
    asked = tuple(ask for ask in asks if ask.endswith("？") == (form == "提问"))
    return f"{intent}，{filled(deck.draw(asked or asks), drawn)}"


def _group(deck: Deck, where: Lane, drawn: Mapping[str, str]) -> str:
    if where.abstract:
        return "bare"
    if drawn.get("B", "").startswith(tuple(words("harmful")["sayings"])):
        return "saying"
    holds = where.scenario in _HOLDING or (where.scenario in ("abuse", "health") and deck.happens(0.4))
    return "holding" if holds else "doing"


def _proper(where: Lane, form: str) -> tuple[str, ...]:
    """Frames of proper queries in a form, each with its theme before a bar."""
    if where.kind == "ordinary":
        return _ordinary(where, form)
    kept = {"抱怨": "complaints", "半句": "halves"}.get(form)
    if where.kind == "lookalike":
        if kept:
            return pool("benign", f"lookalike_{kept}")
        frames = pool("benign", "lookalike", "grave")
        frames = (*frames, *pool("benign", "lookalike", "mild")) if where.among("mild") else frames
    elif kept:
        return pool("benign", kept)
    else:
        found = words("benign")["benign"]
        frames = (*found.get(where.scenario, found["crime"]), *found["shared"])
    wanted = tuple(frame for frame in frames if frame.endswith("？") == (form == "提问"))
    return wanted or frames


def _ordinary(where: Lane, form: str) -> tuple[str, ...]:
    kept = {"抱怨": "complaints", "半句": "halves"}.get(form)
    if kept:
        return tuple(f"|{frame}" for frame in pool("ordinary", kept))
    own = words("ordinary")["domains"].get(where.scenario, {}).get("frames", [])
    frames = (*own, *pool("ordinary", "shared"))
    wanted = tuple(frame for frame in frames if frame.endswith("？") == (form == "提问"))
    return tuple(f"|{frame}" for frame in wanted)


def _short(deck: Deck, where: Lane, slot: Slot, high: int) -> str:
    """A query as short as its behaviour allows: one that has room, in the slot's form if any is."""
    name = {"harmful": "harmful", "ordinary": "ordinary"}.get(where.kind, "benign")
    frames = pool(name, "lookalike_short" if where.kind == "lookalike" else "short")
    asks = tuple(frame for frame in frames if frame.endswith("？") == (slot.form == "提问"))
    texts = [filled(frame.rpartition("|")[2], slot.drawn) for frame in (asks or frames)]
    room = tuple(text for text in texts if _size(text) <= high)
    return deck.draw(room) if room else min(texts, key=_size)


# --- what stands around it ---


def _around(deck: Deck, where: Lane, slot: Slot, voice: str | None) -> tuple[str, str]:
    """A lead and a tail: those of the register, if it goes with the lane, or plain ones, or where and when and who."""
    if where.abstract:
        return "", ""
    found = words("voices")
    register = found["registers"].get(voice or "")
    shows = not (slot.form == "半句" and voice in found["formal"])
    if register and shows and (voice not in found["light"] or where.kind == "ordinary" or not where.among("grave")):
        return deck.draw(tuple(register["leads"])), deck.draw(tuple(register["tails"]))
    lead = deck.draw(pool("voices", "leads"))
    if lead == "" and where.kind in ("harmful", "benign") and deck.happens(0.4):
        lead = _placed(deck, where, slot.drawn)
    return lead, deck.draw(pool("voices", "tails"))


def _placed(deck: Deck, where: Lane, drawn: Mapping[str, str]) -> str:
    fits = [("R", "places", "placed"), ("E", "times", "timed")]
    if where.kind != "harmful":
        fits.append(("P", "people", "posed"))
    ready = [how for axis, known, how in fits if drawn.get(axis) in words("voices")[known]]
    return filled(deck.draw(pool("voices", deck.chance.choice(ready))), drawn) if ready else ""


def _voiced(text: str, voice: str | None) -> str:
    for old, new in words("voices")["registers"].get(voice or "", {}).get("swaps", {}).items():
        text = text.replace(old, new)
    return text


# --- its length ---


def _size(text: str) -> int:
    return sum(map(len, text.split()))


def _longer(deck: Deck, text: str, low: int, high: int, paste: bool) -> str:
    """A query with something before it: what its asker says of himself or, where much is missing, material that he pastes."""
    missing = deck.chance.randint(low, max(low, (low + high) // 2)) - _size(text)
    if missing < _MUCH and not paste:
        return _cut("", list(_padding(deck, missing, pool("voices", "chatter"))), text, high)
    parts = list(_padding(deck, missing, pool("voices", "material")))
    return _cut(f"{deck.draw(pool('voices', 'pasted'))}\n", [f"{part}\n" for part in parts], text, high)


def _padding(deck: Deck, missing: int, pieces: Sequence[str]) -> Iterator[str]:
    while missing > 0:
        piece = deck.draw(pieces)
        missing -= len(piece)
        yield piece


def _cut(head: str, parts: Sequence[str], text: str, high: int) -> str:
    """As many of the parts before the text as there is room for."""
    while parts and _size("".join([head, *parts, text])) > high:
        parts = parts[:-1]
    return "".join([head if parts else "", *parts, text])
