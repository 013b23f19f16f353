"""Roles made of roles: a mixture, drawn from by weight, and a chain, tried in order. They stand wherever a role may be named."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator

from synth.errors import ConfigError, did_you_mean
from synth.recipe.backend import Frozen
from synth.recipe.yaml import validate

Cause = Literal["refusal", "filtered", "unreadable", "truncated", "empty", "rejected", "outage"]
"""Why the next model of a chain may be asked. All but `outage` are functions of the reply."""

OUTAGE: Cause = "outage"
"""The cause for which a chain asks its next model when one is out, not because of a reply."""


class Mix(Frozen):
    """A role made of others by weight. Which of them is asked is a function of seed and place in the plan, never of
    arrival."""

    mix: Annotated[
        dict[str, Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]],
        Field(min_length=1),
    ]
    """The weight of every role in a mixture."""


class Chain(Frozen):
    """A role made of others in order: where one gives nothing that can be used, for one of the causes named, the
    next is asked."""

    chain: Annotated[tuple[str, ...], Field(min_length=2)]
    """The roles of a chain, in the order in which they are asked."""
    on: Annotated[tuple[Cause, ...], Field(min_length=1)] = ("refusal", "filtered", "unreadable")
    """The causes for which a chain asks its next role."""

    @field_validator("chain")
    @classmethod
    def _none_twice(cls, chain: tuple[str, ...]) -> tuple[str, ...]:
        for name in chain:
            if chain.count(name) > 1:
                raise ValueError(f"{name!r} stands in it twice; name each role once")
        return chain


Composed: TypeAlias = Mapping[str, Mix | Chain]


def composed_apart(data: Any) -> Any:
    """A recipe's keys with its routing (the mixtures and chains under `models`) moved to `composed`."""
    if not isinstance(data, dict) or not all(isinstance(data.get(name, {}), dict) for name in ("models", "composed")):
        return data
    kinds: dict[str, type[Mix | Chain]] = {"mix": Mix, "chain": Chain}
    models, made = dict(data.get("models", {})), dict(data.get("composed", {}))
    for name, role in list(models.items()):
        kind = next((kinds[key] for key in kinds if isinstance(role, dict) and key in role), None)
        if kind is not None:
            try:
                made[name] = validate(kind, models.pop(name), f"models.{name}")
            except ConfigError as error:
                raise ValueError(str(error)) from error
    return data | {"models": models, "composed": made}


def check(composed: Composed, models: Iterable[str]) -> None:
    """Checks a recipe's routing: its mixtures and chains. Raises ValueError for a role that is none, is made of itself,
    or is nested deeper than a chain of mixtures or the reverse."""
    for name in composed.keys() & set(models):
        raise ValueError(f"models.{name}: stands there twice; rename one")
    known = {*models, *composed}
    for name in composed:
        _check(name, composed, known, ())


def _check(name: str, composed: Composed, known: set[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"models.{above[0]}: is made of itself ({' → '.join((*above, name))}); leave {name!r} out")
    if name not in known:
        raise ValueError(f"models.{above[-1]}: no model role {name!r}; {did_you_mean(name, known - {above[-1]})}")
    if name in composed:
        kind = type(composed[name])
        if twin := next((other for other in above if isinstance(composed[other], kind)), None):
            word = kind.__name__.lower()
            raise ValueError(f"models.{twin}: a {word} within a {word} ({name!r}); write out what {name!r} is made of")
        for member in members(composed[name]):
            _check(member, composed, known, (*above, name))


def members(role: Mix | Chain) -> tuple[str, ...]:
    """The names of the roles that a mixture or chain routes to, in order."""
    return tuple(role.mix) if isinstance(role, Mix) else role.chain


def told(role: Mix | Chain) -> str:
    """The routing of a mixture or chain as a line for the user: its roles with their weights, or in their order with
    the causes."""
    if isinstance(role, Mix):
        return "drawn by weight: " + ", ".join(f"{name} {weight:g}" for name, weight in role.mix.items())
    return f"{', then '.join(role.chain)} (on {', '.join(role.on)})"


def leaves(name: str, composed: Composed) -> list[str]:
    """The roles with a model of their own that a role routes to in the end, in order; a plain role is made of
    itself."""
    if name not in composed:
        return [name]
    return list(dict.fromkeys(leaf for member in members(composed[name]) for leaf in leaves(member, composed)))


def first_asked(name: str, composed: Composed) -> dict[str, float]:
    """For each model's role that a mixture or chain routes to, the share of requests that it is asked first; they add
    up to 1."""
    role = composed.get(name)
    if role is None:
        return {name: 1.0}
    if isinstance(role, Chain):
        return first_asked(role.chain[0], composed)
    found: dict[str, float] = {}
    for member, weight in role.mix.items():
        for leaf, share in first_asked(member, composed).items():
            found[leaf] = found.get(leaf, 0.0) + share * weight / sum(role.mix.values())
    return found


def spared(uses: Iterable[str], composed: Composed) -> frozenset[str]:
    """By a recipe's routing, the models' roles that a run can do without: wherever one stands, a chain names another to
    ask in an outage."""
    stands = [use for name in uses for use in _stands(name, composed, spare=False)]
    return frozenset(leaf for leaf, _ in stands) - {leaf for leaf, spare in stands if not spare}


def _stands(name: str, composed: Composed, *, spare: bool) -> Iterator[tuple[str, bool]]:
    role = composed.get(name)
    if role is None:
        yield name, spare
    elif isinstance(role, Mix):
        for member in role.mix:
            yield from _stands(member, composed, spare=spare)
    else:
        for member in role.chain:
            yield from _stands(member, composed, spare=spare or (OUTAGE in role.on and member != role.chain[-1]))
