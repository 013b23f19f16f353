"""The queries stage: the user's own queries, in place of a writer's."""

from pydantic import RootModel

from synth.stages.contract import Context
from synth.stages.own_file import OwnFile


class Options(RootModel[str], frozen=True):
    """What a recipe says under `queries`: the path of the user's table of queries."""


def bind(options: Options, context: Context) -> OwnFile:
    """The source of a recipe's own queries, from the path under `queries`."""
    return OwnFile(options.root, context)
