"""A drafted category as a file of a taxonomy: laid over those of a recipe, written aside, and never over what is there."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from synth import aside
from synth.errors import ConfigError
from synth.recipe import files
from synth.recipe.yaml import parsed
from synth.run.category_draft import Draft

FOLDER: Final = Path("taxonomies")
_HEAD: Final = "# Drafted by `synth new category` of the policy {policy}. Read it and change it: a model wrote it, nobody has checked it yet.\n"
_WIDTH: Final = 110


def check_target(out: Path | None, policy: str) -> None:
    """Raises ConfigError, before anything is asked, for a file that no taxonomy can be read from, or that stands there and was not
    drafted of this policy."""
    if out is None:
        return
    if out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"-o {out}: a taxonomy is a .yaml file; call it {out.stem or 'mine'}.yaml", status=2)
    if os.path.lexists(out) and not (not out.is_symlink() and aside.begins(out, _head(policy).encode())):
        raise ConfigError(f"-o {out}: is there already; choose another name, or move it away")


def write(draft: Draft, taxonomies: Sequence[str], policy: str, about: str, out: Path | None = None) -> Path:
    """Writes the draft as a taxonomy that extends `taxonomies`, to `out` or the first free name in ./taxonomies, and gives the path. A
    file that says the same already is left as it is. ConfigError where nothing can be written, or another file came to stand there."""
    for path in [out] if out else _names(draft):
        text = _head(policy) + _yaml(_overlay(draft, taxonomies, path, about))
        if os.path.lexists(path):
            if path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode():
                return path
            continue
        if _written(path, text):
            return path
    raise ConfigError(f"-o {out}: has been changed since it was drafted, and stays as it is; choose another name")


def _head(policy: str) -> str:
    return _HEAD.format(policy=policy)


def _names(draft: Draft) -> Iterator[Path]:
    """Names in ./taxonomies that hide no taxonomy of another place."""
    stem, number = draft.subcategory.id.rpartition(".")[2], 1
    shipped = {name for name in files.names("taxonomies") if not os.path.lexists(FOLDER / f"{name}.yaml")}
    while True:
        name = stem if number == 1 else f"{stem}_{number}"
        if name not in shipped:
            yield FOLDER / f"{name}.yaml"
        number += 1


def _overlay(draft: Draft, taxonomies: Sequence[str], path: Path, about: str) -> dict[str, Any]:
    own = draft.subcategory.model_dump(mode="json", exclude={"codes"}, exclude_defaults=True)
    above = {"id": draft.scenario.id}
    if draft.new:
        above |= {name: text for name in ("name", "english") if (text := getattr(draft.scenario, name))}
    base = [os.path.relpath(name, path.parent) if name.endswith((".yaml", ".yml")) else name for name in taxonomies]
    return {
        "name": path.stem,
        "about": about,
        "extends": base[0] if len(base) == 1 else base,
        "scenarios": [above | {"subcategories": [own]}],
    }


def _yaml(data: dict[str, Any]) -> str:
    text = str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=_WIDTH, indent=2))
    assert parsed(text, "draft") == data  # what is written is what was drafted, whatever a model put into it
    return text


def _written(path: Path, text: str) -> bool:
    """Whether the text is now what stands under a path that was free: written aside, then linked, which replaces nothing."""
    new = aside.beside(path, "new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.remove(new)
        new.write_text(text, encoding="utf-8")
        try:
            os.link(new, path)
        except FileExistsError:
            return False
        except OSError:  # a disk without links
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        finally:
            aside.remove(new)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); free space, or give another -o FILE"
        ) from error
    return True
