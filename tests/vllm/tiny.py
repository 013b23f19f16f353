"""A tiny model nobody has trained: a byte-level tokenizer made from the taxonomies' own words, and a configuration. vLLM draws the
weights (`load_format: dummy`), so nothing here needs torch."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from synth.recipe.files import shipped

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LONGEST = 4096
ENGINE = {
    "load_format": "dummy",
    "dtype": "float32",
    "enforce_eager": True,
    "max_model_len": LONGEST,
    "block_size": 32,
    "max_num_seqs": 64,
}


def make(folder: Path) -> Tokenizer:
    """Writes the model into a folder of its own; gives its tokenizer."""
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    ids = {token: tokenizer.token_to_id(token) for token in (START, END, PAD)}
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": -(-tokenizer.get_vocab_size() // 64) * 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "hidden_act": "silu",
        "max_position_embeddings": LONGEST,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "eos_token_id": ids[END],
        "pad_token_id": ids[PAD],
        "torch_dtype": "float32",
    }
    tokens = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": LONGEST,
        "chat_template": TEMPLATE,
    }
    for name, data in (
        ("config", config),
        ("tokenizer_config", tokens),
        ("generation_config", {"eos_token_id": ids[END]}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    return tokenizer


def _tokenizer() -> Tokenizer:
    texts = [path.read_text(encoding="utf-8") for path in sorted((shipped() / "taxonomies").glob("*.yaml"))]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=[PAD, START, END],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
