"""DIR/dataset/audit.json: what people who read rows of a dataset found of its labels, which stands first on the card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from synth.errors import BROKEN
from synth.hashing import short_hash

NAME: Final = "audit.json"


def written(found: Mapping[str, Any]) -> str:
    """The text of audit.json. It holds a hash of itself, by which it is known as synth's and unchanged."""
    return json.dumps({"made": _hash(found), **found}, ensure_ascii=False, indent=1) + "\n"


def read(path: Path) -> dict[str, Any] | None:
    """What stands in an audit.json: `content`, the hash of the shards that were read; readers, rows, errors; error, the share of
    the release with its interval (low, high); kappa, date, by_label …; None where there
    is none, or none just as synth wrote it."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        made = found.pop("made")
    except BROKEN:
        return None
    return found if made == _hash(found) else None


def renew(path: Path, before: str, content: str) -> None:
    """Has an audit.json tell of the shards with the hash `content`, where it told of those with the hash `before`: the same rows, in which
    the mark was rendered otherwise."""
    found = read(path)
    if found is not None and found.get("content") == before:
        path.write_text(written({**found, "content": content}), encoding="utf-8")


def _hash(found: Mapping[str, Any]) -> str:
    return short_hash(json.dumps(found, sort_keys=True, ensure_ascii=False))
