"""Everything goes wrong a little, all the time: the recipe is finished all the same, and hardly more is paid."""

from pathlib import Path

import pytest

from synth.recipe import load, schema
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.serve.faults import CONTENT, WEATHER
from tests.conftest import Lab, tiny_recipe
from tests.support.standin import standing_in


@pytest.mark.timeout(240)
def test_every_fault_at_once_and_two_storms_lose_no_row_and_cost_little(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("TEAM_TOKEN", "team-very-secret")
    base = tiny_recipe(concurrency=32, filters={"response": [{"length": {"max": 4000}}]})
    hurried = base.model_copy(
        update={
            "models": {
                name: role.model_copy(update={"timeout": 2.0, "headers": {"X-Team": "$TEAM_TOKEN"}})
                for name, role in base.models.items()
            }
        }
    )

    def served(address: str) -> schema.Recipe:
        return load.with_models(hurried, backend=None, model=None, base_url=address)

    with standing_in() as server:
        calm = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "calm", 60))
        answers = server.stats()["completed"]
    faults = dict.fromkeys(WEATHER + CONTENT, 0.02)
    script = ["429"] * 20 + ["ok"] * 60 + ["429-bare"] * 30
    with standing_in(faults=faults, script=script, retry_after=0.1) as server:
        result = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "storm", 60))
        stats = server.stats()
    assert (result.status, result.message, calm.status) == (0, None, 0)
    assert {cell["status"] for cell in result.cells} == {"met"}
    assert result.counts["accepted"] == calm.counts["accepted"]
    assert result.counts["born"] == sum(result.counts[kind] for kind in ("accepted", "surplus", "hard", "dropped"))
    # 1.3 is held by a run of 7 x 200 (benchmarks/storm.py: 1.2); so small a one has its luck.
    assert stats["completed"] <= 1.45 * answers
    assert set(stats["faults"]) >= {"hang", "reset", "refusal", "broken", "429-bare"}
    assert "Traceback" not in caplog.text + "".join(capsys.readouterr())
    assert_no_secret(lab.folder, caplog.text)


def assert_no_secret(folder: Path, logged: str) -> None:
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()) + logged.encode()
    assert b"very-secret" not in kept
