"""DIR/dataset/policies.json: what the judges were told of each category, so that an export hangs on the folder alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from synth.errors import BROKEN, ConfigError, did_you_mean
from synth.hashing import short_hash
from synth.plan.lanes import LaneSpec

NAME: Final = "policies.json"


@dataclass(frozen=True, slots=True)
class Policy:
    """A category of harm and the rule by which the judges judged its rows, as policies.json keeps it."""

    subcategory: str
    name: str
    definition: str
    unsafe: str
    safe: str
    borderline: str
    hash: str
    """Of the rule; a row has it as `provenance.rule_hash`."""
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What guards and standards call the category, by guard."""


@dataclass(frozen=True)
class Policies(Mapping[str, Policy]):
    """A dataset's policies, by the hash of their rule. Categories may share a rule word for word: the hash then leads to
    the first of them by id, `every` has all, and `of` finds that of a row. A union of runs is a union of these."""

    every: tuple[Policy, ...]

    def of(self, row: Mapping[str, Any]) -> Policy:
        """The policy by which a row of the dataset was judged. ConfigError for a row whose rule is not among them."""
        provenance = row["provenance"]
        key = (provenance["rule"], provenance["rule_hash"])
        if key not in self._by_row:
            raise ConfigError(
                f"row {row['id']}: {NAME} has no rule {key[1]!r} of {key[0]!r}; run the same command again to write it anew"
            )
        return self._by_row[key]

    def named(self, subcategory: str) -> tuple[Policy, ...]:
        """The policies of a category, by its id: of united runs there may be several. ConfigError if there is none."""
        found = tuple(policy for policy in self.every if policy.subcategory == subcategory)
        if not found:
            known = {policy.subcategory for policy in self.every}
            raise ConfigError(f"{NAME} has no category {subcategory!r}; {did_you_mean(subcategory, known)}")
        return found

    def __getitem__(self, hash: str) -> Policy:
        return self._by_hash[hash]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_hash)

    def __len__(self) -> int:
        return len(self._by_hash)

    @cached_property
    def _by_row(self) -> dict[tuple[str, str], Policy]:
        return {(policy.subcategory, policy.hash): policy for policy in self.every}

    @cached_property
    def _by_hash(self) -> dict[str, Policy]:
        return {policy.hash: policy for policy in reversed(self.every)}


def policies_of(specs: Iterable[LaneSpec]) -> Policies:
    """The policies of a run: what the judges are told of the categories of its lanes."""
    return united(
        Policy(
            subcategory=spec.lane.subcategory,
            name=spec.subcategory["name"],
            definition=spec.subcategory["definition"],
            **spec.subcategory["rule"],
            hash=spec.rule_hash,
            codes={guard: tuple(codes) for guard, codes in sorted(spec.subcategory["codes"].items())},
        )
        for spec in specs
    )


def united(policies: Iterable[Policy]) -> Policies:
    """One set of policies out of several runs': each category and rule once, by id; of two that differ elsewhere the
    first."""
    found: dict[tuple[str, str], Policy] = {}
    for policy in policies:
        found.setdefault((policy.subcategory, policy.hash), policy)
    return Policies(tuple(found[key] for key in sorted(found)))


def written(policies: Policies) -> str:
    """The text of policies.json. It holds a hash of itself, by which it is known as synth's and unchanged."""
    entries = [asdict(policy) for policy in policies.every]
    return json.dumps({"content": _content(entries), "policies": entries}, ensure_ascii=False, indent=1) + "\n"


def read(path: Path) -> Policies:
    """The policies in a policies.json. ConfigError if there is none, or it is not as synth wrote it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries, content = found["policies"], found["content"]
        policies = Policies(tuple(Policy(**entry | {"codes": _codes(entry["codes"])}) for entry in entries))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: is not there, since an earlier synth made this dataset; run the same command again to write it"
        ) from error
    except BROKEN as error:
        raise _foreign(path) from error
    if content != _content(entries) or any(set(entry) != _FIELDS for entry in entries):
        raise _foreign(path)
    return policies


def made_by_synth(path: Path) -> bool:
    """Whether what stands at `path` is a policies.json just as synth wrote it."""
    try:
        read(path)
    except ConfigError:
        return False
    return True


_FIELDS: Final = {one.name for one in fields(Policy)}


def _foreign(path: Path) -> ConfigError:
    return ConfigError(f"{path}: is not what synth wrote; move it away and run the same command again")


def _codes(codes: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {guard: tuple(several) for guard, several in codes.items()}


def _content(entries: Any) -> str:
    return short_hash(json.dumps(entries, sort_keys=True, ensure_ascii=False))
