"""What a dataset card shows and counts of rows, seen as they are written: three examples, and how many had something taken out."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from synth.dataset.rendering import has_left_out
from synth.recipe.labels import LabelScheme
from synth.types import LABELLED

_MOST: Final = 240
"""Characters of a text of an example that the card shows."""
_COLUMNS: Final = ("id", "subcategory", "subcategory_name", "query_type", "label", "stance", "responder")
_TEXTS: Final = ("query", "response", "analysis")


class Seen:
    """Rows on their way into the shards, of which the first of each kind is kept for the dataset card: a harmful query answered badly and
    well, and a benign one. None is of a subcategory of `never`, none was attacked, none has turns before it; or they are those with
    the ids `only`. A card can be read by whoever may not read the rows, so there are none of rows that somebody else wrote."""

    def __init__(
        self, labels: LabelScheme, never: Collection[str] = (), *, only: Collection[str] | None = None
    ) -> None:
        unsafe, safe = labels.names[0], labels.safe
        self._kinds = ("harmful", unsafe), ("harmful", safe), ("benign", safe)
        self._only = only
        self._never = frozenset(never)
        self._found: dict[tuple[str, str], dict[str, Any]] = {}
        self._redacted = self._marked = 0

    def rows(self, split: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same rows of a split of the dataset, looked at for its card."""
        for row in rows:
            if split in LABELLED:
                self._look(row)
            yield row

    @property
    def facts(self) -> dict[str, Any]:
        """What was seen, as JSON for the card's facts."""
        shown = [self._found[kind] for kind in self._kinds if kind in self._found]
        return {"examples": shown, "redacted": self._redacted, "marked": self._marked}

    def _look(self, row: Mapping[str, Any]) -> None:
        self._marked += has_left_out(row)
        self._redacted += any((note["stage"], note["key"]) == ("redact", "changed") for note in row.get("notes") or ())
        kind = (row["query_type"], row["label"])
        if kind in self._found or kind not in self._kinds or not self._may_be_shown(row):
            return
        self._found[kind] = {name: row.get(name) for name in _COLUMNS} | {name: _cut(row.get(name)) for name in _TEXTS}

    def _may_be_shown(self, row: Mapping[str, Any]) -> bool:
        if self._only is not None:
            return row["id"] in self._only
        return row["subcategory"] not in self._never and not row.get("attack") and not row.get("context")


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MOST else f"{text[: _MOST - 1]}…"
