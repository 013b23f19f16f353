"""What kind of table a file is: by its first bytes, and by its name where those say nothing."""

import json
from pathlib import Path
from typing import Final, Literal, TypeAlias

from synth.errors import ConfigError
from synth.tables.encoding import opened, readable

Kind: TypeAlias = Literal["json", "csv", "parquet", "arrow"]
KINDS: Final = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".arrow")
"""Endings of data files, as folders are searched for them; `.gz` may follow those of texts."""
_OF: Final[dict[str, Kind]] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "csv"),
    ".parquet": "parquet",
    ".arrow": "arrow",
}
_STARTS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
_BOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks of a spreadsheet begin, new and old."""


def suffix(file: Path) -> str:
    """The ending of a data file's name, without `.gz`: `.jsonl` of `mine.jsonl.gz`."""
    return Path(file.name.removesuffix(".gz")).suffix


def stem(file: Path) -> str:
    """A data file's name without its ending, `.gz` and what stands before it; any other name as it is."""
    name = file.name.removesuffix(".gz")
    return name.removesuffix(suffix(file)) if named_kind(file) else file.name


def named_kind(file: Path) -> Kind | None:
    """What kind of table a file is by its name; None for a name that says nothing."""
    return _OF.get(suffix(file).lower())


def kind(file: Path) -> Kind:
    """What kind of table a data file is: what it begins with, whatever it is called; by its name where that says nothing. ConfigError
    for a workbook, and for what neither tells."""
    with readable(file), opened(file) as stream:
        head = stream.read(4096)
    if head.startswith(_BOOKS):
        raise ConfigError(f"{file}: is a workbook, or a packed folder; save the sheet as CSV (UTF-8), or unpack it")
    named = named_kind(file)
    if found := next((found for start, found in _STARTS if head.startswith(start)), None):
        return found
    if named is None or (suffix(file).lower() == ".txt" and not _has_cells(head)):
        raise ConfigError(f"{file}: is none of {', '.join(KINDS)}; convert it, or rename it if it is one")
    return named if named in ("parquet", "arrow") else _text_kind(head, named)


def written_suffix(file: Path) -> str:
    """The ending of a file that rows are written to as they were read from this one."""
    found = kind(file)
    return suffix(file) if named_kind(file) == found else {"json": ".jsonl", "csv": ".csv"}.get(found, f".{found}")


def _text_kind(head: bytes, named: Kind) -> Kind:
    """JSON begins with a bracket; a table whose first line is cells, and no bracket, is CSV though its name says JSON."""
    text = _glimpse(head).lstrip("\ufeff \t\r\n")
    first, _, rest = text.replace("\r", "\n").partition("\n")
    if named == "json":
        cells = not text.startswith(("{", "[", '"')) and any(mark in first for mark in ",;\t")
        return "csv" if cells and rest.strip() and not _is_json(first) else "json"
    begun = first in ("[", "{") or (first.startswith(("{", "[{")) and (_is_json(first) or '":' in first))
    return "json" if begun else "csv"


def _has_cells(head: bytes) -> bool:
    """A text file may be anything: it is a table where its first line is parted, or where it is JSON."""
    first = _glimpse(head).lstrip("\ufeff \t\r\n").partition("\n")[0]
    return any(mark in first for mark in ",;\t") or first.startswith(("{", "["))


def _glimpse(head: bytes) -> str:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return head[: len(head) // 2 * 2].decode(encoding, "replace")


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
