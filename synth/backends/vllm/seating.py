"""Where the engines of a model run: as many as fit the GPUs of this machine, or as many as are asked for."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from synth.backends.vllm import fit
from synth.backends.vllm.fit import Memory, Shape
from synth.backends.vllm.memory import Need, need
from synth.backends.vllm.replicas import Seat
from synth.errors import ConfigError

THREADS = "VLLM_CPU_OMP_THREADS_BIND"
HERE = Seat("this machine", {})
"""The place of the one engine that is held by the process of the run itself."""
WHOLE = ("auto", "safetensors", "dummy")
"""The ways of loading (`load_format`) in which a model's files tell how much memory its weights take."""


class Machine:
    """The memory of this machine's GPUs, and its own, looked at once: before vLLM takes any of it."""

    @cached_property
    def gpus(self) -> list[Memory]:
        return fit.gpus()

    @cached_property
    def processors(self) -> Memory | None:
        return fit.processors()


def seats(model: str, config: Any, engine: Mapping[str, Any], wanted: int | None, machine: Machine) -> list[Seat]:
    """Where vLLM's engines for a model run, `wanted` of them, else as many as the machine's GPUs hold. ConfigError where it
    does not fit, or too few are there. `config` is vLLM's own, `engine` what the recipe says."""
    from vllm.platforms import current_platform

    parallel = config.parallel_config
    if "ray" in (parallel.distributed_executor_backend, parallel.data_parallel_backend):
        return [HERE]  # where it runs, the cluster decides
    found, shape = _need(model, config, engine), _shape(config, engine)
    try:
        if current_platform.is_cpu():
            return _on_processors(found, shape, wanted or 1, machine.processors)
        variable, world = current_platform.device_control_env_var, parallel.tensor_parallel_size
        world *= parallel.pipeline_parallel_size * parallel.data_parallel_size
        return on_gpus(found, shape, wanted, machine.gpus, (variable, world))
    except ConfigError as error:
        raise ConfigError(f"model {model!r}: {error}") from error


def on_gpus(
    need: Need | None, shape: Shape, wanted: int | None, gpus: Sequence[Memory], each: tuple[str, int]
) -> list[Seat]:
    """The GPUs of every vLLM engine, those first on which the model fits; `each` is the variable that says which GPUs a process may
    use, and how many an engine takes. ConfigError for a model that does not fit."""
    variable, world = each
    groups = [range(start, start + world) for start in range(0, len(gpus) - world + 1, world)]
    if (wanted or 1) > len(groups):
        if not gpus or wanted in (None, 1):
            return [HERE] * (wanted or 1)  # vLLM itself says what it lacks
        raise ConfigError(
            f"data_parallel: {wanted} engines of {world} GPU{'s' * (world > 1)} each take {wanted * world}, and there are "
            f"{len(gpus)}; write data_parallel: {len(gpus) // world} or less, or leave it out"
        )
    why = {group: need and fit.on_gpus(need, shape, [gpus[number] for number in group]) for group in groups}
    fitting = [group for group in groups if not why[group]]
    if len(fitting) < (wanted or 1):
        raise ConfigError(next(line for line in why.values() if line))
    taken = fitting[:wanted]
    if taken == groups[:1]:
        return [HERE]
    called = fit.names(variable, len(gpus), os.environ)
    told = [",".join(called[number] for number in group) for group in taken]
    return [Seat(f"GPU {names}", {variable: names}) for names in told]


def _on_processors(need: Need | None, shape: Shape, engines: int, memory: Memory | None) -> list[Seat]:
    if need and memory and (why := fit.on_processors(need, shape, memory, engines)):
        raise ConfigError(why)
    if engines == 1:
        return [HERE]
    threads = [fit.cores(number, engines, shape.tensor * shape.pipeline) for number in range(engines)]
    bound = THREADS not in os.environ and hasattr(os, "sched_getaffinity")
    return [Seat(f"processors {mine}", {THREADS: mine} if bound else {}) for mine in threads]


def _need(model: str, config: Any, engine: Mapping[str, Any]) -> Need | None:
    """What the model takes; None where its files tell nothing, or the engine keeps part of it elsewhere."""
    told = config.model_config
    if engine.get("load_format", "auto") not in WHOLE or engine.get("cpu_offload_gb") or model.endswith(".gguf"):
        return None
    dtype = str(told.dtype).removeprefix("torch.")
    return need(told.hf_config.to_dict(), fit.stored(model, told.revision), {**engine, "dtype": dtype})


def _shape(config: Any, engine: Mapping[str, Any]) -> Shape:
    """What vLLM's own configuration of an engine says of its memory; a length that vLLM is to choose is the least."""
    parallel, cache = config.parallel_config, config.cache_config
    tokens = 1 if engine.get("max_model_len") in (-1, "auto") else config.model_config.max_model_len
    set_aside = cache.kv_cache_memory_bytes
    return Shape(
        tokens,
        parallel.tensor_parallel_size,
        parallel.pipeline_parallel_size,
        1.0 if set_aside else cache.gpu_memory_utilization,
        set_aside,
    )
