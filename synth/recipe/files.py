"""Finds the data files (taxonomies, prompts, pipelines): a user's own folder of the same name in the working directory is searched
first, then what synth ships."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from synth.errors import ConfigError, did_you_mean

Kind: TypeAlias = Literal["taxonomies", "prompts", "pipelines"]

MAY_HOLD_KEYS = frozenset({"headers", "extra", "engine", "api_key_env", "base_url"})
"""Keys of a recipe whose values are shown in no message."""


@cache
def shipped() -> Path:
    """The folder that holds what synth ships: inside the installed package, or the top of the repository."""
    package = Path(__file__).parents[1]
    return package / "shipped" if (package / "shipped").is_dir() else package.parent


def own_hash() -> str:
    """Hash of synth's own code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def folders(kind: Kind) -> list[Path]:
    """Where `kind` is looked for, first match wins."""
    return [folder for folder in (Path.cwd() / kind, shipped() / kind) if folder.is_dir()]


def is_shipped(path: Path) -> bool:
    """Whether a file came with synth, and is none of the user's own."""
    return any(path.resolve().is_relative_to((shipped() / kind).resolve()) for kind in get_args(Kind))


def names(kind: Kind) -> list[str]:
    """Every name that `find` would answer, sorted; fragments (a leading underscore) left out."""
    suffix = ".j2" if kind == "prompts" else ".yaml"
    found = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders(kind)
        for path in folder.rglob(f"*{suffix}")
        if not path.name.startswith("_")
    }
    return sorted(found)


def find(kind: Kind, name: str) -> Path:
    """The file of a taxonomy or recipe, by name or by path."""
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise ConfigError(f"{name}: no such file; {did_you_mean(Path(name).stem, names(kind)) or 'check the path'}")
    for folder in folders(kind):
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(f"no {singular(kind)} {name!r}; {did_you_mean(name, names(kind))}")


def singular(kind: Kind) -> str:
    return {"taxonomies": "taxonomy", "prompts": "prompt", "pipelines": "recipe"}[kind]
