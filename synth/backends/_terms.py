"""What is known of the terms on which models write: licences and terms of service out of `terms.yaml`, each with its source and date."""

import datetime as dt
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, Literal

from synth.backends import _providers
from synth.recipe.addresses import is_loopback
from synth.recipe.backend import PROVIDER, Frozen
from synth.recipe.checks import SEMANTIC
from synth.recipe.schema import Recipe
from synth.recipe.yaml import read_yaml, validate

UNKNOWN: Final = "not known here"
"""What is said of the terms of a model on which there is no entry."""


class Terms(Frozen):
    """What a licence, or a service's terms, say of the texts that models write."""

    name: str
    models: tuple[str, ...] = ()
    """Patterns of the names of models that stand under it, without their maker, in small letters."""
    makers: tuple[str, ...] = ()
    """The makers whose models alone are meant; none: whoever made it."""
    providers: tuple[str, ...] = ()
    """The providers whose service the terms are of."""
    outputs: Literal["none", "allowed", "name", "notice", "terms", "purpose", "rivals", "no"]
    """What they ask of those who train a model on outputs."""
    says: str
    must: str = ""
    """What a model trained on outputs must do, in words that go on from its name; empty where nothing is asked."""
    source: str
    date: dt.date
    """When they were as the entry has them."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes in a recipe's rows, a model or a provider, and on which terms; None where they are not known."""

    name: str
    roles: tuple[str, ...]
    terms: Terms | None
    provider: bool = False

    def __str__(self) -> str:
        """The terms in one line, for a terminal."""
        found = f"{self.name} ({', '.join(self.roles)}): "
        if self.terms is None:
            return f"{found}terms {UNKNOWN}"
        return f"{found}{self.terms.name}: {self.terms.says} ({self.terms.source}, as of {self.terms.date})"


@cache
def known() -> dict[str, Terms]:
    """All terms that are known of models and providers, in the order in which they are tried."""
    file = Path(__file__).with_name("terms.yaml")
    return {name: validate(Terms, facts, f"{file.name}: {name}") for name, facts in read_yaml(file).items()}


def of_model(model: str) -> Terms | None:
    """The terms under which a model of that name writes (`Qwen/Qwen2.5-7B-Instruct`, `qwen2.5-7b-instruct`); None where they
    are not known."""
    maker, _, name = model.lower().replace(":", "-").rpartition("/")  # Ollama writes qwen2.5:7b
    maker = maker.rpartition("/")[2]
    return next(
        (
            terms
            for terms in known().values()
            if (not maker or not terms.makers or maker in terms.makers)
            and any(fnmatchcase(name, pattern) for pattern in terms.models)
        ),
        None,
    )


def of_provider(name: str) -> Terms | None:
    """The terms of a provider's service, by the name that a role gives it; None where they are not known."""
    return next((terms for terms in known().values() if name in terms.providers), None)


def writers(recipe: Recipe) -> list[Writer]:
    """Who writes the texts and labels of a recipe's rows, and on which terms: its models, then the providers they are asked at. A
    stand-in is no model, what gives vectors writes nothing, and a server of one's own has no terms."""
    roles = dict.fromkeys(leaf for place, leaf in recipe.role_uses() if place != SEMANTIC)
    models, providers = dict[str, list[str]](), dict[str, list[str]]()
    for name in roles:
        role = recipe.models[name]
        if role.answering.STAND_IN:
            continue
        models.setdefault(role.model, []).append(name)
        if (provider := role.options.get(PROVIDER)) and not _own(provider):
            providers.setdefault(provider, []).append(name)
    return [
        *(Writer(model, tuple(names), of_model(model)) for model, names in models.items()),
        *(Writer(name, tuple(names), of_provider(name), provider=True) for name, names in providers.items()),
    ]


def _own(provider: str) -> bool:
    return is_loopback(_providers.find(provider).base_url or "")
