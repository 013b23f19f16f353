"""Queries put together of sentence frames and of the elements that were drawn."""

import random
from collections.abc import Mapping, Sequence
from typing import Any


def compose(
    frames: Mapping[str, Any], chance: random.Random, drawn: Mapping[str, str], count: int, kind: str
) -> list[str]:
    """`count` queries of a kind: `harmful`, or one that has frames of its own."""
    contexts, tails = _several(chance, frames["contexts"], count), _several(chance, frames["tails"], count)
    if kind == "harmful":
        intents, asks = (_several(chance, frames[kind][part], count) for part in ("intents", "asks"))
        return [_fill("".join(parts), drawn) for parts in zip(contexts, intents, asks, tails, strict=True)]
    bodies = _several(chance, frames[kind]["frames"], count)
    return [
        _fill(body.replace("{X}", context) + tail, drawn)
        for body, context, tail in zip(bodies, contexts, tails, strict=True)
    ]


def _several(chance: random.Random, choices: Sequence[str], count: int) -> list[str]:
    """`count` of them, none twice before all have been had."""
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
