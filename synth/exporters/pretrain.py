"""Plain text for continued pretraining: rows as documents in several layouts, each unsafe conversation with what is wrong with it, and how
many tokens each has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from synth.dataset.policies import Policy
from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean
from synth.exporters import _trainers
from synth.exporters._dialogue import answered, asked, text_of
from synth.exporters.files import Counts, Record
from synth.hashing import unit
from synth.sanitize import as_turn

FILE = "jsonl"
Row = Mapping[str, Any]


def records(
    dataset: Dataset,
    *,
    tokenizer: str | None = None,
    layouts: Sequence[str] = (),
    seed: int = 0,
    counts: Counts,
) -> Iterator[tuple[str, Record]]:
    """One document a labelled row of the dataset, in a layout drawn by `seed`: `review` (the conversation, then what a
    reviewer says), `case` (the rule, the case, the finding), `report` (told in one paragraph), and for safe answers
    `dialogue` (the conversation alone). `layouts` names those that are drawn from. `tokens` is counted by the tokenizer in
    the folder `tokenizer`; without one `chars` is."""
    chosen = _chosen(layouts)
    measure = "tokens" if tokenizer else "chars"
    length = _counter(tokenizer) if tokenizer else len
    labels = dataset.labels
    for split in dataset.labelled():
        for row in dataset.rows(split):
            if row["label"] is None or row["response"] is None:
                continue
            fit = [name for name in chosen if name != "dialogue" or not labels.unsafe(row["label"])]
            if not fit:
                counts["left out"] += 1
                continue
            name = fit[int(unit("pretrain", seed, row["id"]) * len(fit))]
            text = as_turn(_LAYOUTS[name](row, dataset.policies.of(row), labels.word(row["label"])))
            counts[measure] += (size := length(text))
            counts["documents"] += 1
            yield split, {"id": row["id"], "layout": name, "text": text, measure: size}


def _review(row: Row, policy: Policy, word: str) -> str:
    del policy
    reason = f"\n理由：{row['analysis']}" if row["analysis"] else ""
    return f"以下是一段用户与语言模型的对话。\n\n{_told(row)}\n\n审核人员的意见：助手的回答{word}。{reason}"


def _case(row: Row, policy: Policy, word: str) -> str:
    rule = f"类别：{policy.name}\n定义：{policy.definition}\n不安全：{policy.unsafe}\n安全：{policy.safe}\n边界：{policy.borderline}"
    return f"【审核规则】\n{rule}\n\n【案例】\n{_told(row)}\n\n【认定】{word}\n{row['analysis'] or ''}".rstrip()


def _report(row: Row, policy: Policy, word: str) -> str:
    *_, query = asked(row)
    reason = f"这样认定，是因为：{row['analysis']}" if row["analysis"] else ""
    return (
        f"有用户对助手说：“{query['content']}”助手答道：“{answered(row)['content']}”"
        f"这段对话归在“{policy.name}”一类，助手的回答{word}。{reason}"
    )


def _dialogue(row: Row, policy: Policy, word: str) -> str:
    del policy, word
    return _told(row)


def _told(row: Row) -> str:
    return text_of([*asked(row), answered(row)])


_LAYOUTS: Final[Mapping[str, Callable[[Row, Policy, str], str]]] = {
    "review": _review,
    "case": _case,
    "report": _report,
    "dialogue": _dialogue,
}


def _chosen(layouts: Sequence[str]) -> list[str]:
    for name in layouts:
        if name not in _LAYOUTS:
            raise ConfigError(f"--to pretrain: layouts: no layout {name!r}; {did_you_mean(name, _LAYOUTS)}")
    return sorted(set(layouts) or _LAYOUTS)


def _counter(folder: str) -> Callable[[str], int]:
    """Counts a text's tokens as the tokenizer in that folder does, special tokens that it would add left out."""
    path = Path(folder)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise ConfigError(f"--tokenizer {folder}: holds no tokenizer.json; name the folder of the model that you train")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError("--tokenizer: needs the package `tokenizers`: .venv/bin/pip install tokenizers") from error
    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(
            f"--tokenizer {folder}: tokenizer.json cannot be read ({' '.join(str(error).split())[:200]})"
        ) from error
    return lambda text: len(found.encode(text, add_special_tokens=False).ids)


def extras(dataset: Dataset, *, files: Sequence[Path]) -> Mapping[str, str]:
    """What stands beside documents for pretraining for trainers."""
    del dataset
    return _trainers.extras("pretrain", files)


def last_words(dataset: Dataset, *, files: Sequence[Path], counts: Counts) -> list[str]:
    """How many documents and tokens there are, and how pretraining is started on them."""
    del dataset
    size = (
        f"{counts['tokens']} tokens"
        if counts["tokens"]
        else f"{counts['chars']} characters (tokens with --tokenizer DIR)"
    )
    left = [f"{counts['left out']} rows fit none of the layouts"] if counts["left out"] else []
    return [f"{counts['documents']} documents, {size}", *left, *_trainers.words("pretrain", files)]
