"""The categories of a test in a guard's own words: by the codes that a run's policies, or the taxonomy that ships, have for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.dataset import policies
from synth.dataset.policies import Policies, policies_of
from synth.errors import ConfigError
from synth.plan.lanes import told_of
from synth.quality.evaluate.gold import Case
from synth.recipe import taxonomy
from synth.recipe.labels import LabelScheme

TAXONOMY: Final = "libra"


@dataclass(frozen=True)
class TestPolicies:
    """The policies of a test's categories: a finished run's own, or those of the taxonomy that ships. A row is found by its rule, or by
    what the test calls its category."""

    every: tuple[Any, ...]
    own: Policies | None = None

    def of(self, row: Mapping[str, Any]) -> Any:
        """The policy of a test's row. ConfigError for one that has none."""
        if self.own is not None and row.get("provenance"):
            return self.own.of(row)
        names = (row.get(name) for name in ("subcategory", "sub_category_name", "subcategory_name", "category"))
        found = next((one for name in names for one in self.every if name in (one.subcategory, one.name)), None)
        if found is None:
            raise ConfigError(
                f"row {row.get('id')!r}: the guard's prompt holds a category's rule, and the row names no category of the taxonomy "
                f"{TAXONOMY!r}; name it under 'subcategory', leave out what ships without one (--no-ordinary), or take a guard that asks without"
            )
        return found


def policies_for(path: Path, labels: LabelScheme) -> TestPolicies:
    """The policies for a test's rows: of the finished run that it lies in, else of the taxonomy that ships."""
    for folder in (path, *path.absolute().parents[:3]):
        for file in (folder / "dataset" / policies.NAME, folder / policies.NAME):
            if file.is_file():
                found = policies.read(file)
                return TestPolicies(found.every, found)
    shipped = taxonomy.load_shipped(TAXONOMY)
    ids = [one.id for scenario in shipped.scenarios for one in scenario.subcategories]
    return TestPolicies(policies_of(told_of(shipped, id, labels) for id in ids).every)


@dataclass(frozen=True)
class Crosswalk:
    """From the categories of a test to a guard's own names of them. `crosswalk` makes it."""

    codes: Mapping[str, tuple[str, ...]]
    """By a category's id and its name what the guard calls it: the first as it is taught, all as it may; none where the guard has no
    such category."""
    known: frozenset[str]
    """Every name in the guard's list."""
    attacks: Mapping[str, str]
    """The category that a query made by an operator has besides, by operator; of queries alone."""

    def gold(self, case: Case, mode: str) -> tuple[frozenset[str], frozenset[str]] | None:
        """A case's categories in the guard's words: as they are taught, and all that may be said. Both are empty where the guard has no
        such category; None for a case of which none is known."""
        subject = (case.subject,) if mode == "prompt" and case.subject else ()
        found = [self._of(one) for one in subject or case.categories]
        if not found or None in found:
            return None
        more = (
            {self.attacks[attack]}
            if mode == "prompt" and (attack := str(case.row.get("attack"))) in self.attacks
            else set()
        )
        taught, all_of = (frozenset(code for one in found for code in (one or ())[:most]) for most in (1, None))
        return taught | more, all_of | more

    def told(self, categories: Iterable[str]) -> frozenset[str]:
        """The categories that a guard names, spelt as in `gold`; of a code with its name behind it (`S1: Violent Crimes`) the code."""
        spelt = map(_plain, categories)
        heads = ((one, _plain(one.partition(":")[0])) for one in spelt)
        return frozenset(head if one not in self.known and head in self.known else one for one, head in heads)

    def _of(self, category: str) -> tuple[str, ...] | None:
        """A test may name categories as the guard does."""
        own = _plain(category)
        return self.codes.get(category, (own,) if own in self.known else None)


def crosswalk(of: str, every: Iterable[Any], attacks: Mapping[str, str]) -> Crosswalk | None:
    """The categories of these policies in the words of a guard, `of` its key among their codes; None where they have none for it."""
    codes = {
        category: tuple(_plain(code) for code in told if code != taxonomy.NO_CODE)
        for policy in every
        for key, told in policy.codes.items()
        if _key(key) == _key(of)
        for category in (policy.subcategory, policy.name)
    }
    if not codes:
        return None
    known = frozenset(code for several in codes.values() for code in several)
    return Crosswalk(codes, known, {name: _plain(code) for name, code in attacks.items()})


def _key(name: str) -> str:
    return Path(name).stem.replace("_", "").replace("-", "").casefold()


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()
