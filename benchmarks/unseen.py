"""Defects planted by program in text that the rules were not written with: whether a rule made milder still finds them."""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import defects
from figures import Figure, at_least
from shares import wilson

from synth.filters import bind
from synth.recipe.load import load
from synth.stages.parsing import SECOND_TRIES

Sources = Mapping[str, Mapping[str, str]]
COUNT = 300
ENDS = "。！？!?.”）)}；;：:"
WHOSE = {"text": "put by program into the ordinary text above", "labels": "by program", "origin": "planted"}


def planted(folder: Path, _: Sources, show: Callable[[str, dict[str, Any]], None]) -> Iterator[Figure]:
    """Of each rule on texts how many planted defects it finds, by the rules for what a writer model made."""
    rows = [json.loads(line) for path in sorted((folder / "ordinary").glob("*.jsonl")) for line in path.open("r")]
    if len(rows) < COUNT:
        return  # too few to plant in
    uses = load("libra").filters
    for place, told in (("query", uses.query), ("response", uses.response)):
        texts = sorted({row[place] for row in rows if 12 <= len(row[place]) <= 1_200})
        pool = [row["response"] for row in rows if 40 <= len(row["response"]) <= 400]
        for name, rule in bind("text", told, place, sent=SECOND_TRIES):
            if some := _hard(name, [text for text in texts if not rule(text)], pool):
                missed = [text for text in some if not rule(text)]
                for text in missed:
                    show(f"{place}.{name}", {"text": text[-120:]})
                counts = len(some) - len(missed), len(some)
                yield at_least(f"planted {place}.{name} found, written", 0.95, counts, WHOSE)
            if name == "unfinished":
                some = _cut([text for text in texts if len(text) > 120])
                found, of = sum(bool(rule(text)) for text in some), len(some)
                yield Figure(
                    "answers cut at any character found, written", None, found / of, wilson(found, of), of, WHOSE
                )


def _hard(name: str, clean: Sequence[str], pool: Sequence[str]) -> list[str]:
    chance, found = random.Random(name), list[str]()
    plant = defects.PLANTERS.get(name)
    tries = 0
    while plant and len(found) < COUNT and tries < 20 * COUNT:
        tries += 1
        if hard := plant(chance, chance.choice(clean), pool):
            found.append(hard)
    return found


def _cut(whole: Sequence[str]) -> list[str]:
    """Answers that end in the middle of a sentence."""
    chance = random.Random(4)
    some = (text[: chance.randint(60, len(text) - 20)].rstrip() for text in chance.choices(whole, k=2 * COUNT))
    return [text for text in some if text[-1] not in ENDS and re.search(r"[\u4e00-\u9fff]", text[-8:])][:COUNT]
