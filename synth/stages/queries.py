"""The queries stage: the user's own queries, in place of a writer's."""

from pydantic import RootModel

from synth.stages.contract import Context
from synth.stages.own_file import OwnFile


class Options(RootModel[str], frozen=True):
    """The path of a JSONL file."""


def bind(options: Options, context: Context) -> OwnFile:
    """The file's queries."""
    return OwnFile(options.root, context)
