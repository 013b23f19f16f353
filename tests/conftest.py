"""Fixtures: a working directory of one's own, a small taxonomy and recipe in it, a run on virtual time, no network but loopback."""

import contextlib
import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
import pytest

from synth.engine import retry
from synth.engine.budget import UNBOUNDED, Bounds
from synth.journal.store import Journal
from synth.plan.sharding import shard_of
from synth.recipe import schema
from synth.run import execute
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.result import Result
from tests.support.virtual import Distant, fixed, run_virtual
from tests.support.world import World


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket but those on loopback is blocked."""
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> Any:
        host = address[0] if isinstance(address, tuple) else "unix"
        assert host in ("127.0.0.1", "::1", "localhost", "unix"), f"a test reaches out to {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot be reached is waited for a second, not a minute."""
    monkeypatch.setattr(retry, "CONTACT", 1.0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model2vec model whose words are characters; 猫 and 喵 mean the same."""
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split

    words = ["[UNK]", *"猫喵狗我有一只你吗养的今天气怎样请介绍道家常菜"]
    given = np.random.default_rng(3).normal(size=(len(words), 16)).astype(np.float32)
    given[words.index("喵")] = given[words.index("猫")]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    StaticModel(given, tokenizer, {}).save_pretrained(str(tmp_path / "model"))
    return tmp_path / "model"


TAXONOMY = """
name: tiny
extends: elements
scenarios:
  - {{id: one, name: 甲, subcategories: [{one}]}}
  - {{id: two, name: 乙, subcategories: [{two}]}}
"""
SUBCATEGORY = (
    "{{id: {id}, name: 类{id}, definition: 定义, rule: {{unsafe: 甲, safe: 乙, borderline: 丙}}, "
    "behaviours: [做甲事, 做乙事, 做丙事, 做丁事, 做戊事]}}"
)


def tiny_taxonomy(one: int = 3, two: int = 2) -> str:
    """Two scenarios of so many subcategories."""
    return TAXONOMY.format(
        one=", ".join(SUBCATEGORY.format(id=f"one.s{i}") for i in range(one)),
        two=", ".join(SUBCATEGORY.format(id=f"two.s{i}") for i in range(two)),
    )


NEWER = {role: {"backend": "offline", "frames": 2, "model": role} for role in ("writer", "a", "b", "j1", "j2")}
"""The tiny recipe's models as those that know the prompts of slot sheets, shapes and redaction."""


def tiny_recipe(**changes: Any) -> schema.Recipe:
    """A recipe over the tiny taxonomy with all stages."""
    offline = {"backend": "offline"}
    data: dict[str, Any] = {
        "name": "tiny",
        "taxonomies": ["tiny"],
        "ordinary": 0,
        "n": 30,
        "concurrency": 8,
        "models": {role: {**offline, "model": role} for role in ("writer", "a", "b", "j1", "j2")},
        "cells": {
            "harmful/unsafe": {"share": 0.4, "stances": {"comply": 3, "natural": 1}},
            "harmful/safe": {"share": 0.4, "stances": {"refuse": 1, "safe_complete": 1}},
            "benign/safe": {"share": 0.2, "stances": {"natural": 1}},
        },
        "query": {"model": "writer", "elements": ["behaviour", "task", "persona"]},
        "augment": {"model": "writer", "operators": {"rewrite": 0.2, "red_team": 0.2}},
        "respond": {"models": ["a", "b"]},
        "judge": {"models": ["j1", "j2"], "controls": False},
    }
    return schema.Recipe.model_validate(data | changes)


@dataclass
class Lab:
    """Runs the tiny recipe on virtual time against a world of models; keeps what the server saw."""

    folder: Path
    world: Any = field(default_factory=World)
    server: Distant | None = None

    def run(
        self,
        n: int | None = None,
        *,
        concurrency: int = 8,
        out: str = "run",
        compiled: CompiledRecipe | None = None,
        latency: Any = None,
        faults: float = 0.0,
        weather: int = 0,
        only: tuple[str, ...] = (),
        shard: str | None = None,
        interrupt: float | None = None,
        bounds: Bounds = UNBOUNDED,
        retry: bool = False,
        on_doubt: Literal["stop", "warn"] = "stop",
        **changes: Any,
    ) -> Result:
        """One invocation. `interrupt` stops it at that second, as a signal would."""
        compiled = compiled or compile_recipe(tiny_recipe(concurrency=concurrency, **changes))
        self.server = Distant(self.world, latency or fixed(1.0), faults=faults, weather=weather)
        ours = shard_of(shard, compiled.specs) if shard else None
        wish = execute.RunOptions(self.folder / out, n, only, ours, bounds, retry, on_doubt=on_doubt)
        wish.folder.mkdir(exist_ok=True)
        chosen, targets = execute.wanted(compiled, n, only)
        with contextlib.closing(Journal(wish.folder)) as journal:
            job = execute.resolve(compiled, wish, journal, chosen, targets)
            job.enter(journal)
            connected = dict.fromkeys(compiled.recipe.models, self.server)
            import os
            import signal

            at: dict[float, Callable[[], None]] = {}
            if interrupt is not None:
                at[interrupt] = lambda: os.kill(os.getpid(), signal.SIGINT)
            return run_virtual(execute.carry_out(job, journal, connected), at)

    def rows(self, out: str = "run", split: str = "*") -> dict[str, dict[str, Any]]:
        """Rows of the dataset by id."""
        paths = sorted((self.folder / out / "dataset" / "data").glob(f"{split}-*.parquet"))
        return {row["id"]: row for path in paths for row in pq.read_table(path).to_pylist()}

    def bytes(self, out: str = "run") -> str:
        """A hash over the dataset's shards."""
        digest = hashlib.sha256()
        for path in sorted((self.folder / out / "dataset" / "data").glob("*.parquet")):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


@pytest.fixture
def lab(here: Path) -> Lab:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    return Lab(here)
