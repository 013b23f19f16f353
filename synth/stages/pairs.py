"""The pairs stage: the user's own queries with answers, in place of a writer's and of answerers."""

from pydantic import RootModel

from synth.stages.contract import Context
from synth.stages.own_file import OwnFile


class Options(RootModel[str], frozen=True):
    """The path of a JSONL file."""


class Pairs(OwnFile):
    """A file of queries with answers."""

    answered = True


def bind(options: Options, context: Context) -> Pairs:
    """The file's pairs."""
    return Pairs(options.root, context)
