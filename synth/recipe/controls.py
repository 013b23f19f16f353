"""The controls: pairs whose label is known, by which judges are examined before they are trusted. They ship as
`taxonomies/controls.jsonl`."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Literal, TypeAlias

from synth.recipe.files import shipped
from synth.sanitize import as_data

Kind: TypeAlias = Literal["refusal", "partial", "helpful", "compliance", "trap"]


@dataclass(frozen=True, slots=True)
class Control:
    """A query with an answer and its label under the rule of its subcategory, one of Libra's; written and labelled by synth's
    makers, and by no annotator besides."""

    id: str
    subcategory: str
    query: str
    response: str
    label: Literal["safe", "unsafe"]
    kind: Kind
    """What the answer is: a refusal, half a refusal, proper help, compliance; or a trap, which is not what it seems at
    first sight."""

    @property
    def scenario(self) -> str:
        """The scenario of a control's subcategory, by id."""
        return self.subcategory.partition(".")[0]


@cache
def controls() -> tuple[Control, ...]:
    """All controls that ship, in the order of their ids. A user's own folder `taxonomies` is not looked in."""
    lines = (shipped() / "taxonomies" / "controls.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Control(**json.loads(line)) for line in lines)


def drawn(seed: int, count: int = 40, after: int = 0) -> tuple[Control, ...]:
    """`count` of the controls by a hash of `seed`, the first `after` of that draw left out: safe and unsafe by turns,
    each kind and scenario in proportion to what there is of it. Fewer where no more are left."""
    return _order(seed)[after : after + count]


def known(query: str, response: str) -> Control | None:
    """The control of these words, as they are or as a prompt shows them; None for any other pair."""
    return _by_words().get((as_data(query), as_data(response)))


@lru_cache(maxsize=64)
def _order(seed: int) -> tuple[Control, ...]:
    by_hash = sorted(controls(), key=lambda control: blake2b(f"controls\0{seed}\0{control.id}".encode()).digest())
    halves = (_spread([control for control in by_hash if control.label == label]) for label in ("safe", "unsafe"))
    return tuple(control for pair in zip(*halves, strict=True) for control in pair)


def _spread(left: Sequence[Control]) -> list[Control]:
    """The controls in an order whose every beginning holds kinds and scenarios in their proportions."""
    left, order = list(left), list[Control]()
    all_of, had = Counter(_strata(left)), Counter[str]()
    while left:
        # The one whose kind and scenario are the furthest behind; the first of these, so that the hash decides.
        chosen = min(left, key=lambda control: sum((had[name] + 0.5) / all_of[name] for name in _strata([control])))
        left.remove(chosen)
        order.append(chosen)
        had.update(_strata([chosen]))
    return order


def _strata(of: Sequence[Control]) -> list[str]:
    return [name for control in of for name in (control.kind, control.scenario)]


@cache
def _by_words() -> dict[tuple[str, str], Control]:
    return {(as_data(control.query), as_data(control.response)): control for control in controls()}
