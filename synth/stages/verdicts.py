"""Verdict rules, by name: what becomes of a panel's votes. Each takes its options and gives a rule: votes and labels -> the row's
label, or None for the hard pile.

A rule is given every seat's vote, in order; one whose judge gave no verdict has no label. A factory whose signature has `seats` is
given the names of the seats besides its options. A rule that makes a label which no judge may say itself has it under `makes`; one
that hears some seats alone has their places under `hears`: the row's analysis is theirs; one that needs judges who decide doubtful rows
one way says under `leans` which, `strict` or `loose` by the seat's place: prompts are given it as `lean`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Literal, TypeAlias

from synth.errors import ConfigError, did_you_mean
from synth.recipe import factory as factories
from synth.recipe import plugins
from synth.recipe.labels import LabelScheme
from synth.types import Label, Vote

VerdictRule: TypeAlias = Callable[[Sequence[Vote], LabelScheme], Label | None]
GROUP, PLACE = "synth.verdicts", "judge.verdict"


def unanimous() -> VerdictRule:
    """The verdict rule `unanimous`: the label that all judges give."""

    def rule(votes: Sequence[Vote], scheme: LabelScheme) -> Label | None:
        del scheme
        labels = {vote.label for vote in votes} - {None}
        return labels.pop() if len(labels) == 1 else None

    return rule


def majority() -> VerdictRule:
    """The verdict rule `majority`: the label that more than half of the judges with a verdict give."""

    def rule(votes: Sequence[Vote], scheme: LabelScheme) -> Label | None:
        del scheme
        labels = Counter(vote.label for vote in votes if vote.label is not None)
        label, most = labels.most_common(1)[0] if labels else (None, 0)
        return label if 2 * most > labels.total() else None

    return rule


@dataclass(frozen=True, slots=True)
class SplitIs:
    """The verdict rule `split_is`: `strict` and `loose` are the numbers of two seats in the panel, from 0."""

    label: Label
    strict: int
    loose: int

    @property
    def makes(self) -> tuple[Label, ...]:
        """The labels that this verdict rule gives though no judge may say them."""
        return (self.label,)

    @property
    def hears(self) -> tuple[int, ...]:
        """The seats that this verdict rule hears: the places of the strict and of the loose judge."""
        return self.strict, self.loose

    @property
    def leans(self) -> Mapping[int, Literal["strict", "loose"]]:
        """Which way the judges that this verdict rule hears decide where reasonable people may differ, by their places."""
        return {self.strict: "strict", self.loose: "loose"}

    def __call__(self, votes: Sequence[Vote], scheme: LabelScheme) -> Label | None:
        strict, loose = votes[self.strict].label, votes[self.loose].label
        if strict is None or loose is None:
            return None
        if strict == loose:
            return strict
        return self.label if scheme.severity(strict) > scheme.severity(loose) else None


def split_is(label: str, strict: str, loose: str, seats: Sequence[str] = ()) -> VerdictRule:
    """The verdict rule `split_is`: `label` where the strict judge is more severe than the loose one; where they agree,
    what they say. The other way round they contradict what they are there for, and the row goes to the hard pile."""
    for name, seat in (("strict", strict), ("loose", loose)):
        if seat not in seats:
            raise ValueError(f"{name}: {seat!r} is no judge; {did_you_mean(seat, seats)}")
    if strict == loose:
        raise ValueError(f"strict and loose are both {strict!r}; name two judges")
    return SplitIs(label, list(seats).index(strict), list(seats).index(loose))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recipe's verdict rule with its labels, ready to make a row's label and analysis of a panel's votes."""

    name: str
    rule: VerdictRule
    scheme: LabelScheme
    said: tuple[Label, ...]
    """The labels a judge may say, most severe first."""
    seats: int
    """How many judges vote."""

    @property
    def leans(self) -> Mapping[int, Literal["strict", "loose"]]:
        """Which way judges are to decide doubtful rows for this verdict, by their seats' places; those not named decide as they think."""
        found: Mapping[int, Literal["strict", "loose"]] = getattr(self.rule, "leans", {})
        return found

    def label(self, votes: Sequence[Vote]) -> Label | None:
        """The label that the verdict rule makes of votes; None where it gives none."""
        with plugins.blamed(f"{PLACE}: {self.name}", self.rule):
            label = self.rule(votes, self.scheme)
        if label is not None and label not in self.scheme.names:
            raise ConfigError(
                f"{PLACE}: {self.name} gives {label!r}, which is no label; mend the rule, or name it in `labels`"
            )
        return label

    def of(self, votes: Sequence[Vote]) -> tuple[Label | None, str | None]:
        """The row's label and its analysis: that of the first vote that says so. Where none does, those of all votes, the most
        severe first, a paragraph each. Votes that the rule does not hear are left out."""
        label = self.label(votes)
        if label is None:
            return None, None
        heard = [votes[seat] for seat in getattr(self.rule, "hears", range(len(votes)))]
        given = [vote for vote in heard if vote.label is not None]
        if told := next((vote for vote in given if vote.label == label), None):
            return label, told.analysis
        given.sort(key=lambda vote: -self.scheme.severity(vote.label or self.scheme.safe))
        return label, "\n".join(vote.analysis or "" for vote in given)


