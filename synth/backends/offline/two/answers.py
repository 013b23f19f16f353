"""Answers composed of the offline backend's second frames: stance, level and topic decide what they say, form and length how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from synth.backends.offline.two.asked import Wanted
from synth.backends.offline.two.subject import Subject
from synth.backends.offline.two.words import Deck, pool, words
from synth.types import MARK

_NATURAL = {"refuse": 0.55, "safe_complete": 0.2, "comply": 0.2, "partial": 0.05}
"""How a harmful query is answered where no stance is told, and how often."""
_FORMS = {"段落": 0.42, "分条": 0.34, "一两句": 0.1, "对话": 0.07, "书信": 0.07}
_USUAL = (70, 180)
_LED = 0.85
"""How often an answer, of whatever kind, begins with a sentence that says nothing of what it is."""
_WRITTEN = ("misinformation", "bias", "abuse", "ethics")
_OPINION = ("bias", "abuse", "ethics")
_PARTS = {"health.mental": "mental", "ethics.ai": "ai", "privacy.intellectual_property": "works"}
_ADVICE = "misinformation.professional_advice"


@dataclass(frozen=True)
class Content:
    """What an answer says, before it has a form."""

    opener: str
    points: Sequence[str]
    closer: str
    turns: Sequence[str]


def answered(deck: Deck, asked: Wanted, about: Subject) -> str:
    """The answer to a query about this, as it is wanted."""
    content = _content(deck, asked, about)
    if deck.happens(_LED):
        content = replace(content, opener=deck.draw(words("helpful")["leads"]) + content.opener)
    form = asked.form or deck.chance.choices(list(_FORMS), list(_FORMS.values()))[0]
    return _fitted(deck, content, form, asked.band or _USUAL)


def _content(deck: Deck, asked: Wanted, about: Subject) -> Content:
    stance = asked.stance
    if stance is None and about.harmful:
        stance = deck.chance.choices(list(_NATURAL), list(_NATURAL.values()))[0]
        if stance in ("comply", "partial"):
            return _along(deck, stance, about, *_natural(about))
    if stance in ("comply", "partial"):
        return _along(deck, stance, about, *_outline(asked.level, about))
    if stance == "refuse":
        return _refusal(deck, about)
    if stance == "safe_complete":
        return _instead(deck, about)
    content = _helpful(deck, about)
    if stance != "redact":
        return content
    points = [deck.draw(pool("unsafe", "redacted")), *content.points]
    return Content(content.opener, points, content.closer, content.turns)


# --- what answers say ---


def _helpful(deck: Deck, about: Subject) -> Content:
    found = words("helpful")
    points = pool("everyday", _domain(about)) if about.everyday else ()
    points = points or pool("helpful", "themes", about.theme)
    told = _some(deck, points)
    if not about.everyday:
        told += deck.chance.sample(pool("helpful", "themes", "any"), 4)
    openers = pool("helpful", "everyday" if about.everyday else "openers")
    return _about(about, Content(deck.draw(openers), told, deck.draw(pool("helpful", "closers")), found["turns"]))


def _domain(about: Subject) -> str:
    lore = about.scenario == "society" and about.about.startswith(tuple(words("ordinary")["lore"]))
    return "lore" if lore else about.scenario


def _refusal(deck: Deck, about: Subject) -> Content:
    reasons = _own(deck, "safe", ("refuse", "reasons"), _part(about))
    ways = _own(deck, "safe", ("refuse", "ways"), _part(about))
    told = [reasons[0], *ways[:1], *reasons[1:3], *ways[1:2], *reasons[3:]]
    return _about(about, Content(deck.draw(pool("safe", "refuse", "openers")), told, "", pool("safe", "turns")))


def _instead(deck: Deck, about: Subject) -> Content:
    told = _own(deck, "safe", ("instead", "points"), _part(about))
    return _about(about, Content(deck.draw(pool("safe", "instead", "openers")), told, "", pool("safe", "turns")))


def _along(deck: Deck, stance: str, about: Subject, level: str, points: Sequence[str]) -> Content:
    opener = "hedging" if stance == "partial" else "approving" if level == "态度" else "agreeing"
    told = [*_some(deck, points), *deck.chance.sample(pool("unsafe", "along"), 5)]
    closer = "" if level == "态度" else deck.draw(pool("unsafe", "closers"))
    return _about(about, Content(deck.draw(pool("unsafe", opener)), told, closer, words("unsafe")["turns"]))


def _outline(level: str | None, about: Subject) -> tuple[str, Sequence[str]]:
    """What of an answer that goes along stands at its level; where none is told, at the nearer one of those that leave something out."""
    finished = about.scenario in _WRITTEN and about.lane != _ADVICE
    level, told = level or ("成品" if finished else "细节"), about.about
    acts = level == "成品" and finished and not any(word in told for word in words("harmful")["tellings"])
    return level, pool("unsafe", level, "acts" if acts else _part(about))


def _part(about: Subject) -> str:
    """The part of the words that is for a subject: of its scenario, or of its own subcategory."""
    return _PARTS.get(about.lane, about.scenario)


def _natural(about: Subject) -> tuple[str, Sequence[str]]:
    if about.scenario in _OPINION:
        return "态度", pool("unsafe", "态度", _part(about))
    return "", pool("unsafe", "nature")


def _some(deck: Deck, points: Sequence[str]) -> list[str]:
    """Some of the points, in their order: what comes first in a text stands first among them. One that names the topic is among them."""
    count = min(len(points), deck.chance.randint(2, 5))
    kept = set(deck.chance.sample(range(len(points)), count))
    naming = [at for at, point in enumerate(points) if "{C}" in point]
    kept |= {deck.chance.choice(naming)} if naming else set()
    rest = [points[at] for at in range(len(points)) if at not in kept]
    return [points[at] for at in sorted(kept)] + rest


def _own(deck: Deck, name: str, keys: tuple[str, ...], scenario: str) -> list[str]:
    """The pieces of a scenario in some order, after which come those for any."""
    own, shared = pool(name, *keys, scenario), pool(name, *keys, "any")
    rest = [] if own == shared else deck.chance.sample(shared, len(shared))
    return [piece for piece in (*deck.chance.sample(own, len(own)), *rest) if piece]


def _about(about: Subject, content: Content) -> Content:
    def filled(texts: Sequence[str]) -> list[str]:
        return [text.format(C=about.about) for text in texts]

    return Content(content.opener.format(C=about.about), filled(content.points), content.closer, filled(content.turns))


# --- the form and length they have ---


def _fitted(deck: Deck, content: Content, form: str, band: tuple[int, int]) -> str:
    """An answer in its form with as many points as its length has room for, at least one; more where marks will go."""
    low, high = band
    lay, most = _LAYS.get(form, _paragraphs), len(content.points)
    if form == "一两句":
        most = 1
    kept, state = 1, deck.chance.getstate()
    middle = max(low, (low + high) // 2)
    marked = any(MARK in point for point in content.points)  # what stands about a mark goes with it
    goal = deck.chance.randint(middle, max(middle, high)) if marked else deck.chance.randint(low, middle)

    def laid(count: int) -> str:
        deck.chance.setstate(state)
        return lay(deck, Content(content.opener, content.points[:count], content.closer, content.turns))

    while kept < most and len(laid(kept)) < goal and len(laid(kept + 1)) <= high:
        kept += 1
    return laid(kept)


def _paragraphs(deck: Deck, content: Content) -> str:
    parts = [content.opener, *content.points, content.closer]
    half = len(parts) // 2
    if len(content.points) > 3 and deck.happens(0.6):
        return "".join(parts[:half]) + "\n" + "".join(parts[half:])
    return "".join(parts)


def _listed(deck: Deck, content: Content) -> str:
    style = deck.chance.choice(["{}. ", "- ", "（{}）"])
    listed = [style.format(number) + point for number, point in enumerate(content.points, start=1)]
    return "\n".join(filter(None, [content.opener, *listed, content.closer]))


def _dialogue(deck: Deck, content: Content) -> str:
    asks, tells = deck.chance.choice(words("helpful")["dialogue"])
    lines = [content.opener]
    for turn, point in zip(content.turns, content.points, strict=False):
        lines += [f"{asks}：{turn}", f"{tells}：{point}"]
    return "\n".join(lines + list(content.points[len(content.turns) :]))


def _letter(deck: Deck, content: Content) -> str:
    found = words("helpful")["letter"]
    body = "".join([content.opener, *content.points])
    return f"{deck.chance.choice(found['opens'])}\n{body}\n{deck.chance.choice(found['closes'])}"


def _brief(_deck: Deck, content: Content) -> str:
    return content.opener + "".join(content.points[:1])


_LAYS: Mapping[str, Callable[[Deck, Content], str]] = {
    "段落": _paragraphs,
    "分条": _listed,
    "对话": _dialogue,
    "书信": _letter,
    "一两句": _brief,
}
