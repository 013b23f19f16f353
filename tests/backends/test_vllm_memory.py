"""What a model needs is told from its headers, its index or its configuration alone, and what does not fit is one line with a way out."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.backends.vllm import fit
from synth.backends.vllm.fit import Memory, Shape
from synth.backends.vllm.memory import GB, Need, need, stored_in

SEVEN = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "torch_dtype": "bfloat16",
}
SEVENTY = SEVEN | {
    "hidden_size": 8192,
    "intermediate_size": 29568,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
}
GPTQ = {"quant_method": "gptq", "bits": 4}
INT8 = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8}}}}
SHAPE = Shape(8192, tensor=1, pipeline=1, share=0.9)
BIG = Memory(80 * GB, 80 * GB)


def claims(folder: Path, size: int) -> Path:
    """An index whose files nobody has fetched."""
    index = {"metadata": {"total_size": size}, "weight_map": {"lm_head.weight": "model-00001-of-00030.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def holds(path: Path, **tensors: tuple[str, int]) -> None:
    """A safetensors file without its values: type and bytes of each tensor stand in the header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for name, (kind, size) in tensors.items():
        header[name] = {"dtype": kind, "shape": [1], "data_offsets": [0, size]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)


def found(config: dict[str, Any], stored: dict[str, int] | None = None, **engine: Any) -> Need:
    told = need(config, stored or {}, engine)
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("config", "engine", "gigabytes"),
    [
        (SEVEN, {}, 15.2),
        (SEVENTY, {}, 145.4),
        (SEVEN, {"dtype": "float32"}, 30.5),
        (SEVEN | {"torch_dtype": "float32"}, {}, 15.2),
        (SEVEN, {"quantization": "fp8"}, 8.7),
        (SEVEN | {"quantization_config": GPTQ}, {}, 5.4),
        (SEVEN | {"quantization_config": INT8}, {}, 8.7),
        ({"text_config": SEVEN, "vision_config": {}}, {}, 15.2),
    ],
)
def test_weights_follow_from_the_configuration(
    config: dict[str, Any], engine: dict[str, Any], gigabytes: float
) -> None:
    assert found(config, **engine).weights / GB == pytest.approx(gigabytes, abs=0.1)


@pytest.mark.parametrize("config", [{}, SEVEN | {"num_experts": 64}, SEVEN | {"hidden_size": "wide"}])
def test_a_configuration_that_does_not_tell_gives_nothing(config: dict[str, Any]) -> None:
    assert need(config, {}, {}) is None


@pytest.mark.parametrize(
    ("more", "engine", "heads", "token"),
    [
        ({}, {}, 4, 57_344),
        ({}, {"kv_cache_dtype": "fp8"}, 4, 28_672),
        ({"layer_types": ["full_attention"] * 7 + ["sliding_attention"] * 21}, {}, 4, 14_336),
        ({"kv_lora_rank": 512, "qk_rope_head_dim": 64}, {}, 1, 32_256),
    ],
)
def test_a_token_of_cache(more: dict[str, Any], engine: dict[str, Any], heads: int, token: int) -> None:
    told = found(SEVEN | more, **engine)
    assert (told.heads, told.token) == (heads, token)


def test_headers_tell_the_weights_and_what_is_loaded_in_fewer_bytes(tmp_path: Path) -> None:
    claims(tmp_path, 1)
    holds(tmp_path / "model-00001-of-00030.safetensors", a=("F32", 400), b=("I32", 50), c=("BF16", 20))
    holds(tmp_path / "consolidated.safetensors", a=("F32", 400))
    stored = stored_in(tmp_path)
    assert stored == {"F32": 400, "I32": 50, "BF16": 20}
    assert found(SEVEN, dict(stored)).weights == 270


@pytest.mark.parametrize("body", [b"", b"\xff" * 20, (10**12).to_bytes(8, "little") + b"{}"])
def test_a_damaged_header_tells_nothing(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(body)
    assert stored_in(tmp_path) == {}


def test_a_claim_of_140_gigabytes_does_not_fit_and_says_what_would(tmp_path: Path) -> None:
    told = found(SEVENTY, dict(stored_in(claims(tmp_path, 140_000_000_000))))
    assert fit.on_gpus(told, SHAPE, [BIG]) == (
        "does not fit: weights of 140 GB and a cache of 2.7 GB for 8,192 tokens make 143 GB on each of 1 GPU, which has 72.0 GB for it "
        "(gpu_memory_utilization 0.9 of 80.0 GB); `engine: {tensor_parallel_size: 2}`, or a quantised model (35.0 GB in four bits)"
    )
    assert fit.on_gpus(told, Shape(8192, tensor=2, pipeline=1, share=0.9), [BIG] * 2) is None


@pytest.mark.parametrize(
    ("told", "gpu", "expected"),
    [
        (Need(15 * GB, 2e6, 8), Memory(24 * GB, 24 * GB), "`engine: {max_model_len: 3296}`"),
        (
            Need(15 * GB, 57_344, 4),
            Memory(9 * GB, 80 * GB),
            "(gpu_memory_utilization 0.9 of 80.0 GB, of which 9.0 GB are free)",
        ),
        (Need(900 * GB, 57_344, 4), BIG, "a smaller model, or a quantised one over more GPUs"),
    ],
)
def test_a_way_out_is_one_that_fits(told: Need, gpu: Memory, expected: str) -> None:
    line = fit.on_gpus(told, SHAPE, [gpu])
    assert line is not None
    assert expected in line


@pytest.mark.parametrize(
    ("told", "cache", "engines", "expected"),
    [
        (Need(15 * GB, 57_344, 4), None, 1, None),
        (
            Need(15 * GB, 57_344, 4),
            None,
            2,
            "15.0 GB and a cache of 0.5 GB for 8,192 tokens make 15.5 GB, and 10.0 GB of memory are",
        ),
        (
            Need(15 * GB, 57_344, 4),
            0.2 * GB,
            1,
            "VLLM_CPU_KVCACHE_SPACE sets aside 0.2 GB; set it higher, or `engine: {max_model_len: 3487}`",
        ),
        (Need(140 * GB, 57_344, 4), None, 1, "a machine with more memory"),
    ],
)
def test_processors_have_one_memory_for_all_engines(
    told: Need, cache: float | None, engines: int, expected: str | None
) -> None:
    shape = Shape(8192, tensor=1, pipeline=1, share=0.9, cache=cache)
    line = fit.on_processors(told, shape, Memory(20 * GB, 24 * GB), engines)
    assert line is None if expected is None else expected in str(line)
