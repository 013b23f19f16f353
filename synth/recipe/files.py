"""Finds the data files (taxonomies, prompts, pipelines): a user's own folder of the same name in the working directory is searched
first, then those of other packages (entry points `synth.folders`), then what synth ships."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins

Kind: TypeAlias = Literal["taxonomies", "prompts", "pipelines"]

MAY_HOLD_KEYS = frozenset({"headers", "extra", "engine", "api_key_env", "base_url"})
"""The keys of a recipe whose values are shown in no message, since they may hold API keys."""


@cache
def shipped() -> Path:
    """The folder of the data files that synth ships (pipelines, prompts, taxonomies): in the installed package, or the
    top of the repository."""
    package = Path(__file__).parents[1]
    return package / "shipped" if (package / "shipped").is_dir() else package.parent


def own_hash() -> str:
    """A hash over all files of synth's own, code, tables and what it ships, for checkpoints and for what is known of a finished
    run."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parents[1], *(shipped() / kind for kind in get_args(Kind))):
        for path in sorted(folder.rglob("*")):
            if "__pycache__" not in path.parts and path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def folders(kind: Kind) -> list[Path]:
    """The folders in which data files of this kind are looked for, the user's own first; the first match wins."""
    found = [root / kind for root in (Path.cwd(), *plugins.folders(), shipped()) if (root / kind).is_dir()]
    return list({folder.resolve(): folder for folder in reversed(found)}.values())[::-1]


def is_shipped(path: Path) -> bool:
    """Whether a file came with synth or another package, and is none of the user's own."""
    installed = [(root / kind).resolve() for root in (*plugins.folders(), shipped()) for kind in get_args(Kind)]
    return any(path.resolve().is_relative_to(folder) for folder in installed)


def names(kind: Kind) -> list[str]:
    """The names of all data files of this kind, sorted; fragments (a leading underscore) left out."""
    suffix = ".j2" if kind == "prompts" else ".yaml"
    found = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders(kind)
        for path in folder.rglob(f"*{suffix}")
        if not path.name.startswith("_") and path.is_file()
    }
    return sorted(found)


def find(kind: Kind, name: str) -> Path:
    """The file of a taxonomy, prompt or recipe, by name or path. ConfigError for one that is nowhere."""
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise ConfigError(f"{name}: no such file; {way_out(kind, Path(name).stem)}")
    return _first(kind, name, folders(kind))


def extended(kind: Kind, path: Path, name: str) -> Path:
    """The recipe or taxonomy file that `name` means in the `extends` of the file at `path`. A path is tried beside that
    file first; its own name means the next file of that name."""
    if name.endswith((".yaml", ".yml")):
        beside = path.parent / name
        return beside if beside.is_file() else find(kind, name)
    searched, here = folders(kind), path.resolve()
    at = next((at for at, folder in enumerate(searched) if here.is_relative_to(folder.resolve())), None)
    if at is None:
        return _first(kind, name, searched)
    if (searched[at] / f"{name}.yaml").resolve() == here:
        try:
            return _first(kind, name, searched[at + 1 :])
        except ConfigError as error:
            raise ConfigError(
                f"no other {singular(kind)} is called {name!r}; extend another, or remove `extends`"
            ) from error
    # What ships, or comes with a package, must make the same whatever recipe of that name the user has. Of taxonomies the user's
    # own is meant: element banks are replaced so.
    return _first(kind, name, searched[at:] if kind == "pipelines" else searched)


def _first(kind: Kind, name: str, searched: Sequence[Path]) -> Path:
    for folder in searched:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(f"no {singular(kind)} {name!r}; {way_out(kind, name)}")


def way_out(kind: Kind, wrong: str) -> str:
    """What to do about a data file's name that is nowhere: the nearest names, and folders of packages that could not be
    looked in."""
    return "; ".join([did_you_mean(wrong, names(kind)), *plugins.lost()])


def singular(kind: Kind) -> str:
    """The word for one file of a kind, for messages: `taxonomy`, `prompt` or `recipe`."""
    return {"taxonomies": "taxonomy", "prompts": "prompt", "pipelines": "recipe"}[kind]
