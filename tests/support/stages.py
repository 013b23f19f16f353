"""Stages of a third party's, put into a recipe that is compiled."""

from dataclasses import replace
from typing import Any

from synth.run.compile import CompiledRecipe
from synth.stages.flow import Bound


def with_stage(compiled: CompiledRecipe, name: str, stage: Any) -> CompiledRecipe:
    """The recipe with this stage in the place of the one of that name, or as its last step."""
    stages = [Bound(name, stage) if bound.name == name else bound for bound in compiled.flow.stages]
    if name not in [bound.name for bound in stages]:
        stages.append(Bound(name, stage))
    flow = replace(compiled.flow, stages=stages)
    specs = [replace(spec, operators=flow.shares(spec)) for spec in compiled.specs]
    return replace(compiled, flow=flow, specs=specs)
