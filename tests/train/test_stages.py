"""The whole way: a run, Stage 1 on it, its hard rows judged once more, Stage 2 on those, and the guard measured."""

import json
from collections.abc import Callable
from pathlib import Path

from synth.serve.listen import listening
from tests.train.conftest import Export, synth
from tests.train.serving import application

LEARNING = ("--learning_rate", "0.01", "--max_steps", "150", "--per_device_train_batch_size", "4")


def test_a_guard_is_trained_in_two_stages_and_measured(
    run: Path, model: Path, export: Callable[..., Export], train: Callable[..., str], tmp_path: Path
) -> None:
    train(export("sft", "--guard", "libra"), "trl", *LEARNING, "--output_dir", str(tmp_path / "one"))
    second = tmp_path / "stage2"
    synth("run", "stage2", "--backend", "offline", "--set", f"run.path={run}", "-o", str(second))
    hard = export("sft", "--guard", "libra", of=second)
    brief = ("--max_steps", "2", "--output_dir", str(tmp_path / "two"))
    train(hard, "trl", *brief, of=tmp_path / "one")
    with listening(application(tmp_path / "two")) as url:
        given = ("--guard", "libra", "--base-url", url, "--model", "guard", "--split", "validation")
        said = synth("eval", str(run), *given, "-o", str(tmp_path / "eval"), "--no-ordinary", "--json")
        found = (
            json.loads(said[said.index("{") :].splitlines()[0])
            if False
            else json.loads((tmp_path / "eval" / "results.json").read_text(encoding="utf-8"))
        )
        again = synth("eval", str(run), *given, "-o", str(tmp_path / "eval"), "--no-ordinary")
    assert found
    assert "unreadable" in again
