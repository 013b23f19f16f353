"""A model role of a recipe: who answers, how it is asked to sample, where it is reached and how fast it may be asked."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from synth.errors import ConfigError, did_you_mean
from synth.recipe import credentials
from synth.recipe.backend import Declared, Frozen, Options, answerer, answering, options, owner, reading, written
from synth.recipe.credentials import hidden
from synth.recipe.option_keys import check_no_keys, without_keys
from synth.recipe.yaml import WRONG_OPTION, first_wrong, validate
from synth.types import named

OFFLINE, SERVER = "offline", "openai"
"""The backend that has no model, and the one that a role has unless it names another."""
LIMITS = ("price", "concurrency", "rpm", "tpm", "timeout")
"""The keys of a role that say how fast it may be asked and what that costs; they change no answer."""
STOP = ("\n用户：", "\n要求：", "\n---")
"""Where the answer of a model that goes on with plain text ends, unless `extra` says otherwise: where `completion/` prompts begin
another turn."""


class Price(Frozen):
    """What a model's tokens cost, per million, in whatever currency you think in."""

    input: Annotated[float, Field(ge=0)]
    """The price of a million prompt tokens."""
    output: Annotated[float, Field(ge=0)]
    """The price of a million completion tokens."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How fast a model may be asked at most, and for how long one answer is waited."""

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    timeout: float = 300.0

    def least(self, other: "Ceiling") -> "Ceiling":
        """Both ceilings held at once."""

        def lower(one: int | None, two: int | None) -> int | None:
            return min((value for value in (one, two) if value is not None), default=None)

        return Ceiling(
            lower(self.concurrency, other.concurrency),
            lower(self.rpm, other.rpm),
            lower(self.tpm, other.tpm),
            min(self.timeout, other.timeout),
        )


