"""Whether a model fits this machine: what vLLM needs for it beside what its GPUs, or its processors' memory, have free."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.backends.vllm.memory import GB, Need, Stored, stored_in

_LOOK: Final = "import torch;print([torch.cuda.mem_get_info(i) for i in range(torch.cuda.device_count())])"
LOOKING: Final = 120
"""Seconds that a look at the GPUs may take."""

SLACK: Final = 1.03
"""How far the sum may exceed what there is before a model is refused: files hold parts that are not loaded, as heads that guess ahead."""


@dataclass(frozen=True)
class Memory:
    """Bytes that a GPU, or all processors together, have free and in all."""

    free: float
    total: float

    def room(self, share: float) -> float:
        """What a vLLM engine may take here: its share of the whole (`gpu_memory_utilization`), if that much is free."""
        return min(self.free, share * self.total)


@dataclass(frozen=True)
class Shape:
    """How a model is to be run: what of its engine's options, as vLLM understood them, bears on memory."""

    tokens: int
    """The longest conversation (`max_model_len`)."""
    tensor: int
    pipeline: int
    share: float
    """Of a GPU's memory, for the engine (`gpu_memory_utilization`)."""
    cache: float | None = None
    """Bytes set aside for the cache, where they are named."""


def on_gpus(need: Need, shape: Shape, gpus: Sequence[Memory]) -> str | None:
    """Why vLLM cannot load a model on these GPUs, what it would need and the way out, as a line; None if nothing speaks
    against it."""
    room = min(one.room(shape.share) for one in gpus)
    split = (shape.tensor, shape.pipeline)
    if need.each(shape.tokens, *split) <= SLACK * room:
        return None
    tightest = min(gpus, key=lambda one: one.room(shape.share))
    held = "" if tightest.free >= shape.share * tightest.total else f", of which {_gb(tightest.free)} are free"
    return (
        f"does not fit: {_parts(need, shape)} on each of {len(gpus)} GPU{'s' * (len(gpus) > 1)}, which has {_gb(room)} for it "
        f"(gpu_memory_utilization {shape.share:g} of {_gb(tightest.total)}{held}); {_ways(need, shape, room)}"
    )


def on_processors(need: Need, shape: Shape, memory: Memory, engines: int) -> str | None:
    """Why vLLM cannot load so many engines of a model in the machine's own memory, as a line; None if nothing speaks
    against it."""
    cache = need.cache(shape.tokens)
    room = memory.free / engines
    if shape.cache is not None and cache > shape.cache:
        most = int(shape.cache // need.token)
        return (
            f"does not fit: a conversation of {shape.tokens:,} tokens takes {_gb(cache)} of cache, and VLLM_CPU_KVCACHE_SPACE "
            f"sets aside {_gb(shape.cache)}; set it higher, or `engine: {{max_model_len: {most}}}`"
        )
    if need.weights + max(cache, shape.cache or 0) <= SLACK * room:
        return None
    ways = [_four(need, room, shape), f"data_parallel below {engines}" * (engines > 1), "a machine with more memory"]
    each = f"for each of {engines} engines" if engines > 1 else "free"
    return (
        f"does not fit: {_parts(need, shape)}, and {_gb(room)} of memory are {each}; {', or '.join(filter(None, ways))}"
    )


def _parts(need: Need, shape: Shape) -> str:
    weights, cache = need.each(0, shape.tensor, shape.pipeline), need.cache(shape.tokens, shape.tensor, shape.pipeline)
    return (
        f"weights of {_gb(weights)} and a cache of {_gb(cache)} for {shape.tokens:,} tokens make {_gb(weights + cache)}"
    )


def _ways(need: Need, shape: Shape, room: float) -> str:
    """What would make a model fit, of three ways, those that would."""
    found = []
    if (gpus := need.least(room, shape.tokens)) and gpus > shape.tensor:
        found.append(f"`engine: {{tensor_parallel_size: {gpus}}}`")
    if four := _four(need, room, shape):
        found.append(four)
    if (most := need.longest(room, shape.tensor, shape.pipeline)) > 0:
        found.append(f"`engine: {{max_model_len: {most // 16 * 16 or most}}}`")
    return ", or ".join(found) or "a smaller model, or a quantised one over more GPUs"


def _four(need: Need, room: float, shape: Shape) -> str:
    """That a model of a quarter of the weights would fit; empty if not even that."""
    quarter = need.in_four_bits
    if quarter is None or quarter.each(shape.tokens, shape.tensor, shape.pipeline) > room:
        return ""
    return f"a quantised model ({_gb(quarter.weights)} in four bits)"


def _gb(size: float) -> str:
    return f"{size / GB:,.1f} GB" if size < 100 * GB else f"{size / GB:,.0f} GB"


def stored(model: str, revision: str | None) -> Stored:
    """The weights of a model that vLLM is to load, a folder's or the hub's, by what can be read without fetching them; empty
    where nothing can."""
    if Path(model).is_dir():
        return stored_in(Path(model))
    with suppress(Exception):  # vLLM itself says what is wrong with the hub
        return _on_hub(model, revision)
    return {}


def _on_hub(model: str, revision: str | None) -> Stored:
    import huggingface_hub as hub

    with suppress(hub.errors.EntryNotFoundError, hub.errors.LocalEntryNotFoundError):
        index = hub.hf_hub_download(model, "model.safetensors.index.json", revision=revision)
        return stored_in(Path(index).parent)
    name = "model.safetensors"
    if isinstance(path := hub.try_to_load_from_cache(model, name, revision=revision), str):
        return stored_in(Path(path).parent)
    return {"": hub.get_hf_file_metadata(hub.hf_hub_url(model, name, revision=revision)).size or 0}


def gpus() -> list[Memory]:
    """The memory of every GPU that this process may use, as torch tells it; a process of its own looks, since looking takes memory of each.
    Empty where there is none, or it cannot be told."""
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        command = [sys.executable, "-c", _LOOK]
        told = subprocess.run(command, capture_output=True, timeout=LOOKING, check=True).stdout  # noqa: S603
        pairs = json.loads(told.decode().strip().splitlines()[-1].replace("(", "[").replace(")", "]"))
        return [Memory(free, total) for free, total in pairs]
    return []


def processors() -> Memory | None:
    """The memory of this machine, as Linux tells it; None elsewhere."""
    with suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        return Memory(sizes["MemAvailable"], sizes["MemTotal"])
    return None


def cores(number: int, engines: int, parts: int) -> str:
    """The processors of one of several engines, a list for each of its parts, as VLLM_CPU_OMP_THREADS_BIND takes them."""
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    lists = [mine[number * parts + part :: engines * parts] or mine for part in range(parts)]
    return "|".join(",".join(map(str, one)) for one in lists)


def names(variable: str, count: int, environment: Mapping[str, str]) -> list[str]:
    """What the GPUs are called in the variable that says which of them a process may use."""
    told = [name.strip() for name in environment.get(variable, "").split(",") if name.strip()]
    return told if len(told) == count else [str(number) for number in range(count)]
