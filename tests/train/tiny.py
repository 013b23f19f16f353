"""A tiny model of Qwen's shape with random weights, as a folder that every trainer opens."""

from pathlib import Path

from tests.vllm.tiny import make


def trained_from(folder: Path) -> Path:
    """Writes configuration, tokenizer and random weights, the same each time; gives the folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    make(folder)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    return folder
