"""What the backend `vllm` takes under a role."""

from typing import Annotated, Any

from pydantic import Field, PositiveInt, field_validator

from synth.recipe import backend
from synth.recipe.role import json_only

BEARING = frozenset(
    (
        *("model", "model_weights", "revision", "code_revision", "tokenizer", "tokenizer_revision", "tokenizer_mode"),
        *("dtype", "kv_cache_dtype", "quantization", "quantization_config", "load_format", "hf_overrides"),
        *("generation_config", "override_generation_config", "logits_processors", "speculative_config"),
    )
)
"""Engine options that say which weights answer, how precisely and by what defaults. They are told when they change; a request's key
does not know them, as it does not know them of a server."""


TEMPLATE = "chat_template_kwargs"
"""The field of a request, here as on a server, whose values the model's chat template sees."""


class Options(backend.Options):
    """A role's options of the backend `vllm`: how its engine is built."""

    engine: Annotated[dict[str, Any], backend.Bears(BEARING)] = Field(default_factory=dict)
    """Options of vLLM's engine, as `AsyncEngineArgs` names them."""
    data_parallel: PositiveInt | None = None
    """How many engines of vLLM answer for the model side by side, each on GPUs of its own; unless said, as many as the GPUs of this machine
    hold."""

    @field_validator("engine")
    @classmethod
    def _is_json(cls, engine: dict[str, Any]) -> dict[str, Any]:
        return json_only(engine)
