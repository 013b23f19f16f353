"""What stands beside an export for the trainers that read it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["sft", "text"]


def extras(kind: Kind, files: Sequence[Path]) -> Mapping[str, str]:
    """The files to write beside an export's records, name to text, for the trainers of that kind."""
    del kind, files
    return {}


def words(kind: Kind, files: Sequence[Path]) -> list[str]:
    """An export's last words to whoever trains on it."""
    del kind, files
    return []
