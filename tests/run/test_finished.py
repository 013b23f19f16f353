"""The same command on a finished folder: known as finished without a fold, and told from one that anything was done to."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from synth.fold.fold import Fold
from synth.run import execute, finished
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.options import RunOptions
from synth.run.result import OK, Result
from tests.conftest import Lab, tiny_recipe
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


@pytest.fixture
def folder(lab: Lab, folds: list[int]) -> Path:
    """A folder in which a run was finished."""
    assert go(lab.folder / "run").status == OK
    folds.clear()
    return lab.folder / "run"


def go(folder: Path, compiled: CompiledRecipe | None = None, n: int | None = N, **options: Any) -> Result:
    return execute.run(compiled or compile_recipe(tiny_recipe()), RunOptions(folder, n, **options))


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


CHANGED: dict[str, Callable[[Path], Any]] = {
    "a larger N": lambda folder: go(folder, n=N + 4),
    "another seed": lambda folder: go(folder, compile_recipe(tiny_recipe(seed=1))),
    "a price": lambda folder: go(
        folder,
        compile_recipe(
            tiny_recipe(
                models={
                    role: {"backend": "offline", "model": role, "price": {"input": 1, "output": 1}}
                    for role in ("writer", "a", "b", "j1", "j2")
                }
            )
        ),
    ),
    "other shards": lambda folder: go(folder, compile_recipe(tiny_recipe(output={"shard_rows": 20}))),
    "a part of the lanes": lambda folder: go(folder, only=("one",)),
    "what a doubt does": lambda folder: go(folder, on_doubt="warn"),
    "who watches rounds": lambda folder: go(folder, observer=Nobody()),
}


class Nobody:
    """An observer whom nothing matters."""

    def round_closed(self, lane: object, tally: object) -> None:
        """Nothing is done."""


@pytest.mark.parametrize("what", CHANGED)
def test_what_else_is_asked_for_is_folded(folder: Path, folds: list[int], what: str) -> None:
    CHANGED[what](folder)
    assert folds


def test_what_rules_are_made_of_is_looked_at(folder: Path, folds: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.recipe.files.own_hash", lambda: "of other code")
    go(folder)
    assert folds


def test_the_words_of_the_card_are_looked_at(folder: Path, folds: list[int]) -> None:
    (mine := Path("prompts") / "card" / "dataset.j2").parent.mkdir(parents=True)
    mine.write_text("{% block card %}mine{% endblock %}", encoding="utf-8")
    go(folder)
    assert folds


def test_a_file_of_the_users_own_stays_and_changes_nothing(folder: Path, folds: list[int]) -> None:
    mine = folder / "dataset" / "LICENSE"
    mine.write_text("mine", encoding="utf-8")
    assert go(folder).status == OK
    assert not folds
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_run_that_was_stopped_is_not_finished(folder: Path, lab: Lab) -> None:
    lab.run(60, interrupt=20.0)
    assert not (folder / finished.NAME).exists()


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
