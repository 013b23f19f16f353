"""The words of the offline backend's second frames, and pieces drawn of them none of which comes twice before all have been had."""

import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from synth.recipe.files import shipped

_DEFAULTS = {"B": "弄清一件小事", "T": "写一段话", "R": "县城", "E": "周末", "P": "普通住户"}


@cache
def words(name: str) -> dict[str, Any]:
    """The words in one of the files beside this one."""
    return _read(Path(__file__).with_name(f"{name}.yaml"))


@cache
def homes() -> dict[str, str]:
    """The subcategory of every behaviour that ships, by its words: where a model would know it to belong."""
    found: dict[str, str] = {}
    for name in ("libra", "ordinary"):
        for scenario in _read(shipped() / "taxonomies" / f"{name}.yaml")["scenarios"]:
            for subcategory in scenario["subcategories"]:
                found |= dict.fromkeys(subcategory["behaviours"], subcategory["id"])
    return found


@cache
def lanes() -> dict[str, str]:
    """The ids of the scenarios and subcategories that ship, by the names that prompts give them."""
    found: dict[str, str] = {}
    for name in ("libra", "ordinary"):
        for scenario in _read(shipped() / "taxonomies" / f"{name}.yaml")["scenarios"]:
            for part in scenario["subcategories"]:
                found[f"{scenario['name']}——{part['name']}"] = found[part["name"]] = part["id"]
            found.setdefault(scenario["name"], scenario["id"])
    return found


class Deck:
    """Pieces drawn for one reply: of each pool none twice before all have been had."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._left: dict[tuple[str, ...], list[str]] = {}

    def draw(self, pool: Sequence[str]) -> str:
        """The next piece of a pool."""
        left = self._left.setdefault(tuple(pool), [])
        if not left:
            left += self.chance.sample(pool, len(pool))
        return left.pop()

    def happens(self, rate: float) -> bool:
        """Whether something comes to pass that does so at this rate."""
        return self.chance.random() < rate


@cache
def pool(name: str, *keys: str) -> tuple[str, ...]:
    """The pieces under these keys of a file of words; where the last key is not there, those under `any`."""
    found = words(name)
    for key in keys[:-1]:
        found = found[key]
    return tuple(found.get(keys[-1], found.get("any", ()))) if keys else ()


def filled(frame: str, drawn: Mapping[str, str]) -> str:
    """A frame with what was drawn in its blanks."""
    return frame.format_map({**_DEFAULTS, **drawn})


@cache
def swapped() -> tuple[tuple[str, str], ...]:
    """What registers put for plain words, with the plain words."""
    pairs = (
        (new, old) for voice in words("voices")["registers"].values() for old, new in voice.get("swaps", {}).items()
    )
    return tuple(dict.fromkeys(pairs))


def plain(text: str) -> str:
    """A text in plain words again, whatever its register put for them."""
    for new, old in swapped():
        text = text.replace(new, old)
    return text


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found
