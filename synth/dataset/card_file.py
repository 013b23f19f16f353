"""DIR/dataset/card.json: the facts of the card, so that it can be written anew without the run, as an audit is read or the mark rendered."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from synth import aside
from synth.dataset import audited
from synth.dataset.card_text import text_of
from synth.errors import BROKEN, ConfigError
from synth.hashing import short_hash
from synth.sanitize import plain

NAME: Final = "card.json"
_AUDITED: Final = ("readers", "rows", "errors", "error", "low", "high", "covered", "kappa", "date")


def write_card(dataset: Path, told: Mapping[str, Any]) -> None:
    """Writes a dataset's card and its facts; what an audit of its rows found is told first, where one stands in the folder."""
    (dataset / "README.md").write_text(text_of(told, label_error(dataset, told["content"])), encoding="utf-8")
    (dataset / NAME).write_text(written(told), encoding="utf-8")


def renew(dataset: Path, **changes: Any) -> None:
    """Writes a dataset's card anew from its facts, with these in place of what they were: after an audit, or as rows went out otherwise.
    ConfigError for a dataset whose facts are not there, or were changed."""
    told = read(dataset / NAME)
    changed = {**told, **changes}
    new = text_of(changed, label_error(dataset, changed["content"]))
    with aside.file(dataset / NAME) as facts:
        facts.write_text(written(changed), encoding="utf-8")
    with aside.file(dataset / "README.md") as card:
        card.write_text(new, encoding="utf-8")


def written(told: Mapping[str, Any]) -> str:
    """The text of card.json. It holds a hash of itself, by which it is known as synth's and unchanged."""
    return plain(json.dumps({"made": _hash(told), "card": told}, ensure_ascii=False, indent=1)) + "\n"


def read(path: Path) -> dict[str, Any]:
    """The facts in a card.json. ConfigError if there is none, or it is not as synth wrote it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        told, made = dict(found["card"]), found["made"]
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: is not there, since an earlier synth made this dataset; run the same command again to write it"
        ) from error
    except BROKEN as error:
        raise _foreign(path) from error
    if made != _hash(told):
        raise _foreign(path)
    return told


def made_by_synth(path: Path) -> bool:
    """Whether what stands at `path` is a card.json just as synth wrote it."""
    try:
        read(path)
    except ConfigError:
        return False
    return True


def label_error(dataset: Path, content: str) -> dict[str, Any] | None:
    """What the card says of an audit, out of the audit.json beside it; None where there is none, or none that synth wrote. `earlier` says
    that it was of other rows than those with the hash `content`."""
    found = audited.read(dataset / audited.NAME)
    try:
        return found and {name: found[name] for name in _AUDITED} | {"earlier": found["content"] != content}
    except KeyError:
        return None


def _foreign(path: Path) -> ConfigError:
    return ConfigError(f"{path}: is not what synth wrote; move it away and run the same command again")


def _hash(told: Any) -> str:
    return short_hash(plain(json.dumps(told, sort_keys=True, ensure_ascii=False)))
