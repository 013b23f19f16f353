"""A checkpoint is a cache: with it a run that goes on reads little of its journal, without it the bytes are the same."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.fold import fold as module
from synth.fold.fold import Fold
from synth.journal.store import Journal
from synth.run.result import OK
from tests.conftest import Lab
from tests.fold.test_fold import DUPLICATING, lost
from tests.support.world import World

N = 60
QUOTAS = {"at_least": {"behaviour": 1}}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint between any two writer calls."""
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)


@contextlib.contextmanager
def resumed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many plans each fold found carried out."""
    found: list[int] = []
    resume = Fold.resume

    def told(self: Fold, state: Any, gated: Any) -> None:
        found.append(state.carried)
        resume(self, state, gated)

    with monkeypatch.context() as patch:
        patch.setattr(Fold, "resume", told)
        yield found


def cache(lab: Lab, out: str = "run") -> Path:
    return lab.folder / out / ".synth-fold.sqlite"


@pytest.mark.parametrize(("concurrency", "seconds"), [(1, 160.0), (64, 4.3)])
@pytest.mark.parametrize("keep", [True, False], ids=["kept", "deleted"])
def test_with_or_without_it_the_bytes_are_the_same(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, concurrency: int, seconds: float, keep: bool
) -> None:
    lab.world = DUPLICATING
    calm = lab.run(N, out="calm", concurrency=concurrency, mixture=QUOTAS)
    with resumed(monkeypatch) as found:
        for _ in range(3):
            lab.run(N, concurrency=concurrency, mixture=QUOTAS, interrupt=seconds)
            assert cache(lab).exists()
            if not keep:
                cache(lab).unlink()
        result = lab.run(N, concurrency=concurrency, mixture=QUOTAS)
    counts, calm_counts = ((each.status, each.cells, each.dropped, each.replies) for each in (result, calm))
    assert counts == calm_counts
    assert lab.bytes() == lab.bytes("calm")
    assert max(found, default=0) > (5 if keep else 0)
    assert not cache(lab).exists()


def test_what_was_counted_before_is_not_read_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lab.run(N, out="calm").spent
    lab.run(N, interrupt=60.0)
    read: list[str] = []
    original = Journal.get

    def counted(self: Journal, key: str) -> Any:
        read.append(key)
        return original(self, key)

    monkeypatch.setattr(Journal, "get", counted)
    assert lab.run(N).status == OK
    assert len(set(read)) < 0.7 * sum(entry["calls"] for entry in whole)


def test_a_checkpoint_of_another_wish_recipe_or_journal_is_of_no_use(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.run(N, interrupt=40.0)
    for name, change in {
        "larger": lambda: lab.run(N + 10),
        "edited": lambda: lab.run(N, dedup={"threshold": 0.5}),
        "only": lambda: lab.run(N, only=("one.s0",)),
    }.items():
        with resumed(monkeypatch) as found:
            change()
        assert not found, name
        lab.run(N, interrupt=10.0, seed=1)
        lab.run(N, interrupt=40.0)


def test_replies_taken_out_of_the_journal_are_asked_for_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.run(N, out="calm")
    lab.run(N, interrupt=40.0)
    with contextlib.closing(sqlite3.connect(lab.folder / "run" / "journal.sqlite")) as journal:
        journal.execute("DELETE FROM replies WHERE rowid % 2 = 0")
        journal.commit()
    with resumed(monkeypatch) as found:
        assert lab.run(N).status == OK
    assert not found
    assert lab.bytes() == lab.bytes("calm")


def test_a_broken_cache_is_thrown_away(lab: Lab) -> None:
    lab.run(N, out="calm")
    for junk in (b"junk", b"SQLite format 3\x00" + b"\xff" * 4000):
        lab.run(N, out=junk[:4].hex(), interrupt=40.0)
        cache(lab, junk[:4].hex()).write_bytes(junk)
        assert lab.run(N, out=junk[:4].hex()).status == OK
        assert lab.bytes(junk[:4].hex()) == lab.bytes("calm")


def test_a_pause_keeps_every_row_with_a_checkpoint_too(lab: Lab) -> None:
    lab.world = World(pool=400)
    lab.run(N, interrupt=40.0)
    before = lab.rows()
    lab.run(N, interrupt=3.0)
    assert not lost(before, lab.rows())
