"""What a run shows while it goes: figures that add up, cumulative over resumes; nothing from a server moves a terminal's cursor."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from synth.cli import live
from synth.engine.ask import Engine
from synth.fold.fold import Fold
from synth.journal.usage import Prices, prices
from synth.recipe.role import Role
from synth.run import execute
from synth.run.progress import Progress
from tests.conftest import Lab
from tests.engine.test_budget import PRICE, Metered, models

KNOWN: Prices = prices({name: Role(**role) for name, role in models(**PRICE).items()})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The figures at every second of virtual time of every run that follows."""
    found: list[dict[str, Any]] = []

    @asynccontextmanager
    async def watch(fold: Fold, engine: Engine) -> AsyncIterator[None]:
        progress = Progress(fold, engine, KNOWN)

        async def look() -> None:
            while True:
                found.append(progress.now())
                await asyncio.sleep(1.0)

        looking = asyncio.create_task(look())
        yield
        looking.cancel()
        found.append(progress.now())

    live: Callable[..., Any] = execute._live

    async def watched(job: Any, fold: Fold, engine: Engine, examined: Any) -> Any:
        async with watch(fold, engine):
            return await live(job, fold, engine, examined)

    monkeypatch.setattr(execute, "_live", watched)
    return found


def test_figures_add_up_and_go_on_after_a_pause(lab: Lab, seen: list[dict[str, Any]]) -> None:
    lab.world = Metered(refusing=0.1)
    lab.run(80, interrupt=15.0, models=models(**PRICE))
    paused = seen[-1]["total"]
    seen.clear()
    result = lab.run(80, models=models(**PRICE))
    first, *_, last = (state["total"] for state in seen)
    assert (first["calls"], first["cost"]) == (paused["calls"], pytest.approx(paused["cost"]))
    assert (last["accepted"], last["target"]) == (160, 160)
    assert 0 <= result.total["calls"] - last["calls"] <= 8  # what was still in flight has landed since
    assert last["calls_to_come"] == last["cost_to_come"] == 0
    assert last["refusals"] == sum(row.get("refusal", 0) for row in result.replies)
    assert last["yield"] == pytest.approx(160 / last["calls"])
    for state in seen:
        for name in ("accepted", "target", "calls", "in_flight", "refusals", "retries", "dropped"):
            assert sum(entry[name] for entry in state["scenarios"].values()) == state["total"][name], name
        told = [entry["cells"] for entry in state["scenarios"].values()]
        assert sum(cell["accepted"] for cells in told for cell in cells.values()) == state["total"]["accepted"]


def test_what_is_to_come_is_unknown_at_first_and_near_the_truth_at_half_way(
    lab: Lab, seen: list[dict[str, Any]]
) -> None:
    lab.world = Metered()
    result = lab.run(80, models=models(**PRICE))
    assert seen[0]["total"]["cost_to_come"] is None
    middle = next(state["total"] for state in seen if state["total"]["accepted"] >= 80)
    assert middle["cost"] + middle["cost_to_come"] == pytest.approx(result.total["cost"], rel=0.5)


def test_what_is_out_is_told_by_stage_with_its_age_and_the_tokens_so_far(
    capsys: pytest.CaptureFixture[str], lab: Lab, seen: list[dict[str, Any]]
) -> None:
    from rich.console import Console

    lab.world = Metered()
    lab.run(40, models=models(**PRICE))
    busy = next(state for state in seen if state["total"]["tokens"] and state["stages"])
    assert sum(busy["stages"].values()) == busy["total"]["in_flight"]
    assert busy["oldest"] >= 0
    busy["total"]["tokens_a_second"] = 1234.5
    live._plain(busy)
    stream = io.StringIO()
    Console(file=stream, width=200).print(live.table(busy))
    stage, count = next(iter(busy["stages"].items()))
    for text in (capsys.readouterr().err, stream.getvalue()):
        assert f"{busy['total']['tokens']:,} tokens, 1,234 a second" in text
        assert f"({stage} {count}" in text
        assert f"the oldest {busy['oldest']:.0f} s)" in text


def test_a_servers_words_stay_words(capsys: pytest.CaptureFixture[str], lab: Lab, seen: list[dict[str, Any]]) -> None:
    from rich.console import Console

    lab.world = Metered()
    lab.run(40, models=models(**PRICE))
    state = seen[-1] | {"weather": "model \x1b[31m'm' says [red]no[/red] :smile:\u202e"}
    live._plain(state)
    plain = capsys.readouterr().err
    stream = io.StringIO()
    Console(file=stream, width=200).print(live.table(state))
    for text in (plain, stream.getvalue()):
        assert "·[31m'm' says [red]no[/red] :smile:·, trying again" in text
        assert "\x1b[31m" not in text
        assert "two" in text
        assert "all" in text or "160" in text or "two 40/40" in text


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "?"), (0.4, "0 s"), (90, "90 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_time_in_words(seconds: float | None, words: str) -> None:
    assert live._time(seconds) == words
