"""Names of columns, and other words in cells, without what spreadsheets and people leave around them."""

import unicodedata
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)
def plain_name(name: object) -> str:
    """A column's name as it is compared with those that are known: letters and digits alone, in one case and width."""
    folded = unicodedata.normalize("NFKC", str(name)[:200]).casefold()
    return "".join(c for c in folded if c.isalnum())


def cleaned(name: Any) -> str:
    """A word in a cell, or a column's name, without the blanks, marks and quotes that spreadsheets leave around it."""
    found = "".join(c for c in str(name) if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return " ".join(found.split()).strip("'\"“”‘’ ")
