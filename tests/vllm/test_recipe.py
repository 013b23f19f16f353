"""A whole recipe on a random model, in process and over a server: whatever it writes, the run ends honestly and resumes for nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.vllm.conftest import Server

ENDS = ("met", "exhausted", "blocked", "stalled")


def command(recipe: Path, out: str, *more: str) -> list[str]:
    only = ("--only", "crime.gambling", "-o", out, "--json")
    doubted = ("--on-doubt", "warn")  # a model of random weights is, and rightly
    return [sys.executable, "-m", "synth", "run", str(recipe), *only, *doubted, *more]


def synth(recipe: Path, out: str, *more: str) -> dict[str, Any]:
    """`synth run` as a user gives it; what `--json` says, once it is found consistent."""
    done = subprocess.run(command(recipe, out, *more), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    print(
        found["calls"], found["counts"], found["dropped"], found["notes"], [cell["status"] for cell in found["cells"]]
    )
    counts = found["counts"]
    assert counts["born"] == sum(counts[name] for name in ("accepted", "surplus", "hard", "dropped"))
    assert counts["dropped"] == sum(found["dropped"].values())
    rows = found["splits"]["train"] + found["splits"].get("validation", 0)
    assert sum(cell["accepted"] for cell in found["cells"]) == counts["accepted"] == rows
    assert all(cell["status"].startswith(ENDS) for cell in found["cells"])
    whole = all(cell["status"] == "met" and not cell["doubtful"] for cell in found["cells"])
    assert (done.returncode == 0) == whole
    return found


def test_vectors_of_a_server_are_asked_for_once_and_compared(
    models: tuple[str, str], vectors: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = [
        *("-n", "40", "--set", "dedup.semantic={model: v, threshold: 0.999}", "--set"),
        f"models.v={{backend: embeddings, model: {models[0]}, base_url: '{vectors}', api_key_env: null}}",
    ]
    found = synth(Path("demo"), "run", *settings)
    (line,) = [row for row in found["spent"] if row["stage"] == "embed"]
    assert line["calls"] >= found["splits"]["train"]
    assert line["prompt_tokens"] > line["calls"]
    assert "dedup.no_vector" not in found["dropped"]
    assert synth(Path("demo"), "run", *settings)["calls"] == 0


def test_a_recipe_ends_in_process_and_over_a_server_and_shares_its_journal(
    recipe: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    here = synth(recipe, "here")
    assert here["calls"] > 20
    (note,) = [note for note in here["notes"] if "prefix cache" in note]
    assert "0 swaps" in note
    again = synth(recipe, "here")
    assert again["calls"] == 0
    assert again["counts"] == here["counts"]

    there = ("--backend", "openai", "--base-url", server.url)
    shutil.copytree("here", "there")
    assert synth(recipe, "there", *there)["calls"] == 0  # the same keys both ways
    assert server.metric("vllm:prefix_cache_queries_total") == 0

    fresh = synth(recipe, "fresh", *there)
    assert fresh["calls"] > 20
    asked, hit = (server.metric(f"vllm:prefix_cache_{name}_total") for name in ("queries", "hits"))
    with capsys.disabled():
        print(f"\nprefix cache: in process {note}; server {hit / asked:.0%} of {asked:.0f} tokens")
    assert hit / asked > 0.3
    assert synth(recipe, "fresh", *there)["calls"] == 0
