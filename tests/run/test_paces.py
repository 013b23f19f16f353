"""Slow start goes on from what a server bore in the folder's last run."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from synth.engine import adaptive
from synth.engine.adaptive import Pace
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.errors import ProviderError
from synth.journal import decisions
from synth.journal.merge import united_decisions
from synth.journal.store import Journal
from synth.recipe.role import Ceiling
from synth.run import paces
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.types import Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.virtual import Distant, fixed
from tests.support.world import World

ROLES = ("writer", "a", "b", "j1", "j2")


def remote(concurrency: int, **changes: Any) -> CompiledRecipe:
    """The tiny recipe, asked of one model at a server."""
    role = {"model": "m", "base_url": "http://127.0.0.1:9/v1", **changes}
    return compile_recipe(tiny_recipe(concurrency=concurrency, models=dict.fromkeys(ROLES, role)))


def journalled(folder: Path) -> list[int]:
    with contextlib.closing(Journal(folder)) as journal:
        return [body["slots"] for kind, body in journal.decisions() if kind == decisions.PACE]


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model begins with so few slots that a small run grows beyond them."""
    monkeypatch.setattr(adaptive, "START", 4)


TABLE = [
    (256, 256, 128),
    (256, 100, 50),
    (7, 256, 4),
    (3, 256, 3),
    (3, 2, 2),
    (1, 256, 1),
    (0, 256, 4),
    (-5, 256, 4),
    (10**30, 256, 128),
]


@pytest.mark.parametrize(("borne", "most", "begins"), TABLE)
def test_a_pace_begins_with_half_of_what_was_borne_and_never_above_what_is_allowed(
    borne: int, most: int, begins: int
) -> None:
    pace = Pace(most, Ceiling())
    pace.begin(borne)
    assert pace.limit == begins


def begins(folder: Path, compiled: CompiledRecipe) -> int:
    """With how many slots the model of a recipe would begin in a run in the folder."""
    roles = compiled.recipe.models
    models = Endpoints(dict.fromkeys(roles, Distant(World(), fixed(0.0))), Slots(compiled.recipe.concurrency), roles)
    with contextlib.closing(Journal(folder)) as journal:
        paces.take_up(models, roles, journal)
    (pace,) = models.paces.values()
    return pace.limit


def test_the_next_run_begins_where_the_last_one_was(lab: Lab) -> None:
    (folder := lab.folder / "run").mkdir()
    for n, before in ((9, 4), (10, 8)):
        assert begins(folder, remote(16)) == before
        lab.run(n, compiled=remote(16), on_doubt="warn")
        assert journalled(folder) == [16]
    assert begins(folder, remote(6)) == 4
    assert begins(folder, remote(16, base_url="http://127.0.0.1:10/v1")) == 4


class Narrow(Distant):
    """A server that bears six requests at once."""

    async def complete(self, request: Request, key: str) -> Reply:
        if self.in_flight >= 6:
            raise ProviderError("busy", cause="limit")
        return await super().complete(request, key)


def test_a_server_that_bears_few_is_not_asked_for_more_at_once_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive, "START", 16)
    monkeypatch.setattr("tests.conftest.Distant", Narrow)
    lab.run(9, compiled=remote(32), on_doubt="warn")
    borne = journalled(lab.folder / "run")[-1]
    assert borne <= 8
    assert begins(lab.folder / "run", remote(32)) == borne


def test_of_a_stand_in_nothing_is_journalled(lab: Lab) -> None:
    lab.run(9, concurrency=16)
    assert journalled(lab.folder / "run") == []


def test_a_journal_that_is_united_holds_no_pace() -> None:
    pace = (decisions.PACE, {"model": "m", "place": "0" * 16, "slots": 64})
    target = (decisions.TARGET, decisions.target_body({}, {}, {}))
    assert [kind for kind, _ in united_decisions([[target, pace], [target]], {}, [])] == [decisions.TARGET]
