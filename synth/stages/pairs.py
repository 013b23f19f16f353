"""The pairs stage: the user's own queries with answers, in place of a writer's and of answerers."""

from pydantic import RootModel

from synth.stages.contract import Context
from synth.stages.own_file import OwnFile


class Options(RootModel[str], frozen=True):
    """What a recipe says under `pairs`: the path of the user's table of queries with answers."""


class Pairs(OwnFile):
    """The pairs stage: a source that reads queries with answers from the user's own file."""

    answered = True


def bind(options: Options, context: Context) -> Pairs:
    """The source of a recipe's pairs, from the path under `pairs`."""
    return Pairs(options.root, context)
