"""The whole way: a run, Stage 1 on it, its hard rows judged once more, Stage 2 on those, and the guard measured."""

import json
from collections.abc import Callable
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.serve.listen import listening
from tests.train.conftest import Export, synth
from tests.train.serving import application


def test_a_guard_is_trained_in_two_stages_and_measured(
    run: Path, model: Path, export: Callable[..., Export], train: Callable[..., str], tmp_path: Path
) -> None:
    one, two, second, results = (tmp_path / name for name in ("one", "two", "stage2", "eval"))
    brief = ("--max_steps", "20", "--learning_rate", "0.01", "--output_dir")
    train(export("sft", "--guard", "libra"), "trl", *brief, str(one))
    synth("run", "stage2", "--backend", "offline", "--set", f"run.path={run}", "-o", str(second))
    train(export("sft", "--guard", "libra", of=second), "trl", *brief, str(two), of=one)
    with listening(lambda: application(two)) as url:
        asked = ("--guard", "libra", "--base-url", url, "--model", "guard", "--split", "validation")
        said = synth("eval", str(run), *asked, "-o", str(results), "--no-ordinary", "--set", "max_tokens=24")
    assert "unreadable" in said or "nothing is measured" in said  # of twenty steps little can be asked
    part = json.loads((results / "results.json").read_text(encoding="utf-8"))["parts"]["answer"]
    rows = list(Dataset(run).rows("validation"))
    assert (part["n"], part["read"] + sum(part["unread"].values())) == (len(rows), len(rows))
