"""What a model takes of a GPU's memory, told before any of it is loaded: by the headers of its files and by its configuration."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from synth.errors import BROKEN

GB: Final = 1e9
LONGEST_HEADER: Final = 100_000_000
"""Bytes of a safetensors header beyond which the format itself forbids it."""
WIDTHS: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Bytes of a value that vLLM converts as it loads, by its name in safetensors; values of other types stay as they are."""
NAMED: Final = {"float64": "F64", "float32": "F32", "float": "F32", "float16": "F16", "half": "F16", "bfloat16": "BF16"}
"""What safetensors calls the types that a configuration and vLLM's option `dtype` name."""
AT_ONCE: Final = {"fp8": 8, "int8": 8, "experts_int8": 8}
"""Bits of a weight that vLLM itself makes smaller as it loads, by its option `quantization`; by any other name, four at least."""
SPLITS: Final = (1, 2, 4, 8)
"""Over how many GPUs engines are usually spread."""

Stored = Mapping[str, int]
"""Bytes of a model's weights by the type of their values; under an empty name those whose type the configuration tells."""


@dataclass(frozen=True)
class Need:
    """What one engine of vLLM takes at least: weights, and a cache for the longest conversation it is to take."""

    weights: float
    """Bytes."""
    token: float
    """Bytes of cache for one token of a conversation."""
    heads: int
    """Over how many GPUs the cache of a token can be spread; beyond, each GPU holds a copy."""
    plain: bool = True
    """Whether the weights are as they were trained, and not made smaller."""

    @property
    def in_four_bits(self) -> "Need | None":
        """What vLLM takes for the model with four bits a weight; None where its weights are smaller than two bytes
        already."""
        return replace(self, weights=self.weights / 4, plain=False) if self.plain else None

    def each(self, tokens: int, tensor: int = 1, pipeline: int = 1) -> float:
        """Bytes that a vLLM engine needs on each of its GPUs for a conversation of so many tokens."""
        return self.weights / (tensor * pipeline) + self.cache(tokens, tensor, pipeline)

    def cache(self, tokens: int, tensor: int = 1, pipeline: int = 1) -> float:
        """Bytes of a vLLM engine's cache for such a conversation, on each of its GPUs."""
        return tokens * self.token / (min(tensor, self.heads) * pipeline)

    def least(self, room: float, tokens: int) -> int | None:
        """The fewest GPUs with so much room that hold a vLLM engine; None if eight do not."""
        return next((gpus for gpus in SPLITS if self.each(tokens, gpus) <= room), None)

    def longest(self, room: float, tensor: int = 1, pipeline: int = 1) -> int:
        """How many tokens a conversation may have in vLLM's cache beside the weights; none or fewer if these fill the room."""
        return int((room - self.weights / (tensor * pipeline)) // self.cache(1, tensor, pipeline))


def need(config: Mapping[str, Any], stored: Stored, engine: Mapping[str, Any]) -> Need | None:
    """What vLLM takes for a model with this configuration and these files, under these options of its engine; None where the
    configuration does not tell."""
    text = _text(config)
    try:
        value = _width(str(engine.get("dtype", "auto")), text)
        heads, token = _cache(text, 1 if "8" in str(engine.get("kv_cache_dtype", "auto")) else value)
        weights = _stored(text, stored, engine, value) if stored else _computed(text, engine, value)
    except BROKEN:
        return None
    plain = not (text.get("quantization_config") or engine.get("quantization"))
    return None if weights is None else Need(weights, token, heads, plain)


def stored_in(folder: Path) -> Stored:
    """The weights of a model's folder by its safetensors headers, else by their index; empty where there is neither."""
    try:
        files, total = _indexed(folder)
    except BROKEN:
        files, total = [], 0
    files = files or [path for path in folder.glob("*.safetensors") if not path.name.startswith("consolidated")]
    try:
        found: dict[str, int] = {}
        for path in files:
            for kind, size in _tensors(path):
                found[kind] = found.get(kind, 0) + size
    except BROKEN:
        found = {}
    return found or ({"": total} if total else {})


def _indexed(folder: Path) -> tuple[list[Path], int]:
    """The files that an index names, and the bytes it claims for all."""
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    names = sorted({str(name) for name in index["weight_map"].values()})
    return [folder / Path(name).name for name in names], int(index.get("metadata", {}).get("total_size", 0))


def _tensors(path: Path) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(LONGEST_HEADER, os.fstat(file.fileno()).st_size):
            raise ValueError(f"{path.name} is no safetensors file")
        header = json.loads(file.read(length))
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            yield str(tensor["dtype"]), int(end) - int(begin)


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a model that also sees, the part that reads; quantisation may stand beside it."""
    inner = config.get("text_config")
    return {"quantization_config": config.get("quantization_config"), **inner} if isinstance(inner, Mapping) else config


def _named(config: Mapping[str, Any]) -> str:
    """The type that a configuration gives for its weights, as safetensors calls it."""
    said = config.get("dtype") or config.get("torch_dtype") or "bfloat16"
    return NAMED.get(str(said).removeprefix("torch."), "BF16")


def _width(dtype: str, config: Mapping[str, Any]) -> int:
    """Bytes of a value as vLLM computes it: unless told, in two where the weights have four."""
    return WIDTHS[NAMED[dtype]] if dtype in NAMED else min(2, WIDTHS[_named(config)])


def _cache(config: Mapping[str, Any], value: int) -> tuple[int, float]:
    """Over how many GPUs a token's cache can be spread, and its bytes; layers that see a window or keep a state are left out."""
    kinds = config.get("layer_types") or config.get("layers_block_type")
    layers = sum(kind in ("full_attention", "attention") for kind in kinds) if kinds else config["num_hidden_layers"]
    if config.get("kv_lora_rank"):
        return 1, float(layers * value * (config["kv_lora_rank"] + config["qk_rope_head_dim"]))
    heads, width = _heads(config)
    return heads, float(2 * layers * heads * width * value)


def _heads(config: Mapping[str, Any]) -> tuple[int, int]:
    heads = config["num_attention_heads"]
    return config.get("num_key_value_heads") or heads, config.get("head_dim") or config["hidden_size"] // heads


def _stored(config: Mapping[str, Any], stored: Stored, engine: Mapping[str, Any], value: int) -> float:
    """Bytes of weights once they are loaded: values of a plain type are converted, the others stay."""
    made, known = engine.get("quantization"), bool(config.get("quantization_config"))
    wide = AT_ONCE.get(str(made), 4) / 8 if made and not known else value
    total = 0.0
    for kind, size in stored.items():
        plain = kind or ("" if known else _named(config))
        total += size / WIDTHS[plain] * wide if plain in WIDTHS else size
    return total


def _computed(config: Mapping[str, Any], engine: Mapping[str, Any], value: int) -> float | None:
    """Bytes of weights by the configuration alone, for decoders whose layers are all attention and a gated step; None for others."""
    if any(part in name for name in config for part in ("expert", "ssm", "mamba", "linear_")):
        return None
    heads, width = _heads(config)
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    attention = 2 * hidden * width * (config["num_attention_heads"] + heads)
    layers = config["num_hidden_layers"] * (attention + 3 * hidden * inner)
    outer = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return float(layers * _bits(config, engine, 8 * value) / 8 + outer * value)


def _bits(config: Mapping[str, Any], engine: Mapping[str, Any], plain: int) -> float:
    """Bits of a weight in the layers of a model."""
    made = config.get("quantization_config") or {}
    if not made:
        return AT_ONCE.get(str(engine["quantization"]), 4) if engine.get("quantization") else plain
    groups = [group["weights"]["num_bits"] for group in (made.get("config_groups") or {}).values()]
    said = made.get("bits") or made.get("w_bit") or min(groups, default=None)
    return float(said or (8 if "8" in str(made.get("quant_method")) or made.get("load_in_8bit") else 4))
