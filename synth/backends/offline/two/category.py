"""A category as the offline backend's second frames draft it of a policy, and where they put a query among several."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

from synth.backends._schema import value_of
from synth.backends.offline.erring import ERRING
from synth.backends.offline.prompted import between
from synth.backends.offline.two.subject import subject
from synth.backends.offline.two.words import Deck, lanes, pool

_HAN = re.compile("[\u4e00-\u9fff]")
_CLAUSE = re.compile(r"[，。？！；：、“”（）\s,.?!;:()]+")
_BLOCK = re.compile(r"^类别：(.+)\n范围：(.+)$", re.MULTILINE)
_SHORTEST, _LONGEST, _NAME = 3, 16, 8
"""Characters of a clause that becomes a behaviour, and of a name."""
_BEHAVIOURS, _SCOPE = 14, 4
"""Behaviours of a draft, and clauses that its definition names."""


def drafted(deck: Deck, user: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A draft made of the clauses of the policy in a prompt, under the properties that are asked for."""
    policy = between(user, "政策")
    clauses = _clauses(policy) or list(pool("category", "unnamed"))
    about, scope = clauses[0], "、".join(clauses[:_SCOPE])
    told: dict[str, Any] = {
        part: deck.draw(pool("category", part)).format(C=about) for part in ("unsafe", "safe", "borderline")
    }
    varied = [deck.draw(pool("judge", "varied")) + clauses[at % len(clauses)] for at in range(_BEHAVIOURS)]
    told |= {
        "subject": "都不是",
        "definition": deck.draw(pool("category", "definition")).format(C=scope),
        "name": about[:_NAME],
        "english": "Drafted of frames",
        "id": f"drafted_{crc32(policy.encode('utf-8', 'surrogatepass')):08x}",
        "scenario": next(iter(properties.get("scenario", {}).get("enum", ["new"]))),
        "behaviours": list(dict.fromkeys([*clauses, *varied]))[:_BEHAVIOURS],
        "redaction": "detail",
        "refuse_only": False,
    }
    return {
        name: told[name] if name in told else value_of(deck.chance, asked, about) for name, asked in properties.items()
    }


def _clauses(policy: str) -> list[str]:
    """The policy's clauses in Chinese, without what they begin with, that are long enough to say something."""
    leads, said = ("|".join(map(re.escape, pool("category", name))) for name in ("leads", "said"))
    found = (re.sub(rf"^(?:{leads})+", "", clause)[:_LONGEST] for clause in _CLAUSE.split(policy))
    told = (clause for clause in found if len(clause) >= _SHORTEST and _HAN.search(clause))
    return list(dict.fromkeys(clause for clause in told if not re.search(said, clause)))


def placed(deck: Deck, user: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Where a judge puts the query in a prompt: with the category that its subject ships under, else with the one whose words it shares;
    now and then wrongly."""
    query = between(user, "用户")
    names: Sequence[str] = properties.get("category", {}).get("enum", [name for name, _ in _BLOCK.findall(user)])
    about = subject(query)
    home = [name for name in names if about.lane and lanes().get(name) == about.lane]
    place = home[0] if home else _nearest(query, user, names)
    harmful = about.harmful
    if deck.happens(ERRING):
        harmful = not harmful
    if deck.happens(ERRING):
        place = deck.draw(names)
    label = "不安全" if harmful else "安全"
    kind = "meant" if harmful else "meant_well"
    analysis = deck.draw(pool("judge", kind)).format(C=about.about[:20], L=label)
    told = {"analysis": analysis, "category": place, "label": label}
    return {
        name: told[name] if name in told else value_of(deck.chance, asked, analysis)
        for name, asked in properties.items()
    }


def _nearest(query: str, user: str, names: Sequence[str]) -> str:
    """The category whose name and scope share most pairs of characters with a query; the last name, which is none, where no two do."""
    said = set(pairwise(query))
    shared = {name: len(said & set(pairwise(name + scope))) for name, scope in _BLOCK.findall(user) if name in names}
    best = max(shared, key=lambda name: shared[name], default=names[-1])
    return best if shared.get(best, 0) > 1 else names[-1]
