"""Row rules, by name. A text rule reads a query or an answer, a row rule the judged row; each gives a reason key or None."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError, validate_call

from synth.errors import ConfigError, did_you_mean
from synth.filters import personal, query, response, row, text
from synth.recipe.schema import FilterUse
from synth.recipe.yaml import complaint

Rules: TypeAlias = Sequence[tuple[str, Callable[[Any], str | None]]]
Kind: TypeAlias = Literal["text", "row"]


@cache
def known(kind: Kind) -> dict[str, Callable[..., Any]]:
    """Every rule of that kind, those of other packages (entry points `synth.filters.text`, `synth.filters.row`) included."""
    ours: dict[str, Callable[..., Any]] = {
        name: value
        for module in {"text": (text, query, response), "row": (row, row)}[kind]
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    if kind == "text":
        ours["personal"] = personal.personal
    return ours | {point.name: point.load() for point in entry_points(group=f"synth.filters.{kind}")}


def bind(
    kind: Kind,
    uses: Sequence[FilterUse],
    place: str,
    rules: Mapping[str, str] | None = None,
    prompts: Sequence[str] | None = None,
) -> Rules:
    """The rules a recipe names at `place`, each with its options checked against its signature; `rules` are the texts by which
    judges judge, `prompts` those that models are asked with (None: all that are found), for those that ask for them."""
    return [(use.name, _bound(kind, use, place, {"rules": rules or {}, "prompts": prompts})) for use in uses]


def options(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a recipe may set of a rule: its arguments but those it is given."""
    return [one for one in inspect.signature(factory).parameters.values() if one.name not in ("rules", "prompts")]


def _bound(kind: Kind, use: FilterUse, place: str, injected: Mapping[str, Any]) -> Callable[[Any], str | None]:
    rules = known(kind)
    if use.name not in rules:
        raise ConfigError(f"filters.{place}: no filter {use.name!r}; {did_you_mean(use.name, rules)}")
    parameters = [one.name for one in options(rules[use.name])]
    asked_for = inspect.signature(rules[use.name]).parameters
    given = {name: value for name, value in injected.items() if name in asked_for}
    for option in use.options:
        if option not in parameters:
            raise ConfigError(
                f"filters.{place}.{use.name}: unknown option {option!r}; {did_you_mean(option, parameters)}"
            )
    try:
        rule: Callable[[Any], str | None] = validate_call(rules[use.name])(**given, **use.options)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = ".".join(map(str, wrong["loc"]))
        raise ConfigError(f"filters.{place}.{use.name}: {option}: {complaint(wrong)}") from error
    except ValueError as error:
        raise ConfigError(f"filters.{place}.{use.name}: {error}") from error
    return rule


def first_reason(rules: Rules, subject: Any) -> str | None:
    """The first rule's reason against it, or None."""
    for _, rule in rules:
        if reason := rule(subject):
            return reason
    return None


@dataclass(frozen=True)
class Measured:
    """What `benchmarks/filters.py` found of a rule at one place."""

    name: str
    place: str
    false: int
    of: int
    found: int
    planted: int
    precision: float | None

    def __str__(self) -> str:
        finds = (
            f", finds {self.found / self.planted:.1%} of planted, precision {self.precision:.3f}"
            if self.planted
            else ""
        )
        return f"{self.place}: drops {self.false / self.of:.2%} of ordinary Chinese{finds}"


def measured() -> dict[str, list[Measured]]:
    """By name: the figures that ship, of every place at which the reference recipe has the rule."""
    found: dict[str, list[Measured]] = {}
    for figures in json.loads((Path(__file__).parent / "measured.json").read_text(encoding="utf-8")):
        found.setdefault(figures["name"], []).append(Measured(**figures))
    return found
