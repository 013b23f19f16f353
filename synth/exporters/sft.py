"""What a guard is asked and what it is to answer, apart, so that trainers train the verdict alone: answers and queries of a run in the
format of Libra-Guard, Qwen3Guard, XGuard, ShieldLM, Llama Guard, WildGuard, or of a guard of one's own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pydantic import SkipValidation

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import _trainers, guard_of
from synth.exporters._draws import Chance, draws, lists
from synth.exporters.files import Record
from synth.recipe.guard import Guard
from synth.recipe.guard.format import Draw, Mode
from synth.recipe.guard.truth import Choices

FILE = "jsonl"
Controversial: TypeAlias = Literal["unsafe", "safe", "drop"]
Tally: TypeAlias = Counter[str]

_WHY: Final[Mapping[str, str]] = {
    "query_not_judged": "{n} rows and queries are left out: the judges did not agree on what the query is after",
    "graded_between": "{n} rows and queries are left out: the guard has no word for a label between safe and unsafe (controversial=drop)",
    "no_code": "{n} rows and queries are left out: their category has no code of this guard, give it one in the taxonomy (`codes:`)",
    "no_label": "{n} rows are left out: they have no label",
    "outside": "{n} rows and queries are unsafe and stand as safe: this guard has no category for what they violate (rest=class takes them into the nearest)",
    "mapped": "{n} rows and queries have a label between safe and unsafe, for which this guard has no word: they stand as {to}",
    "unflipped": "{n} unsafe rows have no twin without the categories that they violate: of these rows not all categories are known (judge.heads)",
}


def records(  # noqa: PLR0913 (the parameters of a format are its options)
    dataset: Dataset,
    *,
    guard: str = "libra",
    tokenizer: Path | None = None,
    prompt: Path | None = None,
    modes: Mode | Sequence[Mode] | None = None,
    controversial: Controversial = "unsafe",
    rest: Literal["safe", "class"] = "safe",
    seed: int = 1,
    augment: bool = True,
    rules: int = 8,
    reason_first: bool = False,
    counts: SkipValidation[Tally | None] = None,
) -> Iterator[tuple[str, Record]]:
    """Records `prompt` and `completion` (and `messages`, both of them): the labelled rows of a dataset as the guard is asked
    about them, then each query alone where the guard judges queries. `guard` is a name or a file; `tokenizer` a folder by
    whose chat template the prompt is rendered, `prompt` a file with the published text that asks the guard. Where the
    guard's categories are numbered, `augment` shuffles and thins them out, and `rules` is the most that a prompt names
    besides its own. What chance gives is by `seed`."""
    found = replace(guard_of(dataset, guard).asking(prompt, tokenizer), choices=Choices(controversial, rest))
    found.check_codes()
    chance = Chance(seed, augment, rules, reason_first, _all_known(dataset))
    tally = Counter[str]() if counts is None else counts
    return _made(dataset, found, _modes(found, modes), chance, tally)


def extras(
    dataset: Dataset, *, files: Sequence[Path] = (), guard: str = "libra", tokenizer: Path | None = None
) -> Mapping[str, str]:
    """What stands beside the records for trainers."""
    return _trainers.extras(_kind(guard_of(dataset, guard), tokenizer), files)


def last_words(
    dataset: Dataset,
    *,
    files: Sequence[Path] = (),
    guard: str = "libra",
    tokenizer: Path | None = None,
    controversial: Controversial = "unsafe",
    counts: SkipValidation[Tally | None] = None,
) -> list[str]:
    """What was left out of the records or stands as something else, and how a guard is trained on them."""
    found, tally = guard_of(dataset, guard), counts or Counter()
    told = [f"{tally['answer']} records about answers, {tally['prompt']} about queries alone"]
    told += [text.format(n=tally[why], to=controversial) for why, text in _WHY.items() if tally[why]]
    if not tally["prompt"]:
        told.append(
            "queries alone are left out: what may only be refused (refuse-only categories) then stands in safe rows alone"
            if "prompt" not in found.modes
            else "no query alone is among them; --set modes=[answer,prompt] has them"
        )
    return [*told, *_trainers.words(_kind(found, tokenizer), files)]


def _modes(guard: Guard, asked: Mode | Sequence[Mode] | None) -> tuple[Mode, ...]:
    known: tuple[Mode, ...] = guard.reads.modes if guard.reads else ("answer",)
    if asked is None:
        return guard.modes
    modes: tuple[Mode, ...] = (asked,) if isinstance(asked, str) else tuple(asked)
    if wrong := [mode for mode in modes if mode not in known]:
        raise ConfigError(
            f"--to sft: modes: {guard.prompt.path} does not judge {wrong[0]!r}, only {', '.join(known)}; leave it out"
        )
    return modes


def _all_known(dataset: Dataset) -> bool:
    """Whether the judges were asked for every category that a row violates."""
    recipe = dataset.facts().get("recipe") or {} if (dataset.folder / "run.json").exists() else {}
    return "categories" in ((recipe.get("judge") or {}).get("heads") or ())


def _made(
    dataset: Dataset, guard: Guard, modes: Sequence[Mode], chance: Chance, tally: Tally
) -> Iterator[tuple[str, Record]]:
    for split in dataset.labelled():
        for mode, row in _judged(dataset, split, modes, tally):
            if _takes(guard, row, mode, chance, tally):
                for suffix, draw in draws(guard, row, mode, chance):
                    tally[mode] += 1
                    yield split, _record(guard, row, mode, suffix, draw)


def _judged(
    dataset: Dataset, split: str, modes: Sequence[Mode], tally: Tally
) -> Iterator[tuple[Mode, Mapping[str, Any]]]:
    """The rows of a split that have an answer, then its queries, each with what is judged of it."""
    if "answer" in modes:
        yield from (("answer", row) for row in dataset.rows(split) if row["response"] is not None)
    if "prompt" in modes:
        yield from (("prompt", row) for row in _queries(dataset, split, tally))


def _queries(dataset: Dataset, split: str, tally: Tally) -> Iterator[dict[str, Any]]:
    """Every query of a split once, with what all judges who agree say of it; a query of which rows differ is left out."""
    for rows in dataset.groups(split, "query_id"):
        judged = {row["query_label"]: row for row in rows if row["query_label"] is not None}
        if len(judged) == 1:
            (row,) = judged.values()
            yield {**row, "id": f"{row['query_id']}-prompt"}
        else:
            tally["query_not_judged"] += 1


def _takes(guard: Guard, row: Mapping[str, Any], mode: Mode, chance: Chance, tally: Tally) -> bool:
    """Whether a verdict on the row can be written; counts what becomes of it."""
    truth = guard.truth(row, mode)
    if truth.left_out:
        tally[truth.left_out] += 1
        return False
    tally["outside"] += truth.outside
    before = row["label"] if mode == "answer" else row["query_label"]
    between = before not in (guard.labels.names[0], guard.labels.safe, "harmful", "benign")
    tally["mapped"] += between and truth.label != before and not truth.outside
    tally["unflipped"] += bool(truth.codes) and mode == "answer" and lists(guard, chance) and not chance.known
    return True


def _record(guard: Guard, row: Mapping[str, Any], mode: Mode, suffix: str, draw: Draw) -> Record:
    asked, verdict = guard.asked(row, mode, draw), guard.verdict(row, mode, draw=draw)
    told = {"id": f"{row['id']}{suffix}"}
    if isinstance(asked, str):
        return told | {"prompt": asked, "completion": verdict}
    prompt, completion = [asdict(message) for message in asked], [{"role": "assistant", "content": verdict}]
    return told | {"prompt": prompt, "completion": completion, "messages": prompt + completion}


def _kind(guard: Guard, tokenizer: Path | None) -> _trainers.Kind:
    return "text" if tokenizer is not None or (guard.reads and guard.reads.raw) else "sft"
