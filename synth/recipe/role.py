"""A model role of a recipe: who answers, how it is asked to sample, where it is reached and how fast it may be asked."""

import json
from collections.abc import Collection, Mapping
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
from synth.recipe.backend import Declared, Frozen, Options, answering, options, owner, reading, written
from synth.recipe.credentials import hidden
from synth.recipe.option_keys import check_no_keys, without_keys
from synth.recipe.yaml import WRONG_OPTION, first_wrong, validate
from synth.types import Ceiling, named

OFFLINE, SERVER = "offline", "openai"
"""The backend that has no model, and the one that a role has unless it names another."""
LIMITS = ("price", "concurrency", "rpm", "tpm", "timeout")
"""What of a role says how fast it may be asked and what that costs, and bears on no answer."""
STOP = ("\n用户：", "\n要求：", "\n---")
"""Where the answer of a model that goes on with plain text ends, unless `extra` says otherwise: where `completion/` prompts begin
another turn."""


class Price(Frozen):
    """Per million tokens, in whatever currency you think in."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class Role(Frozen):
    """One model role: who answers, and how it is asked to sample."""

    model: str
    revision: Annotated[str, Field(pattern=r"^[\w.:+-]+$")] | None = None
    """Which of the models that the server calls by that name, where it is exchanged under it (a guard trained anew). The server is
    not told; two revisions never share replies."""
    backend: str = SERVER
    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: PositiveInt = 1024
    system: bool = True
    """Whether the model takes a system message; if not, its text goes before the user's."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, as the server names them."""
    price: Price | None = None
    concurrency: PositiveInt | None = None
    rpm: PositiveInt | None = None
    tpm: PositiveInt | None = None
    """Calls in flight, requests and tokens a minute that this model is asked at most."""
    timeout: PositiveFloat = 300.0
    """Seconds for which one answer is waited at most."""
    prefill: str = ""
    """What an answerer's answer begins with; the model goes on from there. vLLM's servers can, and few others."""
    completion: str | None = None
    """For an answerer without a chat template: the prompt under `completion/` that makes one plain text of the conversation."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the backend takes beside all this, as its own `Options` says. In a recipe such a key may stand beside the others too, and there one
    of another of synth's backends as well: it holds once the role is asked by that one (`--backend`). What is left at its default is left out."""

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

    @model_serializer(mode="wrap")
    def _without_keys(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Options beside the others, as recipes have them."""
        data: dict[str, Any] = rest(self)
        return data | without_keys(data.pop("options", {}))

    @property
    def settings(self) -> Options:
        """The options, as the backend reads them. ConfigError for a backend that is not there."""
        kind = reading(self.backend, self.options)
        return kind.model_validate({name: one for name, one in self.options.items() if name in kind.model_fields})

    @property
    def answering(self) -> Declared:
        """What is declared of who answers."""
        return answering(self.backend, self.options)

    @property
    def declared(self) -> Declared | None:
        """The same; None for a backend that is not there."""
        try:
            return self.answering
        except ConfigError:
            return None

    def changed(self, name: str, **changes: Any) -> "Role":
        """The role called `name` with other keys. Options that neither its backend knows nor one of synth's are left behind with the backend they
        were for."""
        data = {key: getattr(self, key) for key in type(self).model_fields if key != "options"} | self.options | changes
        kind = reading(str(data["backend"]), data)
        kept = {key for key in data if key in type(self).model_fields or key in kind.model_fields or owner(key)}
        return validate(Role, {key: value for key, value in data.items() if key in kept}, f"models.{name}")

    @property
    def ceiling(self) -> Ceiling:
        return Ceiling(self.concurrency, self.rpm, self.tpm, self.timeout)

    @property
    def named(self) -> str:
        """The model as its replies are kept and booked, and as rows name it: `model@revision`."""
        return named(self.model, self.revision)

    @property
    def params(self) -> dict[str, Any]:
        """What bears identity of how the model samples."""
        stop = {"stop": list(STOP)} if self.completion else {}
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            **stop,
            **self.extra,
        }

    def identity(self) -> dict[str, Any]:
        """What of the role bears on its answers. Whichever backend asks a model, it is the same model; a stand-in is none."""
        data = self.model_dump(mode="json", exclude={*LIMITS, "options"})
        data["backend"] = self.backend if self.answering.STAND_IN else "model"
        for name in ("prefill", "completion", "revision"):  # a role without is the role it was before there were any
            if not data[name]:
                del data[name]
        return data | without_keys(self._bearing())

    def _bearing(self) -> dict[str, Any]:
        """Options that bear identity, those for another backend among them: the weights they name are asked for wherever it is."""
        own = self.settings
        found: dict[str, Any] = {}
        for name in self.options.keys() - type(own).model_fields.keys():
            if kind := owner(name):
                found |= kind.model_validate({name: self.options[name]}).bearing
        return found | own.bearing


def options_of(name: str, given: Mapping[str, Any], beside: Mapping[str, Any], role: Collection[str]) -> dict[str, Any]:
    """The options of a role of the backend `name`, from those under `options` and the keys `beside` the others, each read by its backend.
    A backend that is not there says so where it is asked for; until then nothing is known of its options but that they hold no key."""
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
    """ValueError for a value that JSON cannot hold."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"must be what JSON can hold ({error})") from error
    return value
