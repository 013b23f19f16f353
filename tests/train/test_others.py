"""Preference, KTO and GRPO in trl and the others, a classifier in transformers: each started by the line that `synth export` prints."""

import json
from collections.abc import Callable

import pytest

from tests.train.conftest import Export


@pytest.mark.parametrize("to", ["preference", "kto"])
@pytest.mark.parametrize("trainer", ["trl", "llamafactory-cli", "swift"])
def test_answers_are_trained_on(
    to: str, trainer: str, export: Callable[..., Export], train: Callable[..., str]
) -> None:
    assert "train_loss" in train(export(to), trainer)


def test_a_guard_is_rewarded_for_its_verdict(export: Callable[..., Export], train: Callable[..., str]) -> None:
    more = ("--num_generations", "2", "--max_completion_length", "16", "--dataset_train_split", "train")
    assert "train_loss" in train(export("grpo"), "trl", *more)


def test_a_classifier_is_trained(export: Callable[..., Export], tmp_path, model) -> None:
    from datasets import load_dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    made = export("classify")
    rows = load_dataset("parquet", data_files=str(made.folder / "train.parquet"), split="train")
    names = json.loads((made.folder / "label_names.json").read_text(encoding="utf-8"))
    assert rows.features["label"].names[0] == "safe"
    tokenizer = AutoTokenizer.from_pretrained(model)
    classifier = AutoModelForSequenceClassification.from_pretrained(model, **names)
    settings = TrainingArguments(str(tmp_path), max_steps=2, use_cpu=True, report_to="none")
    rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=1024))
    done = Trainer(classifier, settings, train_dataset=rows, processing_class=tokenizer).train()
    assert done.global_step == 2
