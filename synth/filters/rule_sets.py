"""Which filters are asked of texts that a writer model made, and which of texts that a user brings; with what limits.

Two uses, two rule sets. What a writer model made has the faults of its making: lists and labels around it, a refusal in its place, words of
its task, an end in the middle. Of what a user brings nothing of that is a fault: an attack may be a whole dialogue, numbered, drawn, repeated,
encoded, in another language, as long as a book. Of that only goes what nobody can train on.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from synth.recipe import plugins
from synth.recipe.sections import FilterUse, RuleSet

Limits: TypeAlias = Mapping[str, Any]

_SAME: Final[Limits] = MappingProxyType({})
_ANY_LENGTH: Final[Limits] = {"min": 1, "max": 200_000}
_NO_MARKS: Final[Limits] = {"most": 1.0}

BROUGHT: Final[Mapping[str, Mapping[str, Limits]]] = {
    "query": {
        "length": _ANY_LENGTH,  # no text at all is no query
        "garbled": _NO_MARKS,  # mojibake, debris of bytes; marks alone may be a drawing, and the attack
    },
    "response": {
        "length": _ANY_LENGTH,
        "garbled": _NO_MARKS,
        "repetition": {"most": 0.8},  # nothing but a loop; a chorus, a table, a list of cases repeat much
        "debris": {
            "forms": True
        },  # tokens that a chat template left; thoughts and calls of tools are forms of an answer
        "verdict": _SAME,  # a label that leaked into the answer
    },
    # What judges said of a row is theirs, whoever wrote its texts.
    "row": dict.fromkeys(("label_agrees", "refused_is_safe", "own_words", "intent_agrees", "outline"), _SAME),
}
"""By place, the filters of synth that texts which a user brings are asked, each with the limits that stand in place of the recipe's. What a
writer model made is asked every filter that the recipe names, with the recipe's limits."""


def limits(maker: Callable[..., Any], use: FilterUse, place: str, of: RuleSet) -> Limits | None:
    """The options with which a recipe's filter is asked of texts of a rule set; None where it does not belong to it. A use that says `of`
    is asked there alone, as it stands; a filter of another package where its attribute `rule_sets` says, or in both."""
    if use.of is not None:
        return use.options if use.of == of else None
    if not plugins.is_own(maker):
        return use.options if of in getattr(maker, "rule_sets", (of,)) else None
    if of == "written":
        return use.options
    found = BROUGHT.get(place, {})
    return {**use.options, **found[use.name]} if use.name in found else None