class Role(Frozen):
    """A model role under a recipe's `models`: which model answers, how it samples, where it is reached and how fast
    it may be asked."""

    model: str
    """The name of the model, as its server has it."""
    revision: Annotated[str, Field(pattern=r"^[\w.:+-]+$")] | None = None
    """Which of several models the server serves under this name, when it is exchanged there (a guard trained anew).
    The server is not sent it; two revisions never share replies."""
    backend: str = SERVER
    """Who answers for the role: a name of `synth list backends`."""
    temperature: Annotated[float, Field(ge=0)] = 1.0
    """How freely the model draws its words; 0 takes the likeliest."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of likeliest words that the model draws from."""
    max_tokens: PositiveInt = 1024
    """The most tokens of one answer of the model."""
    system: bool = True
    """Whether the model takes a system message; if not, its text goes before the user's."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, as the server names them."""
    price: Price | None = None
    concurrency: PositiveInt | None = None
    """How many calls to this model may be in flight at once; None sets no limit of its own."""
    rpm: PositiveInt | None = None
    """How many requests a minute this model may be asked at most."""
    tpm: PositiveInt | None = None
    """How many tokens a minute this model may be asked for at most."""
    timeout: PositiveFloat = 300.0
    """Seconds to wait at most for one answer of the model."""
    prefill: str = ""
    """The text that an answerer's answer begins with; the model goes on from there. vLLM's servers can, and few
    others."""
    completion: str | None = None
    """For an answerer without a chat template: the prompt under `completion/` that makes one plain text of the conversation."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The backend's own options, as its class `Options` reads them. In a recipe they may also stand beside the
    role's other keys, even those of another of synth's backends: they hold once that one is asked (`--backend`).
    Options at their defaults are left out."""

    @model_validator(mode="before")
    @classmethod
    def _options_apart(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("options", {}), dict):
            return data
        beside = {name: value for name, value in data.items() if name not in cls.model_fields}
        told = {name: value for name, value in data.items() if name in cls.model_fields}
        given, name = data.get("options", {}), str(data.get("backend", SERVER))
        if twice := given.keys() & beside.keys():
            raise ValueError(f"{min(twice)} stands twice, alone and under `options`; keep one")
        return told | {"options": options_of(name, given, beside, cls.model_fields)}

    @field_validator("extra")
    @classmethod
    def _is_json(cls, extra: dict[str, Any]) -> dict[str, Any]:
        return json_only(extra)

    @field_validator("extra")
    @classmethod
    def _holds_no_key(cls, extra: dict[str, Any]) -> dict[str, Any]:
        credentials.check_fields(extra)
        return extra

    @model_validator(mode="after")
    def _can_be_asked_so(self) -> "Role":
        _ = self.body_fields  # raises for options that do not go together
        return self

    @model_serializer(mode="wrap")
    def _without_keys(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Options beside the others, as recipes have them."""
        data: dict[str, Any] = rest(self)
        return data | without_keys(data.pop("options", {}))

    @property
    def settings(self) -> Options:
        """The role's backend options, read by the backend's own class. ConfigError for a backend that is not there."""
        kind = reading(self.backend, self.options)
        return kind.model_validate({name: one for name, one in self.options.items() if name in kind.model_fields})

    @property
    def answerer(self) -> str:
        """The name of the backend that answers for the role, on its own or wrapped in another."""
        return answerer(self.backend, self.options)

    @property
    def answering(self) -> Declared:
        """What the backend that answers for the role declares of itself. ConfigError for a backend that is not
        there."""
        return answering(self.backend, self.options)

    @property
    def declared(self) -> Declared | None:
        """What the backend that answers for the role declares of itself; None for a backend that is not there."""
        try:
            return self.answering
        except ConfigError:
            return None

    def changed(self, name: str, **changes: Any) -> "Role":
        """A copy of the role, called `name`, with other keys. Options of its old backend that neither the new one
        nor another of synth's knows are dropped."""
        own = {key: getattr(self, key) for key in self.model_fields_set if key != "options"}
        data = {"backend": self.backend} | own | self.options | changes
        kind = reading(str(data["backend"]), data)
        kept = {key for key in data if key in type(self).model_fields or key in kind.model_fields or owner(key)}
        return validate(Role, {key: value for key, value in data.items() if key in kept}, f"models.{name}")

    @property
    def ceiling(self) -> Ceiling:
        """How fast the role's model may be asked: calls in flight, requests and tokens a minute, and the timeout in
        seconds."""
        return Ceiling(self.concurrency, self.rpm, self.tpm, self.timeout)

    @property
    def named(self) -> str:
        """The model's name under which replies are kept and counted and rows name it: `model@revision`."""
        return named(self.model, self.revision)

    @property
    def body_fields(self) -> dict[str, Any]:
        """Further fields of the request body: those of the role's own `extra`, over those that its options add. ValueError
        for options that do not go together."""
        return self.extra if self.declared is None else {**self.settings.added, **self.extra}

    @property
    def charged(self) -> Price | None:
        """The role's price, or else what its provider is known to take for its model; None if nobody says."""
        found = None if self.price or self.declared is None else self.settings.published(self.model)
        return Price(input=found[0], output=found[1]) if found else self.price

    @property
    def params(self) -> dict[str, Any]:
        """The sampling parameters of a request to the role's model that change its answers."""
        stop = {"stop": list(STOP)} if self.completion else {}
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            **stop,
            **self.body_fields,
        }

    @property
    def unasked(self) -> frozenset[str]:
        """The names of those sampling parameters that stand at their defaults because the role names none: a server is not sent them."""
        return frozenset(("temperature", "top_p")) - self.model_fields_set - self.extra.keys()

    def identity(self) -> dict[str, Any]:
        """What of a role changes its answers. A model is the same whichever backend asks it; a stand-in is no model."""
        data = self.model_dump(mode="json", exclude={*LIMITS, "options"}) | {"extra": self.body_fields}
        data["backend"] = self.answerer if self.answering.STAND_IN else "model"
        for name in ("prefill", "completion", "revision"):  # a role without is the role it was before there were any
            if not data[name]:
                del data[name]
        return data | without_keys(self._bearing())

    def _bearing(self) -> dict[str, Any]:
        """Options that bear identity, those for another backend among them: the weights they name are asked for wherever it is."""
        own = self.settings
        found: dict[str, Any] = {}
        for name in self.options.keys() - type(own).model_fields.keys():
            if kind := owner(name, models=True):
                found |= kind.model_validate({name: self.options[name]}).bearing
        return found | own.bearing


def options_of(name: str, given: Mapping[str, Any], beside: Mapping[str, Any], role: Collection[str]) -> dict[str, Any]:
    """The options of a role of the backend `name`, from those under `options` and the keys `beside` the others, each
    read by its backend. Of a backend that is not there they are only checked to hold no key: it is complained of
    where it is asked for."""
    both = {**given, **beside}
    check_no_keys(both)
    try:
        kind = reading(name, both)
    except ConfigError:
        return both
    if clash := kind.model_fields.keys() & role:
        raise ValueError(
            f"backend {name}: its option {min(clash)!r} is a key that every role has; its package must rename it"
        )
    own = {key: value for key, value in both.items() if key in kind.model_fields}
    found = _read(kind, own)
    for key in both.keys() - own.keys():
        other = owner(key) if key in beside else None
        if other is None:
            known = kind.model_fields.keys() | ({*role, *options()} if key in beside else set())
            raise PydanticCustomError(
                WRONG_OPTION,
                "{said}",
                {
                    "place": hidden(key),
                    "said": f"backend {name}: unknown key {hidden(key)!r}; {did_you_mean(key, known)}",
                },
            )
        found |= _read(other, {key: both[key]})
    return found


def _read(kind: type[Options], given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return written(kind, given)
    except ValidationError as error:
        place, said = first_wrong(kind, given, error)
        raise PydanticCustomError(WRONG_OPTION, "{said}", {"place": place, "said": said}) from error


def json_only(value: dict[str, Any]) -> dict[str, Any]:
    """A mapping among a role's keys, as it is. Raises ValueError for a value that JSON cannot hold."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"must be what JSON can hold ({error})") from error
    return value