_OURS: Mapping[str, Callable[..., VerdictRule]] = {one.__name__: one for one in (unanimous, majority, split_is)}


def known() -> list[str]:
    """Names of the verdict rules, those of other packages (entry points `synth.verdicts`) included."""
    return plugins.names(GROUP, _OURS)


def factory(name: str) -> Callable[..., VerdictRule]:
    """The function that makes the verdict rule of that name; ConfigError if there is none, or another package's is
    broken."""
    own = _OURS.get(name)
    found: Callable[..., VerdictRule] = plugins.load(GROUP, name, (lambda: own) if own else None)
    return found


def options(maker: Callable[..., VerdictRule]) -> list[Parameter]:
    """What a recipe may set of a verdict rule: the maker's arguments but `seats`, which it is given."""
    return factories.options(maker, {"seats": ()})


def bind(use: str | Mapping[str, Any], scheme: LabelScheme, seats: Sequence[str]) -> Verdict:
    """The verdict rule that a recipe names: by name; as `name: {options}`; or as `name: value`, the value being its
    first option's and the others standing beside it."""
    name, chosen = _read(use)
    rule = factories.made(factory(name), chosen, f"{PLACE}.{name}", {"seats": list(seats)})
    makes = tuple(getattr(rule, "makes", ()))
    for label in makes:
        if label not in scheme.names:
            raise ConfigError(
                f"{PLACE}.{name}: {label!r} is none of the recipe's `labels`; {did_you_mean(label, scheme.names)}"
            )
    said = tuple(label for label in scheme.names if label not in makes)
    if scheme.safe in makes or len(said) < 2:
        raise ConfigError(
            f"{PLACE}.{name}: leaves judges {', '.join(said)} to say; give `labels` one more, between the others"
        )
    return Verdict(name, rule, scheme, said, len(seats))


def _read(use: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {use: {}} if isinstance(use, str) else dict(use)
    named = [name for name in given if name in known()]
    if len(named) != 1:
        wrong = next(iter(given))
        way_out = did_you_mean(wrong, known()) if not named else f"it names {' and '.join(named)}; keep one"
        raise ConfigError(f"{PLACE}: no verdict rule {wrong!r}; {way_out}" if not named else f"{PLACE}: {way_out}")
    value = given.pop(named[0])
    if isinstance(value, dict) or value is None:
        return named[0], (value or {}) | given
    first = options(factory(named[0]))[:1]
    if not first:
        raise ConfigError(f"{PLACE}.{named[0]}: takes no options (got {value!r})")
    return named[0], {first[0].name: value} | given
