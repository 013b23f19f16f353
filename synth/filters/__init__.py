"""Filters, by name. A text rule reads a query or an answer, a row rule the judged row; each gives a reason key or None."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypedDict, Unpack

from synth.errors import ConfigError, did_you_mean
from synth.filters import personal, query, response, row, rule_sets, text
from synth.recipe import factory as factories
from synth.recipe import plugins
from synth.recipe.labels import BINARY, LabelScheme
from synth.recipe.sections import FilterUse, RuleSet
from synth.types import REASON

Rules: TypeAlias = Sequence[tuple[str, Callable[[Any], str | None]]]
Kind: TypeAlias = Literal["text", "row"]


def known(kind: Kind) -> list[str]:
    """Names of the filters of that kind (`text` or `row`), those of other packages (entry points `synth.filters.text`,
    `synth.filters.row`) included."""
    return plugins.names(_group(kind), _ours(kind))


def factory(kind: Kind, name: str) -> Callable[..., Any]:
    """The function that makes the filter of that name from its options; ConfigError if there is none, or another package's
    is broken."""
    if name not in known(kind):
        raise ConfigError(f"no filter {name!r}; {did_you_mean(name, known(kind))}")
    own = _ours(kind).get(name)
    found: Callable[..., Any] = plugins.load(_group(kind), name, (lambda: own) if own else None)
    return found


def _group(kind: Kind) -> str:
    return f"synth.filters.{kind}"


@cache
def _ours(kind: Kind) -> dict[str, Callable[..., Any]]:
    ours: dict[str, Callable[..., Any]] = {
        name: value
        for module in {"text": (text, query, response), "row": (row,)}[kind]
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    if kind == "text":
        ours["personal"] = personal.personal
    return ours


class Given(TypedDict, total=False):
    """What filters that ask for it are given besides rules and labels."""

    prompts: Sequence[str] | None
    """The texts that models are asked with; None: all that are found."""
    sent: Sequence[str]
    """What models are told besides."""
    redaction: Mapping[str, str]
    """What unsafe answers leave out, by subcategory."""


_GIVEN: Final = {"rules": {}, "scheme": BINARY, "prompts": None, "sent": (), "redaction": {}}


def bind(
    kind: Kind,
    uses: Sequence[FilterUse],
    place: str,
    rules: Mapping[str, str] | None = None,
    scheme: LabelScheme = BINARY,
    *,
    of: RuleSet = "written",
    **given: Unpack[Given],
) -> Rules:
    """The filters of a rule set that a recipe names at `place`, each with its options checked against its signature. Those
    that ask for them are given `rules`, the texts by which judges judge, `scheme`, the recipe's labels, and what else is
    `given`."""
    told = {**_GIVEN, "rules": rules or {}, "scheme": scheme, **given}
    found = []
    for use in uses:
        rule = _bound(kind, use, place, told)  # checked whether it is asked or not
        options = rule_sets.limits(factory(kind, use.name), use, place, of)
        if options is not None:
            asked = use.model_copy(update={"options": options})
            found.append((use.name, rule if options == use.options else _bound(kind, asked, place, told)))
    return found


def replaced(
    uses: Sequence[FilterUse], limits: Mapping[str, Mapping[str, Any] | Literal[False]], place: str
) -> list[FilterUse]:
    """The filters that a recipe names, with other `limits` by name: options that stand over those they have, or False for
    a filter that is left out. Of a filter that the recipe does not name they limit nothing: it may have them of one it extends.
    ConfigError for a name that no filter has."""
    names = known("text")
    if wrong := limits.keys() - {*names}:
        raise ConfigError(f"{place}: no filter {min(wrong)!r} of texts; {did_you_mean(min(wrong), names)}")
    found = []
    for use in uses:
        over: Mapping[str, Any] | Literal[False] = limits.get(use.name, {})
        if over is not False:
            found.append(use.model_copy(update={"options": {**use.options, **over}}) if over else use)
    return found


def options(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a recipe may set of a filter: its arguments but those it is given (see `bind`)."""
    return factories.options(factory, _GIVEN)


def _bound(kind: Kind, use: FilterUse, place: str, given: Mapping[str, Any]) -> Callable[[Any], str | None]:
    try:
        maker = factory(kind, use.name)
    except ConfigError as error:
        raise ConfigError(f"filters.{place}: {error}") from error
    name = f"filters.{place}.{use.name}"
    rule: Callable[[Any], str | None] = factories.made(maker, use.options, name, given)
    return rule if plugins.is_own(maker) else _looked_at(rule, name)


def _looked_at(rule: Callable[..., Any], name: str) -> Callable[..., str | None]:
    """Another package's filter: what it raises, or gives that is no reason, is a line that names it."""

    @wraps(rule)
    def looked_at(*subject: Any) -> str | None:
        with plugins.blamed(name, rule):
            reason = rule(*subject)
        if reason and not (isinstance(reason, str) and REASON.fullmatch(reason)):
            raise ConfigError(
                f"{name}: gives {reason!r} where a reason is due, a key as `too_short`; mend it, or leave it out"
            )
        return reason or None

    return looked_at


def first_reason(rules: Rules, subject: Any, asked: str | None = None) -> str | None:
    """The reason that the first of these filters to object gives against a text or row; None if none objects. An answer's
    filters that read what was `asked` are told it."""
    for _, rule in rules:
        if reason := reason_of(rule, subject, asked):
            return reason
    return None


def reason_of(rule: Callable[..., str | None], subject: Any, asked: str | None = None) -> str | None:
    """The reason that a filter gives against a text or row; one on answers with a second argument `query` is told what was
    `asked`, if that is known."""
    return rule(subject, asked) if asked is not None and _reads_query(rule) else rule(subject)


@lru_cache(maxsize=1024)
def _reads_query(rule: Callable[..., Any]) -> bool:
    try:
        return "query" in [*inspect.signature(rule).parameters][1:]
    except (TypeError, ValueError):  # of compiled code, which need not say
        return False


@dataclass(frozen=True)
class Measured:
    """What `benchmarks/filters.py` found of a filter at one place: how often it drops rightly and wrongly."""

    name: str
    place: str
    false: int
    of: int
    found: int
    planted: int
    precision: float | None

    def __str__(self) -> str:
        finds = f", finds {self.found / self.planted:.1%} of defects planted by program" if self.planted else ""
        return f"{self.place}: drops {self.false / self.of:.2%} of ordinary Chinese seen while it was written{finds}"


def measured() -> dict[str, list[Measured]]:
    """The measured figures that ship, by name of filter, of every place at which the reference recipe has it."""
    found: dict[str, list[Measured]] = {}
    for figures in json.loads((Path(__file__).parent / "measured.json").read_text(encoding="utf-8")):
        found.setdefault(figures["name"], []).append(Measured(**figures))
    return found
