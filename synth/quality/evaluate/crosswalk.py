"""The categories of a test in a guard's own words: by the codes that a run's policies, or the taxonomy that ships, have for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.dataset import policies
from synth.dataset.policies import Policies, policies_of
from synth.errors import ConfigError
from synth.plan.lanes import told_of
from synth.recipe import taxonomy
from synth.recipe.labels import LabelScheme

TAXONOMY: Final = "libra"
NO_CODE: Final = "-"
"""What stands among a category's codes where the guard has no such category."""


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
                f"{TAXONOMY!r}; name it under 'subcategory', or take a guard that asks without"
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

    codes: Mapping[str, frozenset[str]]
    known: frozenset[str]
    """Every name in the guard's list."""

    def gold(self, categories: Iterable[str]) -> frozenset[str]:
        """A row's categories in the guard's words; empty where the guard has no such category."""
        found = [self.codes.get(one, frozenset({_plain(one)} & self.known)) for one in categories]
        return frozenset[str]().union(*found)

    def told(self, categories: Iterable[str]) -> frozenset[str]:
        """The categories that a guard names, spelt as in `gold`."""
        return frozenset(self.codes_of(one) for one in categories)

    def codes_of(self, word: str) -> str:
        """A guard's own word for a category, spelt plainly; of a code with its name behind it (`S1: Violent Crimes`) the code."""
        plain = _plain(word)
        head = _plain(word.partition(":")[0])
        return head if plain not in self.known and head in self.known else plain


def crosswalk(guard: str, every: Iterable[Any]) -> Crosswalk | None:
    """The categories of these policies in the words of a guard, by its name; None where they have no codes for it."""
    policies, name = list(every), _key(guard)
    codes = {
        category: frozenset(_plain(code) for code in told if code != NO_CODE)
        for policy in policies
        for key, told in policy.codes.items()
        if _key(key) == name
        for category in (policy.subcategory, policy.name)
    }
    return Crosswalk(codes, frozenset[str]().union(*codes.values())) if codes else None


def _key(name: str) -> str:
    return Path(name).stem.replace("_", "").replace("-", "").casefold()


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()
