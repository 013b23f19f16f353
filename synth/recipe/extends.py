"""A recipe file laid over the one it extends: mappings merge, null takes a key out, lists are replaced. (Taxonomies grow instead.)"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from synth.errors import ConfigError
from synth.recipe.files import extended
from synth.recipe.yaml import read_yaml

DEEPEST = 50
"""How many levels of `extends` a recipe or taxonomy may have."""
OWN = ("name", "about")
"""The keys of a recipe file that are not passed on to files that extend it."""
_CLAIMED = 5
_KINDS = ("model", "mix", "chain")

Place: TypeAlias = tuple[Any, ...]


@dataclass
class Layers:
    """The keys of several recipe files laid over one another, with the file that wrote each of them."""

    data: dict[str, Any]
    """The keys of a recipe after all layers were merged."""
    asked: str
    """The file or option that is named in a message about a key that nobody has written."""
    said: dict[Place, str] = field(default_factory=dict)
    """For every place in `data`, the file or option that wrote it last."""
    files: list[Path] = field(default_factory=list)
    """The recipe files that were read, the one asked for first."""

    def source(self, place: Sequence[Any]) -> str:
        """Of a recipe and those it extends, the file or option that wrote the key at `place`, or the nearest one above
        it."""
        nearest = (self.said.get(tuple(place[:length])) for length in range(len(place), 0, -1))
        return next((source for source in nearest if source), self.asked)

    def lay(self, own: dict[str, Any], source: str) -> None:
        """Lays the keys of one recipe file over those of the files it extends."""
        self.data = self._laid(self.data, own, (), source)

    def put(self, place: Place, value: Any, source: str) -> None:
        """Notes that of a recipe and those it extends `source` wrote `value` at a place, and nobody anything below
        it."""
        for below in [below for below in self.said if below[: len(place)] == place]:
            del self.said[below]
        self._claim(place, value, source)

    def _laid(self, base: dict[str, Any], own: dict[str, Any], place: Place, source: str) -> dict[str, Any]:
        laid = dict(base)
        for key, value in own.items():
            here, before = (*place, key), base.get(key)
            if isinstance(before, dict) and isinstance(value, dict) and not _whole(here, before, value):
                laid[key] = self._laid(before, value, here, source)
                self.said[here] = source
                continue
            if value is None and key in base and key != "api_key_env":  # which null tells to send no key
                del laid[key]
            else:
                laid[key] = value
            self.put(here, value, source)
        return laid

    def _claim(self, place: Place, value: Any, source: str) -> None:
        self.said[place] = source
        # No recipe has keys of ours further down, and what aliases multiply does not end.
        for key, below in value.items() if isinstance(value, dict) and len(place) < _CLAIMED else ():
            self._claim((*place, key), below, source)


def read(path: Path) -> Layers:
    """The merged keys of the recipe at `path` and all it extends. ConfigError for a file that cannot be read or
    extends itself."""
    files = _lineage(path)
    first = files[0][1]
    if len(files) > 1 and "name" not in first:
        raise ConfigError(
            f"{path}: name: a recipe that extends another needs a name of its own; add `name: {path.stem}`"
        )
    layers = Layers({}, str(path), files=[file for file, _ in files])
    for file, own in reversed(files):
        layers.lay(own if own is first else {key: own[key] for key in own if key not in OWN}, str(file))
    return layers


def check_depth(path: Path, chain: Sequence[Path]) -> None:
    """Raises ConfigError if the file at `path` is among those that extend it (`chain`), or is reached by too many
    levels of `extends`."""
    if path.resolve() in [file.resolve() for file in chain]:
        raise ConfigError(f"{path}: extends itself by way of {chain[-1]}; remove one `extends`")
    if len(chain) == DEEPEST:
        raise ConfigError(f"{chain[0]}: extends through more than {DEEPEST} files; extend one nearer the last, {path}")


def _lineage(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The files with what each holds itself, the one that is extended by all the others last."""
    found: list[tuple[Path, dict[str, Any]]] = []
    while True:
        check_depth(path, [file for file, _ in found])
        own = read_yaml(path)
        names = own.pop("extends") if "extends" in own else ()
        found.append((path, own))
        if names == ():
            return found
        if not isinstance(names, str):
            raise ConfigError(f"{path}: extends: must be one recipe's name or path (got {names!r})")
        try:
            path = extended("pipelines", path, names)
        except ConfigError as error:
            raise ConfigError(f"{path}: extends: {error}") from error


def _whole(place: Place, before: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether `value` replaces `before` altogether: shares that add up to 1, steps in their order, a role of another kind."""
    if place in {("cells",), ("steps",)} or (place[:2] == ("mixture", "cells") and len(place) == 3):
        return True
    kinds = {kind for kind in _KINDS if kind in value}
    return place[:1] == ("models",) and len(place) == 2 and bool(kinds) and kinds != before.keys() & _KINDS
