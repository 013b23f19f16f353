"""What a stand-in server made up is told from a model's words: in journal, run.json, card and the run's last lines, and before a real
server is asked in the same folder."""

import json
from typing import Any

import pytest

from synth.cli.summary import summary
from synth.journal.reader import Reader
from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.result import Result
from tests.conftest import Lab, tiny_recipe
from tests.support.quirky import quirky
from tests.support.standin import standing_in

MADE_UP = "are of a stand-in (`synth serve`)"


def run(lab: Lab, url: str, n: int, out: str, **changes: Any) -> tuple[Result, list[str]]:
    recipe, said = load.with_models(tiny_recipe(**changes), backend=None, model="m", base_url=url), list[str]()
    options = execute.RunOptions(lab.folder / out, n, say=said.append)
    return execute.run(compile_recipe(recipe), options), said


def test_a_data_set_of_a_stand_in_says_so_and_a_real_server_beside_it_is_not_passed_off(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with (
        standing_in() as server,
        quirky(server.url, changes=lambda _, found: found | {"system_fingerprint": "fp_1"}) as real,
    ):
        result, said = run(lab, server.url, 10, "run")
        with Reader(lab.folder / "run") as journal:
            assert result.stand_ins == journal.stand_ins() == {"m": result.calls}
        assert not any(MADE_UP in line for line in said)
        assert MADE_UP in summary(result, lab.folder / "run")
        assert json.loads((lab.folder / "run" / "run.json").read_text())["stand_ins"] == result.stand_ins
        card = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
        assert "**Not a language model**: replies as of m" in card
        alone, _ = run(lab, server.url, 10, "alone", concurrency=1)
        assert alone.stand_ins["m"] < result.stand_ins["m"]  # how much is asked ahead is in no card
        for name in ("README.md", "card.json"):
            one, other = ((lab.folder / out / "dataset" / name).read_bytes() for out in ("run", "alone"))
            assert one == other

        more, said = run(lab, real.url, 14, "run")
        told = [line for line in said if MADE_UP in line]
        assert len(told) == 1
        assert "another -o DIR" in told[0]
        assert more.stand_ins == result.stand_ins
        assert more.calls

        pure, said = run(lab, real.url, 10, "other")
        assert (pure.stand_ins, [line for line in [*said, *pure.notes] if MADE_UP in line]) == ({}, [])
        assert "Not a language model" not in (lab.folder / "other" / "dataset" / "README.md").read_text(
            encoding="utf-8"
        )
