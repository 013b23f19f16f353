"""What stands beside an export for the trainers that read it: LLaMA-Factory's `dataset_info.json` with all its tags, and TRAIN.md, which
says how trl, LLaMA-Factory, ms-swift and axolotl are started. Read in trl 1.16, LLaMA-Factory 0.9.5, ms-swift 4.6, axolotl's docs."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from synth.exporters import files as written

Kind: TypeAlias = Literal["sft", "text", "chat", "preference", "kto", "grpo", "classify", "pretrain"]
"""What a file of records is to a trainer. `sft` has `prompt` and `completion` as messages, and `messages`; `text` has them as text
that is rendered already; `chat` has `messages` alone; the others are the formats of these names."""
Lines: TypeAlias = tuple[str, ...]

INFO: Final = "dataset_info.json"
_RECORDS: Final = (".jsonl", ".parquet")
_OWN_INFO: Final = "dataset_info.synth.json"
GUIDE: Final = "TRAIN.md"
REWARD: Final = "guard_reward"
"""The module beside `--to grpo` that says what a verdict is worth."""

TABLE: Final = (
    "a table to read and to filter, not to train on: some trainers (ms-swift) take any table with a query and a response for",
    "a dialogue, and train a model to give the unsafe answers; `--to sft` and `--to classify` write what trains a guard",
)
"""The last words of a format that holds a query beside a response."""

_TAGS: Final = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
# `sharegpt` with these tags reads messages of roles; LLaMA-Factory's `openai` writes a line of its own into the system's turn.
_MESSAGES: Final = {"formatting": "sharegpt", "tags": _TAGS}
_ENTRIES: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "sft": {**_MESSAGES, "columns": {"messages": "messages"}},
    "chat": {**_MESSAGES, "columns": {"messages": "messages"}},
    "preference": {
        **_MESSAGES,
        "ranking": True,
        "columns": {"messages": "prompt", "chosen": "chosen_turn", "rejected": "rejected_turn"},
    },
    "kto": {**_MESSAGES, "columns": {"messages": "messages", "kto_tag": "label"}},
    "pretrain": {"formatting": "alpaca", "columns": {"prompt": "text"}},
}


@dataclass(frozen=True, slots=True)
class Start:
    """What the command that starts a trainer names: the folder of an export, its file to train on, how many classes it has and
    whether a text may have several."""

    kind: Kind
    place: Path
    first: Path
    classes: int = 2
    several: bool = False


def extras(kind: Kind, files: Sequence[Path], *, classes: int = 2, several: bool = False) -> dict[str, str]:
    """The files to write beside an export's records, name to text, for the trainers of that kind: TRAIN.md, and
    `dataset_info.json` where LLaMA-Factory has such a stage. What a user's own `dataset_info.json` holds is not touched:
    synth's entries then stand in one of another name."""
    here = Start(kind, Path(), Path(_first(files).name), classes, several)
    beside = {GUIDE: _guide(here, files)}
    if kind in _ENTRIES:
        name, before = _info(files[0].parent)
        new = {_entry_name(kind, path): {"file_name": path.name, **_ENTRIES[kind]} for path in files}
        taken = {path.name for path in files}
        kept = {key: entry for key, entry in before.items() if entry["file_name"] not in taken}
        beside[name] = json.dumps({**kept, **new}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return beside


def words(kind: Kind, files: Sequence[Path], *, classes: int = 2, several: bool = False) -> list[str]:
    """An export's last words to whoever trains on it: one line a trainer that starts it; TRAIN.md has the rest. None for no
    files."""
    if not files:
        return []
    place = files[0].parent
    start = Start(kind, place, _first(files), classes, several)
    lines = [f"  {trainer(start)[0]}" for trainer in _TRAINERS[kind]]
    if place / _OWN_INFO in files:
        lines.append(f"LLaMA-Factory: {INFO} there is yours, so put into it what {_OWN_INFO} holds")
    return [f"start one of these, MODEL in it yours; {place / GUIDE} has the rest:", *lines]


def _first(files: Sequence[Path]) -> Path:
    """The file to train on, of those of an export."""
    return min((path for path in files if path.suffix in _RECORDS), key=lambda path: path.stem != "train")


def _info(place: Path) -> tuple[str, dict[str, Any]]:
    """Under which name synth's entries go into a folder, and those that stand there already: of an earlier export whose
    file is still there."""
    for name in (INFO, _OWN_INFO):
        path = place / name
        if written.written_here(path):
            found = json.loads(path.read_text(encoding="utf-8"))
            return name, {key: entry for key, entry in found.items() if (place / entry["file_name"]).exists()}
        if not path.exists():
            return name, {}
    return _OWN_INFO, {}


def _entry_name(kind: Kind, path: Path) -> str:
    return f"{kind}_{path.stem}"


def _guide(start: Start, files: Sequence[Path]) -> str:
    """TRAIN.md: the same for every place, since its commands are run in the folder where it stands."""
    names = ", ".join(f"`{path.name}`" for path in files)
    text = [f"# {start.kind}", "", f"{names}, written by synth. {_ABOUT[start.kind]}", ""]
    text += [
        "Run these in this folder; MODEL is the model you train. Without a GPU, trl wants `--use_cpu --bf16 False` besides.",
        "",
    ]
    for trainer in _TRAINERS[start.kind]:
        line, *held = trainer(start)
        command = line.partition("  #")[0]
        text += ["```", command, "```", ""]
        if held:
            text += [f"`{command.split()[-1]}` holds:", "", "```", *held, "```", ""]
    return "\n".join(text)


_ABOUT: Final[Mapping[Kind, str]] = {
    "sft": "`prompt` asks the guard, `completion` is its verdict; trainers train the verdict alone. `messages` is both, for trainers that"
    " train a dialogue's last turn.",
    "text": "`prompt` is rendered as the guard's own chat template renders it, `completion` is the verdict: no trainer may apply a template"
    " again.",
    "chat": "`messages` asks the guard and ends in its verdict. Only that last turn may be trained: trl trains the whole conversation unless"
    " told otherwise, `--to sft` cannot be got wrong.",
    "preference": "`chosen` is the less severe answer to `prompt`, `rejected` the more severe one. `messages` with `rejected_response`"
    " (ms-swift), `chosen_turn` and `rejected_turn` (LLaMA-Factory) say the same.",
    "kto": "`label` is true where `completion` is a safe answer to `prompt`; `messages` is both.",
    "grpo": f"`prompt` asks the guard, `answer` is the right label; {REWARD}.py beside it is the reward: -1 for a verdict that cannot be read,"
    " 0 for a wrong one, 1 for a right one.",
    "classify": "`text` and its class: id 0 is safe, higher ids are more severe; label_names.json names them.",
    "pretrain": "`text` is one document, `tokens` (or `chars`) how long it is.",
}


def _trl(start: Start) -> Lines:
    command = {"preference": "dpo", "kto": "kto", "grpo": "grpo"}.get(start.kind, "sft")
    more = {"chat": " --assistant_only_loss True", "grpo": f" --reward_funcs {REWARD}.reward"}.get(start.kind, "")
    reward = f"PYTHONPATH={_quoted(start.place)} " if start.kind == "grpo" else ""
    data = f"--dataset_name {_quoted(start.place)}"
    return (f"{reward}trl {command} --model_name_or_path MODEL {data} --output_dir trained{more}",)


def _llama_factory(start: Start) -> Lines:
    stage = {"preference": "dpo", "kto": "kto", "pretrain": "pt"}.get(start.kind, "sft")
    data = f"--dataset_dir {_quoted(start.place)} --dataset {_entry_name(start.kind, start.first)}"
    model = "--model_name_or_path MODEL --template qwen"
    return (f"llamafactory-cli train --stage {stage} --do_train {model} {data} --output_dir trained",)


def _swift(start: Start) -> Lines:
    columns = '{"text": "query", "labels": "label"}' if start.several else '{"text": "query"}'
    problem = f"{'multi' if start.several else 'single'}_label_classification"
    command = {
        "preference": "rlhf --rlhf_type dpo",
        "kto": "rlhf --rlhf_type kto",
        "grpo": f"rlhf --rlhf_type grpo --external_plugins {_reward(start)} --reward_funcs {REWARD}",
        "pretrain": "pt",
        "text": "sft --use_chat_template false",
        "classify": f"sft --task_type seq_cls --num_labels {start.classes} --problem_type {problem} --columns '{columns}'",
    }.get(start.kind, "sft")
    return (f"swift {command} --model MODEL --dataset {_quoted(start.first)} --output_dir trained",)


def _axolotl(start: Start) -> Lines:
    """A configuration for axolotl, which takes no data on the command line."""
    fields = {
        "preference": ("type: chat_template.default", "field_messages: prompt"),
        "pretrain": ("type: completion", "field: text"),
    }.get(start.kind, ("type: chat_template", "field_messages: messages", "roles_to_train: [assistant]"))
    return (
        f"axolotl train config.yaml  # with the lines that {GUIDE} has for it",
        "base_model: MODEL",
        *(("rl: dpo",) if start.kind == "preference" else ()),
        "datasets:",
        f"  - path: {start.first}",
        "    ds_type: json",
        *(f"    {field}" for field in fields),
    )


def _verl(start: Start) -> Lines:
    data = f"data.train_files={_quoted(start.first)} actor_rollout_ref.model.path=MODEL"
    reward = f"custom_reward_function.path={_reward(start)} custom_reward_function.name=compute_score"
    return (f"python -m verl.trainer.main_ppo algorithm.adv_estimator=grpo {data} {reward}",)


def _openrlhf(start: Start) -> Lines:
    data = f"--data.prompt_dataset {_quoted(start.first)} --data.input_key prompt --data.label_key label --data.apply_chat_template"
    how = f"--reward.remote_url {_reward(start)} --algo.advantage.estimator group_norm"
    return (f"python -m openrlhf.cli.train_ppo_ray --actor.model_name_or_path MODEL {data} {how}",)


def _transformers(start: Start) -> Lines:
    """A script for a classifier: transformers has no command for one."""
    return (
        f"python train.py  # with the lines that {GUIDE} has for it",
        "import json",
        "from datasets import load_dataset",
        "from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments",
        "",
        'tokenizer = AutoTokenizer.from_pretrained("MODEL")',
        'names = json.load(open("label_names.json"))',
        'model = AutoModelForSequenceClassification.from_pretrained("MODEL", **names)',
        f'rows = load_dataset("parquet", data_files="{start.first}", split="train")',
        'rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=1024))',
        'Trainer(model, TrainingArguments("trained"), train_dataset=rows, processing_class=tokenizer).train()',
    )


def _reward(start: Start) -> str:
    return _quoted(start.place / f"{REWARD}.py")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


_TRAINERS: Final[Mapping[Kind, Sequence[Callable[[Start], Lines]]]] = {
    "sft": (_trl, _llama_factory, _swift, _axolotl),
    "text": (_trl, _swift),
    "chat": (_trl, _llama_factory, _swift, _axolotl),
    "preference": (_trl, _llama_factory, _swift, _axolotl),
    "kto": (_trl, _llama_factory, _swift),
    "grpo": (_trl, _swift, _verl, _openrlhf),
    "classify": (_transformers, _swift),
    "pretrain": (_trl, _llama_factory, _swift, _axolotl),
}
