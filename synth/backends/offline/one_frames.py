"""The first sentence frames of the offline backend: queries composed of them, and what a query is about found in them again."""

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def frames() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(
        Path(__file__).with_name("one.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found


def compose_harmful(chance: random.Random, drawn: Mapping[str, str], count: int) -> list[str]:
    words = frames()
    contexts, tails = several(chance, words["contexts"], count), several(chance, words["tails"], count)
    intents, asks = (
        several(chance, words["harmful"]["intents"], count),
        several(chance, words["harmful"]["asks"], count),
    )
    return [_fill("".join(parts), drawn) for parts in zip(contexts, intents, asks, tails, strict=True)]


def compose_framed(chance: random.Random, drawn: Mapping[str, str], count: int, kind: str) -> list[str]:
    words = frames()
    contexts, tails = several(chance, words["contexts"], count), several(chance, words["tails"], count)
    bodies = several(chance, words[kind]["frames"], count)
    return [
        _fill(body.replace("{X}", context) + tail, drawn)
        for body, context, tail in zip(bodies, contexts, tails, strict=True)
    ]


def several(chance: random.Random, choices: Sequence[str], count: int) -> list[str]:
    """`count` pieces for sentence frames, none twice before all have been had."""
    found: list[str] = []
    while len(found) < count:
        found += chance.sample(choices, len(choices))
    return found[:count]


def _fill(frame: str, drawn: Mapping[str, str]) -> str:
    return frame.format(
        B=drawn.get("行为", "弄清一件小事"),
        T=drawn.get("任务形式", "写一段说明"),
        R=drawn.get("地区", "县城"),
        E=drawn.get("场合", "周末"),
        P=drawn.get("提问者", "普通上班族"),
    )


def core(query: str) -> str:
    """What a query is about: the behaviour its frame holds, or the first clause of a query of other making."""
    for pattern in _patterns():
        if match := pattern.search(query):
            return match["B"]
    clauses = [clause for clause in re.split(r"[，。？！；：、,.?!;:\s]+", query) if len(clause) >= 4]
    return (clauses[0] if clauses else query.strip() or "这件事")[:16]


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    words = frames()
    harmful = [f"{frame}(?=[，。”])" for frame in map(_pattern, words["harmful"]["intents"] + words["hearsay"])]
    framed = [
        _pattern(frame.replace("{X}", ""))
        for kind in ("benign", "lookalike", "ordinary")
        for frame in words[kind]["frames"]
    ]
    return tuple(re.compile(pattern) for pattern in harmful + framed)


def _pattern(frame: str) -> str:
    blank = re.sub(r"\\\{[TPREXH]\\\}", ".{1,40}?", re.escape(frame))
    return blank.replace(r"\{B\}", "(?P<B>.{3,24}?)", 1).replace(r"\{B\}", "(?P=B)")
