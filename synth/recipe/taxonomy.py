"""What may go wrong: scenarios, subcategories and element banks, from YAML, strictly.

A file may `extends:` others: scenarios and subcategories are matched by id, lists grow, single values are replaced.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from synth.errors import ConfigError
from synth.recipe.extends import DEEPEST, check_depth
from synth.recipe.files import extended, find, shipped
from synth.recipe.yaml import read_yaml, several, validate

REFUSE_ONLY = frozenset({"crime.minors", "crime.special_control"})
"""Refuse-only under any file, overlay or recipe: sexual content involving minors, weapons that can kill many."""

_MINOR = (
    r"儿童|未成年|幼女|幼童|幼儿|男童|女童|小孩|孩子|少女|少年|女孩|男孩|小学|中学|初中|高中|婴幼儿|学生妹"
    r"|(?<![一二三四五六七八九十])(?:十[一二三四五六七]?|[一二三四五六七八九])岁|(?<!\d)(?:\d|1[0-7])岁"
)
_SEXUAL = r"色情|性行为|性关系|性交易|性剥削|性侵|淫秽|情色|涉黄|黄片|不雅|猥亵|卖淫|嫖|裙底|陪侍|裸(?!辞|婚|考|跑|眼|机|退|官)"
_PATHOGEN = r"炭疽|鼠疫|天花|埃博拉|肉毒|蓖麻毒|霍乱"
_SPREAD = r"投放|投毒|播撒|散播|撒播|扩增|武器化|气溶胶|(?<!疫苗)培养"
FORBIDDEN_SUBJECT = re.compile(
    rf"(?:{_MINOR}).{{0,20}}(?:{_SEXUAL})|(?:{_SEXUAL}).{{0,20}}(?:{_MINOR})"
    r"|恋童|童色|童交|幼交|萝莉.{0,4}(?:图|视频|资源|片)|(?:child|kiddie) ?porn|\bcsam\b|\bloli\b"
    r"|(?:生物|化学|核|生化|细菌|放射性)(?:武器|战剂|炸弹)|脏弹|神经毒[剂气]|大规模杀伤|沙林|塔崩|梭曼|诺维乔克|芥子气|维埃克斯|\bVX\b"
    rf"|(?:{_SPREAD}).{{0,12}}(?:{_PATHOGEN})|(?:{_PATHOGEN}).{{0,12}}(?:{_SPREAD})",
    re.DOTALL | re.IGNORECASE,
)
"""A subject that may only stand under a refuse-only subcategory: sexual content with minors, weapons that can kill many."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ScenarioId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
SubcategoryId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]


def _distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        seen = Counter(items)
        raise ValueError(f"{min(item for item in seen if seen[item] > 1)!r} stands twice; keep one")
    return items


def _codes(value: Any) -> Any:
    return () if value == NO_CODE else several(value)


NO_CODE = "-"
"""Stands among a subcategory's codes where the guard has no such category."""
Codes = Annotated[tuple[Text, ...], BeforeValidator(_codes), AfterValidator(_distinct)]
GuardName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Bank = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_distinct)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Rule(_Frozen):
    """A subcategory's rule for judges: when an answer is unsafe, when it is safe, and how the usual borderline case
    is decided."""

    unsafe: Text
    safe: Text
    borderline: Text

    @property
    def hash(self) -> str:
        """A hash of the three texts of a rule in a taxonomy, 16 hex digits."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


class Subcategory(_Frozen):
    """A kind of harm in a taxonomy: its definition, the judges' rule, and the bank of behaviours that queries are
    written on."""

    id: SubcategoryId
    name: Text
    english: str = ""
    definition: Text
    rule: Rule
    handling: Literal["normal", "refuse_only"] = "normal"
    redaction: Literal["detail", "finished", "none"] | None = None
    """What a subcategory's unsafe answers leave out: all that could be done, what could be posted or sent as it stands, or nothing but such
    detail; None is not said, and bears no identity."""
    behaviours: Bank
    codes: dict[GuardName, Codes] = Field(default_factory=dict)
    """What guards and standards call the subcategory, the nearest first: `llama_guard: [S2]`, or `"-"` where the guard
    has no such category, with `llama_guard_rest: [S10]` for the class that takes it in at need. Rendered at export; no
    judge sees them, so they bear no identity."""

    @property
    def refuse_only(self) -> bool:
        """Whether the queries of a taxonomy's subcategory may only be answered by refusals."""
        return self.handling == "refuse_only" or self.id in REFUSE_ONLY

    @model_validator(mode="after")
    def _subjects_stand_where_they_may(self) -> "Subcategory":
        clauses = re.split("[。；]", self.definition)  # a definition may say that such things belong elsewhere
        for text in () if self.refuse_only else (self.name, *clauses, *self.behaviours):
            if FORBIDDEN_SUBJECT.search(text):
                raise ValueError(f"{text!r} may only stand under `handling: refuse_only`")
        return self


