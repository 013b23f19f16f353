"""The tiny model with weights made smaller, in the files that GPTQ, AWQ and compressed-tensors write: what stands in them is drawn, how it
stands there is theirs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tests.vllm.tiny import make

GROUP = 32
"""Inputs that share a scale in four bits."""
CHANNELS = {"num_bits": 8, "type": "int", "symmetric": True}
SAID: dict[str, dict[str, Any]] = {
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False, "sym": True},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"},
    "int8": {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "compressed",
        "ignore": ["lm_head"],
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": CHANNELS | {"strategy": "channel", "dynamic": False},
                "input_activations": CHANNELS | {"strategy": "token", "dynamic": True},
            }
        },
    },
}
"""What each kind says of itself in config.json."""


def make_smaller(folder: Path, kind: str) -> None:
    """Writes the tiny model into a folder of its own, with weights of this kind."""
    make(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"torch_dtype": "float16", "quantization_config": SAID[kind]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(_tensors(config, kind), folder / "model.safetensors", metadata={"format": "pt"})


def _tensors(config: dict[str, Any], kind: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    hidden, inner, width = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    heads, kept = width * config["num_attention_heads"], width * config["num_key_value_heads"]
    linear = {"self_attn.q": (heads, hidden), "self_attn.k": (kept, hidden), "self_attn.v": (kept, hidden)}
    linear |= {"self_attn.o": (hidden, heads), "mlp.gate": (inner, hidden), "mlp.up": (inner, hidden)}
    linear |= {"mlp.down": (hidden, inner)}
    norms = {"input_layernorm": hidden, "post_attention_layernorm": hidden, "self_attn.q_norm": width}
    norms |= {"self_attn.k_norm": width}
    found = {
        "model.embed_tokens.weight": rng.normal(0, 0.3, (config["vocab_size"], hidden)),
        "model.norm.weight": np.ones(hidden),
    }
    for layer in (f"model.layers.{number}." for number in range(config["num_hidden_layers"])):
        found |= {f"{layer}{name}.weight": np.ones(size) for name, size in norms.items()}
        for name, (outputs, inputs) in linear.items():
            made = _WAYS[kind](rng, outputs, inputs)
            found |= {f"{layer}{name}_proj.{part}": values for part, values in made.items()}
    return {name: one if one.dtype != np.float64 else one.astype(np.float16) for name, one in found.items()}


def _words(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Eight values of four bits in each."""
    return rng.integers(-(2**31), 2**31, shape, dtype=np.int64).astype(np.int32)


def _gptq(rng: np.random.Generator, outputs: int, inputs: int) -> dict[str, np.ndarray]:
    """Packed along the inputs; zero points, less one, along the outputs."""
    return {
        "qweight": _words(rng, inputs // 8, outputs),
        "qzeros": np.full((inputs // GROUP, outputs // 8), 0x77777777, np.int32),
        "scales": rng.uniform(0.01, 0.03, (inputs // GROUP, outputs)),
        "g_idx": (np.arange(inputs) // GROUP).astype(np.int32),
    }


def _awq(rng: np.random.Generator, outputs: int, inputs: int) -> dict[str, np.ndarray]:
    """Packed along the outputs."""
    return {
        "qweight": _words(rng, inputs, outputs // 8),
        "qzeros": _words(rng, inputs // GROUP, outputs // 8),
        "scales": rng.uniform(0.01, 0.03, (inputs // GROUP, outputs)),
    }


def _int8(rng: np.random.Generator, outputs: int, inputs: int) -> dict[str, np.ndarray]:
    """A scale for each output; inputs are made smaller as they come."""
    return {
        "weight": rng.integers(-127, 128, (outputs, inputs), dtype=np.int8),
        "weight_scale": rng.uniform(0.001, 0.003, (outputs, 1)),
    }


_WAYS = {"gptq": _gptq, "awq": _awq, "int8": _int8}
