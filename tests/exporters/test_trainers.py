"""What stands beside an export for trainers, what is said last, and that no trainer is given a query beside a response."""

import importlib.util
import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import TABLES, _trainers, find, known
from tests.support import labelled
from tests.support.datasets import ROWS, dataset_of, row

FOR_TRAINERS = sorted(set(known()) - TABLES)


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    other = [{**one, "id": f"v{one['id']}", "query_id": f"v{one['query_id']}"} for one in ROWS]
    return dataset_of(tmp_path / "run", {"train": ROWS, "validation": other})


def test_there_are_formats_for_trainers_and_tables() -> None:
    assert {"csv", "hf", "jsonl", "libra"} == TABLES
    assert {"chat", "classify", "preference", "kto", "grpo", "derta", "mogu", "pretrain"} <= set(FOR_TRAINERS)


def columns(path: Path, cache: Path) -> set[str]:
    kind = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}[path.suffix]
    return set(datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(cache)).column_names)


@pytest.mark.parametrize("to", FOR_TRAINERS)
def test_no_file_for_trainers_holds_a_query_beside_a_response(made: Dataset, to: str, tmp_path: Path) -> None:
    """Whatever they are called: ms-swift takes all of these for the two sides of a dialogue."""
    queries = {"query", "question"}
    responses = {"response", "answer", "output", "text", "completion", "content", "solution", "targets"}
    written = [path for path in find(to)(made, tmp_path / "out") if path.suffix in (".jsonl", ".json", ".parquet")]
    held = [path for path in written if path.stem not in ("dataset_info", "label_names", "data_label")]
    assert held
    for path in held:
        found = columns(path, tmp_path / "cache")
        assert not (found & queries and found & responses), f"{path.name}: {found}"


@pytest.mark.parametrize("to", sorted(TABLES))
def test_a_table_says_last_that_it_is_none_for_trainers(made: Dataset, to: str, tmp_path: Path) -> None:
    said: list[str] = []
    find(to, said.append)(made, tmp_path / "out")
    assert "train a model to give the unsafe answers" in " ".join(said)


GUIDED = [to for to in FOR_TRAINERS if to not in ("derta", "mogu")]


