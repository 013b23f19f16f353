"""A folder that was damaged is one line that names the file and the way out, whoever reads it."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.cli import show
from synth.cli.main import commands
from synth.dataset.card import content_of
from synth.dataset.reader import Dataset, changed_since
from synth.dataset.shards import content_hash
from synth.errors import ConfigError
from synth.exporters import find
from tests.support.datasets import ROWS, dataset_of, row

DROP = {"lane": "one.a/harmful", "wanted": "safe", "place": "0", "stage": "judge", "reason": "shape", "text": "甲"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dataset_of(tmp_path / "run", {"train": ROWS, "hard": [row("h.1", "问", "答", None)]})
    drops = tmp_path / "run" / "drops"
    drops.mkdir()
    (drops / "judge.shape.jsonl").write_text(json.dumps(DROP) + "\n")
    return tmp_path / "run"


def cards(folder: Path) -> None:
    """The card as synth writes it, as far as it tells of the shards."""
    told = content_hash(folder / "dataset" / "data")
    (folder / "dataset" / "README.md").write_text(f"---\nconfigs:\n  description: content {told}\n---\n")


CELL = {"subcategory": "a", "query_type": "b", "label": "c", "accepted": 1, "target": 1, "status": "met"}
FACTS = {
    "cells of numbers": {"cells": [1]},
    "cells of lists": {"cells": [[]]},
    "cells that lack": {"cells": [{"subcategory": "a"}]},
    "a number": 3,
    "a list": [],
    "no cells": {},
    "a recipe that is none": {"cells": [], "recipe": [1]},
    "an output that is none": {"cells": [], "recipe": {"output": 3}},
    "labels that are none": {"cells": [], "recipe": {"labels": 7}},
    "agreement that is none": {"cells": [CELL], "agreement": [1]},
    "agreement of another shape": {"cells": [CELL], "agreement": {"overall": 1}},
    "controls of another shape": {"cells": [CELL], "controls": [{"a": 1}]},
    "doubts of another shape": {"cells": [CELL], "doubts": [3]},
    "grounds of another shape": {"cells": [CELL | {"grounds": 5}]},
    "counts that are words": {"cells": [CELL | {"accepted": [1], "grounds": {"words": 1, "cause": 2}}]},
}


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS)
def test_a_run_json_of_another_shape(folder: Path, facts: object) -> None:
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(ConfigError, match=r"run\.json: .*run the same command again"):  # noqa: PT012 (either of the two)
        list(show.show(folder, None, 5))
        assert Dataset(folder).labels


@pytest.mark.parametrize("text", [b"", b"nope", b"\xff\xfe", b"[" * 100_000, b'{"cells": "'])
def test_a_run_json_that_is_none(folder: Path, text: bytes) -> None:
    (folder / "run.json").write_bytes(text)
    with pytest.raises(ConfigError, match=r"run\.json: .*run the same command again"):
        list(show.show(folder, None, 5))


def test_coverage_of_another_shape(folder: Path) -> None:
    (folder / "run.json").write_text('{"cells": [], "coverage": {"axes": 3}}')
    with pytest.raises(ConfigError, match=r"run\.json: .*run the same command again"):
        list(show.covered(folder))


@pytest.mark.parametrize(
    "line", ["nope", "[1]", "3", "{}", '{"lane": 3, "wanted": 1, "place": 2}', "[" * 50_000, "\udcff"]
)
def test_a_drop_that_is_none(folder: Path, line: str) -> None:
    path = folder / "drops" / "judge.shape.jsonl"
    path.write_bytes(f"{json.dumps(DROP)}\n{line}\n".encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"judge\.shape\.jsonl: line 2: .*run the same command again"):
        list(show.show(folder, "one.*", 50))


def flipped(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 0x40
    path.write_bytes(raw)


WOUNDS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "text": lambda path: path.write_text("no Parquet"),
    "zeros": lambda path: path.write_bytes(b"PAR1" + bytes(500) + b"PAR1"),
}


@pytest.mark.parametrize("wound", WOUNDS.values(), ids=WOUNDS)
def test_a_shard_that_is_damaged(folder: Path, wound: Callable[[Path], object]) -> None:
    (shard,) = (folder / "dataset" / "data").glob("train-*")
    wound(shard)
    for read in (
        lambda: list(show.show(folder, "one.*", 5)),
        lambda: find("jsonl")(Dataset(folder), folder.parent / "out"),
        lambda: find("hf")(Dataset(folder), folder.parent / "hf"),
        lambda: list(Dataset(folder).groups("train", "query_id")),
    ):
        with pytest.raises(ConfigError, match=r"train-.*run the same command again to write"):
            read()


@pytest.mark.parametrize("command", ["show", "export", "filter", "dedup"])
@pytest.mark.parametrize("change", [flipped, Path.unlink])
def test_a_shard_that_is_not_the_cards_is_said(
    folder: Path, command: str, change: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    cards(folder)
    (shard,) = (folder / "dataset" / "data").glob("train-*")
    change(shard)
    out = {"show": ("one.*",), "export": ("--to", "jsonl")}.get(command, ("-o", str(folder.parent / "out")))
    with contextlib.suppress(ConfigError):  # one byte may leave it readable, or not
        commands([command, str(folder), *out], standalone_mode=False)
    assert "data: holds other shards than its card tells of" in capsys.readouterr().err


def test_a_shard_as_it_was_written_is_read(folder: Path) -> None:
    cards(folder)
    assert content_of((folder / "dataset" / "README.md").read_text())
    assert not list(changed_since(folder))
    assert len(list(Dataset(folder).rows("train"))) == len(ROWS)
