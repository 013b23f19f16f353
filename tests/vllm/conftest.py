"""Two tiny models, a recipe over them, and `vllm serve` on one of them: each made once."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vllm.tiny import END, ENGINE, make

os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
os.environ.setdefault(
    "OMP_WAIT_POLICY", "passive"
)  # threads that spin while they wait take crowded cores from those they wait for

STARTING = 400
"""Seconds a server may take to start on a crowded machine."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("models")
    for name in "ab":
        make(folder / name)
    return str(folder / "a"), str(folder / "b")


@pytest.fixture(scope="session")
def bias(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What makes a random model end its strings and its answers now and then."""
    tokenizer = make(tmp_path_factory.mktemp("bias") / "model")
    return {str(tokenizer.token_to_id('"')): 4.5, str(tokenizer.token_to_id(END)): 4.5}


@pytest.fixture
def recipe(models: tuple[str, str], bias: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_recipe(tmp_path / "tiny.yaml", models[0], ENGINE, bias)


def write_recipe(path: Path, model: str, engine: dict[str, Any], bias: dict[str, float]) -> Path:
    """All stages on one model: guided JSON, an answer begun with words, an answer of a model taken for a base model."""
    role: dict[str, Any] = {
        "backend": "vllm",
        "model": model,
        "max_tokens": 160,
        "api_key_env": None,
        "engine": engine,
        "extra": {"logit_bias": bias},
    }
    data = {
        "name": "tiny",
        "taxonomies": ["libra"],
        "ordinary": 0,
        "n": 6,
        "concurrency": 32,
        "models": {
            "writer": role,
            "begun": role | {"prefill": "说起来，"},
            "base": role | {"completion": "dialogue"},
            "j1": role | {"temperature": 0.8},
            "j2": role,
        },
        "cells": {
            "harmful/unsafe": {"share": 0.4, "stances": {"comply": 1, "natural": 1}},
            "harmful/safe": {"share": 0.4, "stances": {"refuse": 1}},
            "benign/safe": {"share": 0.2, "stances": {"natural": 1}},
        },
        "query": {"model": "writer", "per_call": 4, "elements": ["behaviour"]},
        "augment": {"model": "writer", "operators": {"rewrite": 0.3}},
        "respond": {"models": ["begun", "base"]},
        "judge": {"models": ["j1", "j2"], "controls": False},
    }
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    return path


class Server:
    def __init__(self, url: str) -> None:
        self.url = url

    def metric(self, name: str) -> float:
        """The sum over all labels of a counter."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/metrics", timeout=30) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="session")
def server(models: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    guided = '{"backend": "guidance", "disable_any_whitespace": true}'
    options = ("--structured-outputs-config", guided, "--no-enable-chunked-prefill")
    with _serving(models[0], tmp_path_factory.mktemp("server") / "log", *options) as address:
        yield Server(address)


@pytest.fixture(scope="session")
def vectors(models: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that makes vectors of the same random model."""
    log = tmp_path_factory.mktemp("vectors") / "log"
    with _serving(models[0], log, "--runner", "pooling", "--convert", "embed") as address:
        yield address


@contextlib.contextmanager
def _serving(model: str, log: Path, *more: str) -> Iterator[str]:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options: list[str] = []
    for name, value in ENGINE.items():
        options += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    with log.open("wb") as said:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model),
                *("--host", "127.0.0.1", "--port", str(port), *options, *more),
            ],
            stdout=said,
            stderr=said,
            env=os.environ | {"VLLM_NO_USAGE_STATS": "1"},
        )
        try:
            _await(port, process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(60)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return
        time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")