class Scenario(_Frozen):
    """A group of subcategories in a taxonomy; N counts rows per scenario."""

    id: ScenarioId
    name: Text
    english: str = ""
    benign: bool = False
    """Whether the scenario is ordinary conversation: no harmful lanes, no look-alikes."""
    subcategories: Annotated[tuple[Subcategory, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_belong(self) -> "Scenario":
        for subcategory in self.subcategories:
            if not subcategory.id.startswith(f"{self.id}."):
                raise ValueError(f"subcategory id {subcategory.id!r} must begin with {self.id + '.'!r}")
        return self


class Taxonomy(_Frozen):
    """The scenarios, subcategories and element banks that a recipe makes rows of."""

    name: Text
    title: str = ""
    about: str = ""
    scenarios: tuple[Scenario, ...] = ()
    banks: dict[ScenarioId, Bank] = Field(default_factory=dict)
    """The values of each axis of elements that writer calls draw from."""

    def identity(self) -> dict[str, Any]:
        """What in a taxonomy changes the data, as JSON: all but the guards' codes, and no level of redaction that is not said."""
        codes = {"scenarios": {"__all__": {"subcategories": {"__all__": {"codes"}}}}}
        data = self.model_dump(mode="json", exclude=codes)
        for subcategory in (one for scenario in data["scenarios"] for one in scenario["subcategories"]):
            if subcategory["redaction"] is None:
                del subcategory["redaction"]
        return data

    def subcategory(self, id: str) -> tuple[Scenario, Subcategory]:
        """The scenario and subcategory of a subcategory's id. ConfigError for an id that the taxonomy does not have."""
        for scenario in self.scenarios:
            for subcategory in scenario.subcategories:
                if subcategory.id == id:
                    return scenario, subcategory
        raise ConfigError(f"taxonomy {self.name!r} has no subcategory {id!r}")


def load(name: str, read: dict[Path, dict[str, Any]] | None = None) -> Taxonomy:
    """The taxonomy of that name or path, with all it extends merged in; every file of it is noted in `read`."""
    path = find("taxonomies", name)
    return validate(Taxonomy, _merged(path, (), {} if read is None else read), str(path), also=("extends",))


def load_shipped(name: str) -> Taxonomy:
    """The taxonomy of that name as synth ships it, even where the user has one of the same name."""
    return load(str(shipped() / "taxonomies" / f"{name}.yaml"))


def together(taxonomies: Sequence[Taxonomy]) -> Taxonomy:
    """Several taxonomies merged into one; a scenario may stand in two of them only if it is the same. ConfigError
    otherwise."""
    scenarios: dict[str, Scenario] = {}
    banks: dict[str, tuple[str, ...]] = {}
    for taxonomy in taxonomies:
        for scenario in taxonomy.scenarios:
            if scenarios.setdefault(scenario.id, scenario) != scenario:
                raise ConfigError(
                    f"scenario {scenario.id!r} differs between taxonomies {', '.join(t.name for t in taxonomies)}; "
                    "name only one of them, or let one extend the other"
                )
        for axis, bank in taxonomy.banks.items():
            banks[axis] = tuple(dict.fromkeys(banks.get(axis, ()) + bank))
    return Taxonomy(name="+".join(t.name for t in taxonomies), scenarios=tuple(scenarios.values()), banks=banks)


def _merged(path: Path, chain: tuple[Path, ...], read: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """The file with all it extends; each file is `read` once, by however many ways and spellings it is reached."""
    check_depth(path, chain)
    if (resolved := path.resolve()) in read:
        return read[resolved]
    own = read_yaml(path)
    extends = own.pop("extends", [])
    extends = [extends] if isinstance(extends, str) else extends
    if not isinstance(extends, list) or not all(isinstance(name, str) for name in extends):
        raise ConfigError(f"{path}: extends: must be a taxonomy's name or a list of names (got {extends!r})")
    if len(extends) > DEEPEST:
        raise ConfigError(f"{path}: extends: names {len(extends):,} taxonomies; {DEEPEST} are the most")
    _refuse_repeated_ids(own, path)
    _refuse_empty_lists(own, "", path)
    base: dict[str, Any] = {}
    for name in extends:
        try:
            parent = extended("taxonomies", path, name)
        except ConfigError as error:
            raise ConfigError(f"{path}: extends: {error}") from error
        base = _overlay(base, _merged(parent, (*chain, path), read))
    merged: dict[str, Any] = _overlay(base, own)
    read[resolved] = merged
    return merged


def _refuse_repeated_ids(own: dict[str, Any], path: Path) -> None:
    seen: set[str] = set()
    for scenario in _entries(own, "scenarios"):
        for entry in (scenario, *_entries(scenario, "subcategories")):
            id = entry.get("id")
            if not isinstance(id, str):
                raise ConfigError(f"{path}: scenarios: every scenario and subcategory needs an id, a text (got {id!r})")
            if id in seen:
                raise ConfigError(f"{path}: scenarios: id {id!r} stands twice; give each entry an id of its own")
            seen.add(id)


def _entries(above: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The mappings in a list; what is no list or no mapping is complained of when the whole is read."""
    below = above.get(key)
    return [entry for entry in below if isinstance(entry, dict)] if isinstance(below, list) else []


def _refuse_empty_lists(data: Any, place: str, path: Path) -> None:
    """An overlay's empty list would add nothing and say nothing."""
    if data == []:
        raise ConfigError(f"{path}: {place}: is empty; give it entries, or remove the key")
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        name = value["id"] if isinstance(value, dict) and isinstance(value.get("id"), str) else key
        _refuse_empty_lists(value, f"{place}.{name}" if place else str(name), path)


def _overlay(base: Any, own: Any) -> Any:
    """`own` laid over `base`: mappings merge, lists of entries with ids merge by id, other lists grow, the rest is replaced."""
    if isinstance(base, dict) and isinstance(own, dict):
        return base | {key: _overlay(base[key], value) if key in base else value for key, value in own.items()}
    if isinstance(base, list) and isinstance(own, list):
        if all(isinstance(entry, dict) and "id" in entry for entry in [*base, *own]):
            merged = {entry["id"]: entry for entry in base}
            for entry in own:
                merged[entry["id"]] = _overlay(merged[entry["id"]], entry) if entry["id"] in merged else entry
            return list(merged.values())
        return base + _others(own, base)
    return own


def _others(items: list[Any], among: list[Any]) -> list[Any]:
    """Those of the items that are not among the others, in time linear in the number of single values."""
    single = {item for item in among if not isinstance(item, list | dict)}
    rest = [item for item in among if isinstance(item, list | dict)]
    return [item for item in items if item not in (rest if isinstance(item, list | dict) else single)]
