"""A tiny model, a small run of the demo with every kind of row, and trainers started by the very lines that `synth export` prints."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.train.tiny import trained_from

ROOT = Path(__file__).parents[2]
STUBS = Path(__file__).parent / "stubs"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "warning"}
_SWIFT = (
    "--max_steps 2 --report_to none --per_device_train_batch_size 2 --gradient_accumulation_steps 1 --tuner_type full "
    "--torch_dtype float32 --use_hf true --model_type qwen3 --template qwen --dataset_num_proc 1"
)
_LLAMA = "--max_steps 2 --use_cpu true --report_to none --per_device_train_batch_size 2 --finetuning_type full --cutoff_len 3000"
_TRL = "--max_steps 2 --use_cpu --bf16 False --report_to none --per_device_train_batch_size 2"
BRIEF = {"trl": (_TRL, "trl"), "llamafactory-cli": (_LLAMA, "llamafactory"), "swift": (_SWIFT, "swift")}
"""What makes a trainer's command short enough for a test, and the environment that it stands in."""


@dataclass(frozen=True)
class Export:
    """A folder that `synth export` wrote, and the lines that start trainers on it."""

    folder: Path
    starts: dict[str, str]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_from(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "demo"
    synth("run", "demo", "-n", "60", "--only", "crime.gambling", "--only", "bias.region", "-o", str(folder))
    return folder


@pytest.fixture(scope="session")
def export(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Export]:
    def exported(to: str, *options: str, of: Path | None = None) -> Export:
        folder = tmp_path_factory.mktemp(to) / to
        said = synth("export", str(of or run), "--to", to, "-o", str(folder), *options)
        found = (re.match(r"\s+((?:PYTHONPATH=\S+ )?(trl|swift|llama\S+) .*)", line) for line in said.splitlines())
        starts = {line[2]: line[1].strip() for line in found if line}
        return Export(folder, starts)

    return exported


@pytest.fixture
def train(model: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs the line that an export prints for a trainer, for two steps; gives all that the trainer said."""

    def trained(export: Export, trainer: str, *more: str, of: Path | None = None) -> str:
        brief, environment = BRIEF[trainer]
        line = export.starts[trainer].replace("MODEL", str(of or model))
        words = [*shlex.split(line), *shlex.split(brief), *more]
        modules = words.pop(0).partition("=")[2] if words[0].startswith("PYTHONPATH=") else ""
        program = ROOT / f".venv-train-{environment}" / "bin" / words[0]
        done = subprocess.run(
            [str(program), *words[1:]],
            cwd=tmp_path,
            env=os.environ | OFFLINE | {"PYTHONPATH": os.pathsep.join([str(STUBS), modules])},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        said = f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, said[-6000:]
        return said

    return trained


def synth(*words: str) -> str:
    """Runs a command of synth's; gives what it said."""
    command = [sys.executable, "-m", "synth", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, cwd=ROOT)
    well = (0, 3) if words[0] == "eval" else (0,)  # of a guard of twenty steps it may be that nothing can be read
    assert done.returncode in well, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