@pytest.mark.parametrize("to", GUIDED)
def test_the_last_words_name_files_that_are_there(made: Dataset, to: str, tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "out"
    paths = find(to, said.append)(made, out)
    assert out / "TRAIN.md" in paths
    named = {word for line in said for word in re.split(r"[\s=']", line) if word.startswith(str(out))}
    assert named
    assert all(Path(word).exists() for word in named)
    guide = (out / "TRAIN.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in guide
    for command in re.findall(r"```\n(.+)\n", guide):
        shlex.split(command, comments=True)


@pytest.mark.parametrize("to", GUIDED)
def test_a_folder_of_an_export_loads_as_it_stands(made: Dataset, to: str, tmp_path: Path) -> None:
    find(to)(made, tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation"}


def taken(record: dict[str, Any], entry: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Roles of the prompt and texts of the answers that LLaMA-Factory 0.9.5 makes of a record (data/converter.py, written
    anew): none where it would skip the record."""
    held = entry["columns"]
    if entry["formatting"] == "alpaca":
        return ["user"], [record[held["response"]]] if held.get("response") else []
    role, content = entry["tags"]["role_tag"], entry["tags"]["content_tag"]
    turns = [turn for turn in record[held["messages"]] if turn[role] != entry["tags"]["system_tag"]]
    roles = [turn[role] for turn in turns]
    ranking = entry.get("ranking", False)
    if len(turns) % 2 != ranking or any(
        one != entry["tags"]["assistant_tag" if n % 2 else "user_tag"] for n, one in enumerate(roles)
    ):
        return [], []
    if ranking:
        return roles, [record[held[side]][content] for side in ("chosen", "rejected")]
    return roles[:-1], [turns[-1][content]]


@pytest.mark.parametrize("to", [to for to in GUIDED if to not in ("grpo", "classify")])
def test_llama_factory_reads_every_record_by_the_entry(made: Dataset, to: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    find(to)(made, out)
    entries = json.loads((out / "dataset_info.json").read_text(encoding="utf-8"))
    assert {entry["file_name"] for entry in entries.values()} == {"train.jsonl", "validation.jsonl"}
    for entry in entries.values():
        for line in (out / entry["file_name"]).read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            roles, answers = taken(record, entry)
            assert roles, record
            assert len(answers) == (2 if entry.get("ranking") else 0 if to == "pretrain" else 1)
            if "kto_tag" in entry["columns"]:
                assert isinstance(record[entry["columns"]["kto_tag"]], bool)


def test_a_dataset_info_of_ones_own_is_left_alone_and_synths_own_grows(made: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    find("kto")(made, out)
    find("chat")(made, out)  # its train.jsonl takes the place of the other
    assert set(json.loads((out / "dataset_info.json").read_text())) == {"chat_train", "chat_validation"}

    def extras(files: Sequence[str]) -> dict[str, str]:
        return _trainers.extras("sft", [out / name for name in files])

    assert set(json.loads(extras(["more.jsonl"])["dataset_info.json"])) == {"chat_train", "chat_validation", "sft_more"}
    (out / "dataset_info.json").write_text('{"mine": {}}', encoding="utf-8")
    said: list[str] = []
    find("kto", said.append)(made, out)
    assert (out / "dataset_info.json").read_text(encoding="utf-8") == '{"mine": {}}'
    assert set(json.loads((out / "dataset_info.synth.json").read_text())) == {"kto_train", "kto_validation"}
    assert "dataset_info.json there is yours" in said[-1]


def reward_of(out: Path) -> Any:
    spec = importlib.util.spec_from_file_location("guard_reward", out / "guard_reward.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("guard", ["libra", "guard/lines"])
def test_the_reward_of_the_right_verdict_is_1_and_of_a_torn_one_less(made: Dataset, guard: str, tmp_path: Path) -> None:
    from synth.exporters import guard_of

    out = tmp_path / "out"
    find("grpo")(made, out, guard=guard)
    module, asks = reward_of(out), guard_of(made, guard)
    assert "synth" not in re.findall(r"^(?:import|from) (\w+)", (out / "guard_reward.py").read_text(), re.MULTILINE)
    rows = {one["id"]: one for one in made.rows("train")}
    records = datasets.load_dataset("parquet", data_files=str(out / "train.parquet"), cache_dir=str(tmp_path / "c"))
    assert {one["id"] for one in records["train"]} == set(rows)
    for one in records["train"]:
        said = rows[one["id"]]
        assert one["prompt"] == [{"role": m.role, "content": m.content} for m in asks.messages(said, "answer")]
        assert one["answer"] == one["label"] == one["reward_model"]["ground_truth"] == said["label"]
        right = asks.verdict(said, "answer")
        wrong = asks.verdict({**said, "label": "safe" if said["label"] == "unsafe" else "unsafe"}, "answer")
        texts = [right, wrong, right[: len(right) // 2], "我不知道"]
        answers = [one["answer"]] * len(texts)
        assert module.reward(completions=texts, answer=answers, prompts=[], trainer_state=None) == [1, 0, -1, -1]
        told = [[{"role": "assistant", "content": text}] for text in texts]
        assert module.reward(told, answers) == [1, 0, -1, -1]
        assert [module.compute_score("synth", text, one["answer"], extra_info={}) for text in texts] == [1, 0, -1, -1]
        found = module.reward_func([f"问{text}" for text in texts], ["问"] * 4, answers)
        assert list(found["rewards"]) == [1, 0, -1, -1]
        assert module.worth(f"<think>{wrong}</think>{right}", one["answer"]) == 1
        asked = f"<|im_start|>user\n{one['prompt'][-1]['content']}<|im_end|>\n<|im_start|>assistant\n"
        decoded = [f"<s>{asked}{text}<|im_end|>" for text in texts]
        assert module.reward_func(decoded, [asked] * 4, answers)["scores"] == [1, 0, -1, -1]


@pytest.mark.parametrize("guard", ["libra", "qwen3guard", "xguard", "shieldlm", "llamaguard"])
def test_the_reward_reads_every_guards_verdicts(guard: str, tmp_path: Path) -> None:
    from synth.exporters import guard_of

    labels, names = ("unsafe", "controversial", "safe"), ("crime.gambling", "bias.gender", "ethics.values")
    rows = [
        labelled.row(n * 3 + m, subcategory, label)
        for n, subcategory in enumerate(names)
        for m, label in enumerate(labels)
    ]
    made = labelled.folder(tmp_path / "run", rows, recipe=labelled.THREE)
    find("grpo")(made, tmp_path / "out", guard=guard)
    module, asks = reward_of(tmp_path / "out"), guard_of(made, guard)
    for one in rows:
        right, said = asks.truth(one).label, asks.verdict(one, "answer")
        assert module.verdict(said) == asks.read(said).label == right
        assert module.worth(said, right) == 1
        assert module.worth(said[: 1 if guard in ("xguard", "llamaguard") else len(said) // 4], right) == -1


def test_a_guard_whose_verdicts_need_codes_that_are_not_there_is_refused(made: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"policies\.json has none of them"):
        find("grpo")(made, tmp_path / "out", guard="xguard")


def test_a_guard_that_reads_raw_text_is_refused(made: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reads text and no messages, which these trainers render"):
        find("grpo")(made, tmp_path / "out", guard="wildguard")


def test_a_json_verdict_that_breaks_off_anywhere_is_worth_minus_1(made: Dataset, tmp_path: Path) -> None:
    from synth.exporters import guard_of

    find("grpo")(made, tmp_path / "out")
    module, said = reward_of(tmp_path / "out"), next(made.rows("train"))
    right = guard_of(made, "libra").verdict(said, "answer")
    assert {module.worth(right[:end], said["label"]) for end in range(len(right))} == {-1.0}


def test_a_guard_whose_first_token_is_read(made: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts" / "guard").mkdir(parents=True)
    text = "{% block user %}{{ query }}{{ response }}{% endblock %}{% block assistant %}{{ word }}，{{ analysis }}{% endblock %}"
    read = "{% block read %}\nkind: first_token\nwords: {unsafe: 是, safe: 否}\n{% endblock %}"
    (tmp_path / "prompts" / "guard" / "yesno.j2").write_text(text + read, encoding="utf-8")
    find("grpo")(made, tmp_path / "out", guard="yesno")
    module = reward_of(tmp_path / "out")
    assert [module.worth(said, "unsafe") for said in ("是，因为", "否。", "也许是", "")] == [1, 0, -1, -1]
    assert module.worth("是<|im_end|>\n", "unsafe") == 1
    (tmp_path / "prompts" / "guard" / "mute.j2").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="has no block 'read', by which a verdict is rewarded"):
        find("grpo")(made, tmp_path / "none", guard="mute")


def test_the_command_hands_on_what_a_format_takes_and_refuses_the_rest(made: Dataset, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(commands, ["export", str(made.folder), *words], catch_exceptions=True)

    done = run("--to", "grpo", "--guard", "lines", "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "Safety" in (tmp_path / "out" / "guard_reward.py").read_text(encoding="utf-8")
    assert str(tmp_path / "out" / "train.parquet") in done.stdout.splitlines()
    assert "trl grpo" in done.stderr
    assert "trl grpo" not in done.stdout
    for words, option in (
        (("--guard", "libra"), "guard"),
        (("--tokenizer", "x"), "tokenizer"),
        (("--prompt", "x"), "prompt"),
    ):
        refused = run("--to", "kto", *words, "-o", str(tmp_path / "none"))
        assert str(refused.exception) == f"--to kto: unknown option {option!r}; it has none"
    told = run("--to", "kto", "--set", "counts={}", "-o", str(tmp_path / "none"))
    assert "unknown option 'counts'" in str(told.exception)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        rows = (
            row(f"q{n:05d}.{m}", f"问{n}", "字" * 400, "unsafe" if m else "safe")
            for n in range(count)
            for m in range(2)
        )
        held = dataset_of(tmp_path / f"run{count}", {"train": rows})
        tracemalloc.start()
        find("preference")(held, tmp_path / f"out{count}")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = peak(300), peak(1_500)
    assert large < small * 1.3 + 500_000  # the rows are 1 and 5 MB
