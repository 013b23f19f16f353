"""What a recipe reads besides itself: prompts and taxonomies, out of the folders or as a journal has kept them."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from synth.recipe import files, prompt, taxonomy
from synth.recipe.files import Kind
from synth.recipe.prompt import Prompt
from synth.recipe.schema import Recipe
from synth.recipe.taxonomy import Taxonomy

HARM, ORDINARY = "harm", "ordinary"


@dataclass(frozen=True)
class SourceFile:
    """A recipe, prompt or taxonomy file that was read: name and hash, and whether it came with synth (or another
    package)."""

    kind: Kind
    name: str
    hash: str
    shipped: bool

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.shipped else self.name


@dataclass(frozen=True)
class Inputs:
    """All that a run reads besides replies, as its journal keeps it. A file of the user's rows is in it by its hash
    alone."""

    recipe: Mapping[str, Any]
    """The resolved recipe, without keys."""
    files: tuple[SourceFile, ...]
    """The recipe, prompt and taxonomy files that were read."""
    prompts: Mapping[str, str]
    """The text of every prompt in use, by file name, fragments included."""
    taxonomies: Mapping[str, str]
    """Every taxonomy in use as JSON, with all it extends merged in."""
    shown: tuple[str, ...]
    """The prompt texts that the filter `template` compares rows with."""
    lists: Mapping[str, str]
    """Hashes of the files and data sets that the journal does not hold itself."""
    synth: str
    """The version of synth that read these inputs."""


@dataclass
class Library:
    """Reads a recipe's prompts and taxonomies and notes what they held. With `kept` inputs it takes their texts,
    whatever stands in the folders."""

    kept: Inputs | None = None
    """The inputs whose texts are taken in place of the folders'; None reads the folders."""
    prompts: dict[str, str] = field(default_factory=dict)
    """The texts of the prompts read so far, by file name."""
    taxonomies: dict[str, str] = field(default_factory=dict)
    """The taxonomies read so far, as JSON, by name."""
    files: dict[tuple[Kind, str], SourceFile] = field(default_factory=dict)

    def prompt(self, name: str, offered: Iterable[str]) -> Prompt:
        """The prompt of that name, from the library's folders or its kept inputs. ConfigError if it uses a variable
        that is not offered."""
        found = prompt.load(name, offered, self.kept.prompts if self.kept else None)
        for file, (text, path) in found.files.items():
            self.prompts[file] = text
            self._note("prompts", Path(path), text.encode(), file)
        return found

    def taxonomies_of(self, recipe: Recipe) -> tuple[Taxonomy, Taxonomy | None]:
        """A recipe's taxonomies, as its library reads them: all merged into one, and that of ordinary conversation
        (None if the recipe has none)."""
        if self.kept:
            kept = {name: Taxonomy.model_validate_json(text) for name, text in self.kept.taxonomies.items()}
            harm, ordinary = kept[HARM], kept.get(ORDINARY)
        else:
            harm = taxonomy.together([self._taxonomy(name) for name in recipe.taxonomies])
            if recipe.from_file:
                harm = taxonomy.together([harm, taxonomy.load_shipped("own")])
            ordinary = (
                self._taxonomy(ORDINARY) if recipe.ordinary and (recipe.from_run or not recipe.from_file) else None
            )
        for name, found in ((HARM, harm), (ORDINARY, ordinary)):
            if found is not None:
                self.taxonomies[name] = found.model_dump_json()
        return harm, ordinary

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The text of every prompt and fragment there is, in the folders or the kept inputs."""
        return self.kept.shown if self.kept else prompt.texts()

    def inputs(self, recipe: Recipe, lists: Mapping[str, str], synth: str) -> Inputs:
        """The inputs of a recipe's run: every text that its library has given out."""
        for path in recipe._files:  # noqa: SLF001 (noted by `load`)
            self._note("pipelines", path, path.read_bytes())
        found = tuple(self.files[key] for key in sorted(self.files))
        used = {use.name for use in (*recipe.filters.query, *recipe.filters.response)}
        shown = self.shown if "template" in used else ()
        return Inputs(recipe.model_dump(mode="json"), found, self.prompts, self.taxonomies, shown, lists, synth)

    def _taxonomy(self, name: str) -> Taxonomy:
        read: dict[Path, Any] = {}
        found = taxonomy.load(name, read)
        for path in read:
            self._note("taxonomies", path, path.read_bytes())
        return found

    def _note(self, kind: Kind, path: Path, data: bytes, name: str = "") -> None:
        shipped = files.is_shipped(path)
        name = name or (path.name if shipped else str(path))
        digest = hashlib.sha256(data).hexdigest()[:16]
        self.files[kind, name] = SourceFile(kind, name, digest, shipped)


def shipped_changes(
    before: Inputs | None, now: Inputs, changed: Collection[str], made_by: str | None
) -> tuple[SourceFile, ...]:
    """Of what a recipe's library reads, the files synth ships that changed since the inputs `before`, among those
    behind these keys of the identity. A journal without inputs does not tell whose files it was made with: then those
    are taken for it that would be found today, and the recipe's only if another version `made_by` the folder."""
    kinds = {_kind(name) for name in changed}
    found = [file for file in now.files if file.shipped and file.kind in kinds]
    if before is not None:
        old = {(file.kind, file.name): file for file in before.files if file.shipped}
        return tuple(file for file in found if (was := old.get((file.kind, file.name))) and was.hash != file.hash)
    own = {file.kind for file in now.files if not file.shipped}
    return tuple(
        file
        for file in found
        if (file.kind == "prompts" and f"prompt {file.name.removesuffix('.j2')}" in changed)
        or (file.kind == "taxonomies" and file.kind not in own)
        or (file.kind == "pipelines" and made_by not in (None, now.synth))
    )


def _kind(name: str) -> Kind | None:
    """Which files stand behind a key of the identity."""
    word = name.partition(" ")[0]
    if name in ("own file", "avoided"):
        return None
    return "prompts" if word == "prompt" else "taxonomies" if word == "taxonomy" else "pipelines"
