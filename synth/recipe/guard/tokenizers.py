"""A conversation rendered as a guard reads it, by the chat template of its own tokenizer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from synth.errors import ConfigError
from synth.recipe.guard.format import Read


class Tokenizer(Protocol):
    """What is used of a tokenizer of `transformers`."""

    chat_template: Any
    bos_token: str | None
    bos_token_id: int | None

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...

    def __call__(self, text: str) -> Any: ...


def load(folder: Path) -> Tokenizer:
    """The tokenizer in a folder; nothing is fetched, and no code of the folder's is run. ConfigError without
    `transformers`, and for a folder that holds none."""
    try:
        from transformers import AutoTokenizer  # heavy, and no dependency
    except ImportError as error:
        raise ConfigError(
            "--tokenizer: needs the package transformers, which is not installed; `pip install transformers`, or export without it"
        ) from error
    if not folder.is_dir():
        raise ConfigError(
            f"--tokenizer {folder}: is no folder; name the one that holds the guard's tokenizer_config.json"
        )
    try:
        found: Tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever a broken folder makes it raise
        raise ConfigError(
            f"--tokenizer {folder}: holds no tokenizer that can be read ({' '.join(str(error).split())[:160]})"
        ) from error
    return found


def special(tokenizer: Tokenizer) -> frozenset[str]:
    """The tokens that the tokenizer takes for more than text: they end turns, begin them, and stand for what is no text."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    named = getattr(tokenizer, "all_special_tokens", ())
    return frozenset({*map(str, named), *(str(token.content) for token in added if token.special)} - {""})


def count(tokenizer: Tokenizer, text: str) -> int:
    """How many tokens a text has."""
    return len(tokenizer(text)["input_ids"])


def writes_instruction(tokenizer: Tokenizer, reads: Read | None) -> bool:
    """Whether the tokenizer's chat template is the guard's own, which writes the instruction round a conversation."""
    return reads is not None and bool(reads.template) and reads.template in str(tokenizer.chat_template)


def rendered(
    tokenizer: Tokenizer,
    turns: Sequence[Mapping[str, str]],
    reads: Read | None,
    categories: Mapping[str, str],
    *,
    reason_first: bool = False,
) -> str:
    """The turns as the tokenizer's template renders them for an answer to follow. `categories`, by code, are handed to
    a template of the guard's own. ConfigError for a tokenizer without a template, and for one that takes no categories."""
    if not tokenizer.chat_template:
        raise ConfigError(
            "--tokenizer: it has no chat template; name the guard's own folder, or export without --tokenizer"
        )
    options: dict[str, Any] = {} if reads is None or reads.thinks else {"enable_thinking": False}
    options |= {"categories": dict(categories)} if categories else {}
    options |= {"reason_first": True} if reason_first else {}
    try:
        text = str(tokenizer.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=True, **options))
    except Exception as error:  # a template is somebody's code
        raise ConfigError(f"--tokenizer: its chat template fails ({' '.join(str(error).split())[:160]})") from error
    for code, name in categories.items():
        if f"{code}: {name}" not in text:
            raise ConfigError(
                f"--tokenizer: its chat template takes no list of categories ({code}: {name} is missing); "
                "export without --tokenizer, or with --set augment=false"
            )
    return bare(tokenizer, text)


def bare(tokenizer: Tokenizer, text: str) -> str:
    """A rendered text without the token that opens it, where the tokenizer adds one to every text it is given."""
    opens = tokenizer.bos_token
    if not opens or not text.startswith(opens):
        return text
    ids = tokenizer(opens)["input_ids"]
    return text.removeprefix(opens) if list(ids).count(tokenizer.bos_token_id) > 1 else text
