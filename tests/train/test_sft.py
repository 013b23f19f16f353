"""Three trainers on `--to sft`: what they train is the verdict and the end of its turn, and nothing else."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.dataset.reader import Dataset
from synth.exporters import guard_of
from tests.train.conftest import Export, records
from tests.vllm.tiny import END

GUARDS = ("libra", "qwen3guard", "xguard", "shieldlm", "llamaguard", "wildguard")


def verdicts(export: Export) -> set[str]:
    return {
        completion if isinstance(completion := record["completion"], str) else completion[0]["content"]
        for record in records(export.folder / "train.jsonl")
    }


@pytest.mark.parametrize("guard", GUARDS)
def test_trl_trains_the_verdict_and_the_end_of_the_turn(guard: str, export: Callable[..., Export], model: Path) -> None:
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    made = export("sft", "--guard", guard)
    rows = load_dataset("json", data_files=str(made.folder / "train.jsonl"), split="train")
    settings = SFTConfig(str(made.folder / "trained"), use_cpu=True, bf16=False, max_length=None, report_to="none")
    trainer = SFTTrainer(str(model), train_dataset=rows, args=settings)
    known, tokenizer = verdicts(made), trainer.processing_class
    seen = set()
    for batch in trainer.get_train_dataloader():
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            trained = tokenizer.decode(labels[labels != -100])
            verdict = trained.removesuffix("\n").removesuffix(END).removesuffix(tokenizer.pad_token)
            assert verdict in known
            assert trained.removeprefix(verdict).strip("\n") == END, "of the end of a turn there is one"
            seen.add(verdict)
            del ids
    assert seen == known


def test_what_trl_is_asked_is_what_a_guard_is_asked(export: Callable[..., Export], run: Path, model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    plain, rendered = export("sft", "--guard", "libra"), export("sft", "--guard", "libra", "--tokenizer", str(model))
    guard = guard_of(Dataset(run), "libra")
    by_id = {row["id"]: row for split in ("train", "validation") for row in Dataset(run).rows(split)}
    texts = {record["id"]: record["prompt"] for record in records(rendered.folder / "train.jsonl")}
    for record in records(plain.folder / "train.jsonl"):
        asked = [
            {"role": turn.role, "content": turn.content} for turn in guard.messages(by_id[str(record["id"])], "answer")
        ]
        assert record["prompt"] == asked
        assert texts[record["id"]] == tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)


@pytest.mark.parametrize("trainer", ["llamafactory-cli", "swift"])
def test_others_train_the_verdict_and_the_end_of_the_turn(
    trainer: str, export: Callable[..., Export], train: Callable[..., str]
) -> None:
    made = export("sft", "--guard", "libra")
    said = train(made, trainer)
    shown = {
        "llamafactory-cli": r"^labels:\n(.*?)<\|im_end\|>",
        "swift": r"\[LABELS\] (?:\[-100 \* \d+\])(.*?)<\|im_end\|>",
    }[trainer]
    found = re.search(shown, said, re.MULTILINE | re.DOTALL)
    assert found, said[-6000:]
    assert found[1].replace("<think>\n\n</think>\n\n", "") in verdicts(made)


def test_trl_is_started_by_the_line_that_export_prints(
    export: Callable[..., Export], train: Callable[..., str]
) -> None:
    assert "train_loss" in train(export("sft", "--guard", "libra"), "trl")
