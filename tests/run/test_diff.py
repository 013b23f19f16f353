"""What a run would reuse and what it would ask is said beforehand, holds, and costs nothing."""

import contextlib
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from synth.backends.offline import OfflineBackend
from synth.cli import run
from synth.errors import ConfigError
from synth.journal.store import Journal
from synth.run import diff as module
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from synth.run.upgrade import compare
from tests.conftest import Lab, tiny_recipe


def options(lab: Lab, n: int | None = 40, **more: Any) -> RunOptions:
    return RunOptions(lab.folder / "run", n, **more)


def paid(folder: Path) -> Counter[str]:
    """Replies in the journal, by stage."""
    with contextlib.closing(Journal(folder)) as journal:
        return sum((Counter({entry.stage: entry.calls}) for entry in journal.spent()), Counter())


@pytest.mark.parametrize(
    "changes", [{"dedup": {"threshold": 0.4}}, {"seed": 9}, {"filters": {"response": [{"length": {"max": 150}}]}}]
)
def test_what_is_foretold_is_what_is_asked(lab: Lab, changes: dict[str, Any]) -> None:
    lab.world = (
        OfflineBackend()
    )  # on virtual time one slot is never idle, so nothing is asked for that is only likely needed
    lab.run(40, concurrency=1)
    before = paid(lab.folder / "run")
    edited = compile_recipe(tiny_recipe(concurrency=1, **changes))
    _, found, _ = compare(edited, options(lab))
    lab.run(40, compiled=edited)
    asked = paid(lab.folder / "run")
    asked.subtract(before)
    assert found.whole
    assert found.asked.total() > 0
    assert +asked == +found.asked
    assert found.rows == set(lab.rows())


def test_a_survey_writes_nothing(lab: Lab) -> None:
    execute.run(compile_recipe(tiny_recipe()), options(lab))
    before = paid(lab.folder / "run"), lab.bytes(), digest(lab.folder / "run" / "run.json")
    compare(compile_recipe(tiny_recipe(seed=3)), options(lab, 90))
    assert (paid(lab.folder / "run"), lab.bytes(), digest(lab.folder / "run" / "run.json")) == before
    assert execute.run(compile_recipe(tiny_recipe()), options(lab)).calls == 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_run_that_wants_nothing_new_reuses_everything(lab: Lab) -> None:
    execute.run(compile_recipe(tiny_recipe()), options(lab))
    job, found, _ = compare(compile_recipe(tiny_recipe()), options(lab))
    assert (job.changed, found.asked.total()) == ("", 0)
    assert found.rows == set(lab.rows())
    assert "no call is to be made" in found.line()


def test_what_changed_is_said_once_and_before_anything_is_asked(lab: Lab) -> None:
    said: list[str] = []
    execute.run(compile_recipe(tiny_recipe()), options(lab, say=said.append))
    execute.run(compile_recipe(tiny_recipe()), options(lab, 50, say=said.append))
    assert not said
    edited = compile_recipe(tiny_recipe(dedup={"threshold": 0.6}, seed=5))
    execute.run(edited, options(lab, say=said.append))
    execute.run(edited, options(lab, say=said.append))
    (line,) = (line for line in said if " rows before this run" not in line)
    assert "dedup.threshold (0.7 → 0.6)" in line
    assert "seed" in line
    assert "calls are to be made (query" in line


def test_a_survey_that_finds_a_run_as_good_as_new_stops(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    execute.run(compile_recipe(tiny_recipe()), options(lab))
    monkeypatch.setattr(module, "ENOUGH", 100)
    _, found, _ = compare(compile_recipe(tiny_recipe(seed=3)), options(lab))
    assert not found.whole
    assert 100 <= found.asked.total() <= 200
    assert "more than" in found.line()


def test_the_price_is_that_of_what_is_to_be_asked(lab: Lab) -> None:
    models = tiny_recipe().model_dump(mode="json")["models"]
    priced = tiny_recipe(models={name: {**role, "price": {"input": 1e6, "output": 0}} for name, role in models.items()})
    execute.run(compile_recipe(tiny_recipe()), options(lab))
    _, found, _ = compare(compile_recipe(priced.model_copy(update={"seed": 4})), options(lab))
    execute.run(compile_recipe(tiny_recipe(seed=4)), RunOptions(lab.folder / "fresh", 40))
    with contextlib.closing(Journal(lab.folder / "fresh")) as journal:
        tokens = sum(entry.prompt_tokens for entry in journal.spent())
    assert found.cost == pytest.approx(tokens, rel=0.1)


def test_a_folder_without_a_run_is_one_line(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="holds no journal; make one with `synth run RECIPE -o"):
        run.diff(tiny_recipe(), 40, lab.folder / "nowhere", ())
    assert not (lab.folder / "nowhere").exists()
