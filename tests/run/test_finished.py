"""The same command on a finished folder: known as finished without a fold, and told from one that anything was done to."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.fold.fold import Fold
from synth.journal.store import Journal
from synth.recipe.files import shipped
from synth.recipe.schema import Recipe
from synth.run import compile as compiling
from synth.run import execute, finished
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.merge import merge
from synth.run.options import RunOptions
from synth.run.result import OK, Result
from tests.conftest import Lab, tiny_recipe, tiny_taxonomy
from tests.support.journals import change

N = 12


@pytest.fixture(scope="module")
def folds() -> Iterator[list[int]]:
    """One entry for every fold that was run."""
    found: list[int] = []
    run = Fold.run

    async def counted(self: Fold, recorded: Any) -> None:
        found.append(1)
        await run(self, recorded)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fold, "run", counted)
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory, and in it a folder in which a run was finished."""
    place = tmp_path_factory.mktemp("work")
    (place / "taxonomies").mkdir()
    (place / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    (place / "avoid.jsonl").write_text('{"query": "怎样在夜里悄悄翻过邻居家的院墙"}\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert go(place / "made").status == OK
    return place


@pytest.fixture
def folder(place: Path, folds: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a run was finished, of this test alone."""
    monkeypatch.chdir(place)
    shutil.copytree(place / "made", folder := tmp_path / "run")
    folds.clear()
    return folder


def recipe(**changes: Any) -> Recipe:
    return tiny_recipe(avoid=["avoid.jsonl"], **changes)


def go(folder: Path, compiled: CompiledRecipe | None = None, n: int | None = N, **options: Any) -> Result:
    return execute.run(compiled or compile_recipe(recipe()), RunOptions(folder, n, **options))


def held(folder: Path) -> dict[str, bytes]:
    """All files but the journal's and the cache's."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if not path.name.startswith(("journal.", ".synth-"))
    }


def test_the_second_run_tells_what_a_fold_would_tell_and_leaves_the_same(folder: Path, folds: list[int]) -> None:
    shutil.copytree(folder, other := folder.with_name("other"))
    (other / finished.NAME).unlink()
    folded = go(other)
    assert folds
    folds.clear()
    known = go(folder)
    assert not folds
    assert json.dumps(asdict(known)) == json.dumps(asdict(folded))
    assert known.calls == 0
    assert held(folder) == held(other)
    assert not list(folder.glob(".synth-fold*"))
    before = (folder / "run.json").stat().st_mtime_ns
    assert go(folder) == known
    assert not folds
    assert (folder / "run.json").stat().st_mtime_ns == before


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def flipped(path: Path) -> None:
    """A byte in the middle is another, size and time are what they were."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shard(folder: Path) -> Path:
    return next((folder / "dataset" / "data").glob("train-*.parquet"))


DONE: dict[str, Callable[[Path], Any]] = {
    "a shard is another": lambda folder: flipped(shard(folder)),
    "a shard is gone": lambda folder: shard(folder).unlink(),
    "a shard is one too many": lambda folder: shutil.copy(
        shard(folder), shard(folder).with_name("train-00007-of-00008.parquet")
    ),
    "the card was edited": lambda folder: append(folder / "dataset" / "README.md"),
    "the facts of the card are gone": lambda folder: (folder / "dataset" / "card.json").unlink(),
    "the policies are gone": lambda folder: (folder / "dataset" / "policies.json").unlink(),
    "the data set is gone": lambda folder: shutil.rmtree(folder / "dataset"),
    "a drop is another": lambda folder: flipped(next(path for path in (folder / "drops").iterdir())),
    "the drops are gone": lambda folder: shutil.rmtree(folder / "drops"),
    "run.json is another": lambda folder: append(folder / "run.json"),
    "run.json is gone": lambda folder: (folder / "run.json").unlink(),
    "the cache is gone": lambda folder: (folder / finished.NAME).unlink(),
    "the cache is damaged": lambda folder: flipped(folder / finished.NAME),
    "the cache is empty": lambda folder: (folder / finished.NAME).write_text(""),
}


@pytest.mark.parametrize("what", DONE)
def test_what_is_not_as_it_was_left_is_mended_by_a_fold(folder: Path, folds: list[int], what: str) -> None:
    go(folder)
    whole = held(folder)
    DONE[what](folder)
    assert go(folder).status == OK
    assert folds
    assert held(folder) == whole
    folds.clear()
    go(folder)
    assert not folds


def test_a_reply_that_was_written_to_is_asked_for_again(folder: Path, folds: list[int]) -> None:
    whole = held(folder)
    change(folder / "journal.sqlite", "UPDATE replies SET text = x'7b7d' WHERE rowid = 7")
    result = go(folder)
    assert folds
    assert result.calls
    assert held(folder)["dataset/README.md"] == whole["dataset/README.md"]
    folds.clear()
    assert not go(folder).notes
    assert not folds


PRICED = {
    role: {"backend": "offline", "model": role, "price": {"input": 1, "output": 1}}
    for role in ("writer", "a", "b", "j1", "j2")
}
ANOTHER: dict[str, dict[str, Any]] = {
    "another seed": {"seed": 1},
    "a price": {"models": PRICED},
    "other shards": {"output": {"shard_rows": 20}},
    "another licence": {"output": {"licence": "mit"}},
    "the mark rendered otherwise": {"output": {"mark": "keep"}},
    "another filter": {"filters": {"row": ["refused_is_safe"]}},
    "another concurrency": {"concurrency": 9},
}
ASKED: dict[str, Callable[[Path], Any]] = {
    "a larger N": lambda folder: go(folder, n=N + 4),
    "a smaller N": lambda folder: go(folder, n=N - 2),
    "another recipe": lambda folder: go(folder, compile_recipe(recipe(output={"mark": "keep"}))),
    "a shard": lambda folder: go(folder, shard=frozenset(["one.s0/harmful"])),
    "a part of the lanes": lambda folder: go(folder, only=("one",)),
    "what a doubt does": lambda folder: go(folder, on_doubt="warn"),
    "who watches rounds": lambda folder: go(folder, observer=Nobody()),
}


class Nobody:
    """An observer whom nothing matters."""

    def round_closed(self, lane: object, tally: object) -> None:
        """Nothing is done."""


@pytest.mark.parametrize("what", ASKED)
def test_what_else_is_asked_for_is_folded(folder: Path, folds: list[int], what: str) -> None:
    ASKED[what](folder)
    assert folds


def is_known(folder: Path, **changes: Any) -> bool:
    return finished.tried(folder, compile_recipe(recipe(**changes), tried=lambda _: True))


def test_a_recipe_is_told_from_another_in_every_key(folder: Path) -> None:
    assert is_known(folder)
    assert [what for what, changes in ANOTHER.items() if is_known(folder, **changes)] == []


def test_what_a_recipe_reads_is_looked_at(folder: Path, place: Path) -> None:
    for name in ("prompts/judge/verdict.j2", "prompts/card/dataset.j2"):
        (mine := place / name).parent.mkdir(parents=True, exist_ok=True)
        mine.write_bytes((shipped() / name).read_bytes() + b"{# mine #}")
        assert not is_known(folder), name
        shutil.rmtree(place / "prompts")
    for name, was, now in (("taxonomies/tiny.yaml", "丁事", "己事"), ("avoid.jsonl", "夜里", "白天")):
        before = (place / name).read_bytes()
        (place / name).write_bytes(before.replace(was.encode(), now.encode()))
        assert not is_known(folder), name
        (place / name).write_bytes(before)
    assert is_known(folder)


@pytest.mark.parametrize("what", ["recipe.files.own_hash", "recipe.plugins.code_hash", "run.finished.versions"])
def test_what_rules_are_made_of_is_looked_at(folder: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"synth.{what}", lambda: "of other code")
    assert not is_known(folder)


def test_code_that_cannot_be_read_is_not_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def archived() -> str:
        raise NotADirectoryError

    monkeypatch.setattr("synth.recipe.plugins.code_hash", archived)
    assert not is_known(folder)
    assert go(folder, n=N + 1).status == OK


def test_a_prompt_is_rendered_again_unless_the_very_same_was(folder: Path, place: Path) -> None:
    tried = partial(finished.tried, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "rendered", lambda *_: pytest.fail("rendered once more"))
        compile_recipe(recipe(), tried=tried)
    mine = place / "prompts" / "judge" / "verdict.j2"
    mine.parent.mkdir(parents=True)
    mine.write_text("{% block user %}{{ query[1:0] }}{% endblock %}", encoding="utf-8")
    try:
        with pytest.raises(ConfigError, match="says nothing"):
            compile_recipe(recipe(), tried=tried)
    finally:
        shutil.rmtree(place / "prompts")


def test_a_journal_of_before_is_folded(folder: Path, folds: list[int]) -> None:
    before = (folder / "journal.sqlite").read_bytes()
    go(folder, n=N + 4)
    whole = held(folder)
    (folder / "journal.sqlite").write_bytes(before)
    folds.clear()
    assert go(folder, n=N + 4).status == OK
    assert folds
    assert held(folder)["dataset/policies.json"] == whole["dataset/policies.json"]


def test_what_changes_nothing_is_not_folded(folder: Path, folds: list[int]) -> None:
    for path in (folder / "dataset").rglob("*"):
        os.utime(path)
    (folder / "drops" / "notes.md").write_text("mine", encoding="utf-8")
    (folder / "export" / "sft").mkdir(parents=True)
    go(folder, retry_given_up=True)
    assert not folds


def test_what_is_merged_is_folded_once(folder: Path, folds: list[int]) -> None:
    merge([folder], out := folder.with_name("merged"))
    assert not (out / finished.NAME).exists()
    assert go(out).status == OK
    folds.clear()
    go(out)
    assert not folds


def test_a_file_of_the_users_own_stays_and_changes_nothing(folder: Path, folds: list[int]) -> None:
    mine = folder / "dataset" / "LICENSE"
    mine.write_text("mine", encoding="utf-8")
    assert go(folder).status == OK
    assert not folds
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_run_that_was_stopped_is_not_finished(folder: Path) -> None:
    Lab(folder.parent).run(60, interrupt=20.0)
    assert not (folder / finished.NAME).exists()


def test_the_journal_of_a_finished_folder_is_not_gone_through(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone_through(_: Journal) -> dict[str, int]:
        raise AssertionError("a million replies take seconds")

    monkeypatch.setattr(Journal, "stand_ins", gone_through)
    assert go(folder).status == OK


def test_a_link_in_the_place_of_the_cache_is_not_followed(folder: Path, folds: list[int], tmp_path: Path) -> None:
    (mine := tmp_path / "mine").write_text("mine", encoding="utf-8")
    (folder / finished.NAME).unlink()
    (folder / finished.NAME).symlink_to(mine)
    go(folder)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert (folder / finished.NAME).is_symlink()
    assert folds


def test_a_file_of_the_users_own_in_the_place_of_the_cache_stays(folder: Path, folds: list[int]) -> None:
    (folder / finished.NAME).write_text("mine", encoding="utf-8")
    go(folder)
    go(folder, n=N + 4)
    assert (folder / finished.NAME).read_text(encoding="utf-8") == "mine"
