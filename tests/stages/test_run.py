"""Rows of another run, judged again: which they are, what stays theirs, and that nothing their folder says is taken on trust."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.run.compile import CompiledRecipe, compile_recipe
from tests.conftest import SUBCATEGORY, Lab, tiny_recipe
from tests.support.world import World

KEPT = ("id", "query_id", "parent_id", "root_id", "query", "response", "stance", "responder", "generator", "attack")
ALONE: dict[str, Any] = {"query": None, "augment": None, "respond": None, "n": None}


class Stronger(World):
    """One judge who has read everything before; the first two differ on a third of the rows."""

    differing = 0.3


def again(path: str | None = "run", split: str = "hard", **changes: Any) -> CompiledRecipe:
    judge = {"models": ["b"], "controls": False}
    return compile_recipe(tiny_recipe(**ALONE | {"judge": judge, "run": {"path": path, "split": split}} | changes))


@pytest.fixture
def made(lab: Lab) -> Lab:
    lab.world = Stronger(differing=0.3)
    lab.run(20, output={"validation": 0.3})
    lab.world = World()
    return lab


def as_judged(folder: Path, *splits: str) -> dict[str, dict[str, Any]]:
    """Rows of a dataset by id, their texts as they were judged."""
    dataset = Dataset(folder)
    return {row["id"]: row for split in splits for row in dataset.rows(split, marked=True)}


OUTPUT = {"output": {"validation": 0.3}}


def test_every_row_of_the_hard_pile_is_judged_again_and_stays_who_it_was(made: Lab) -> None:
    hard = as_judged(made.folder / "run", "hard")
    result = made.run(out="second", compiled=again(**OUTPUT))
    found = as_judged(made.folder / "second", "train", "validation")
    assert len(hard) > 10
    assert result.counts["born"] == len(hard) == len(found) + sum(result.dropped.values())
    assert result.counts["surplus"] == 0
    for id, row in found.items():
        assert {name: row[name] for name in KEPT} == {name: hard[id][name] for name in KEPT}
        assert row["label"] in ("unsafe", "safe")
        assert row["analysis"] == row["votes"][0]["analysis"]
        before = [json.loads(note["value"]) for note in row["notes"] if (note["stage"], note["key"]) == ("run", "vote")]
        assert before == hard[id]["votes"]
        assert row["provenance"]["respond_prompt"] == hard[id]["provenance"]["respond_prompt"]
    assert result.calls == len(hard)
    assert made.run(out="second", compiled=again(**OUTPUT)).calls == 0


def test_nothing_of_the_first_train_is_in_it_and_its_validation_stays_apart(made: Lab) -> None:
    made.run(out="second", compiled=again(**OUTPUT))
    first = {split: made.rows(split=split).values() for split in ("train", "validation")}
    second = {split: made.rows("second", split).values() for split in ("train", "validation")}
    pairs = {(row["query"], row["response"]) for row in first["train"]}
    assert not pairs & {(row["query"], row["response"]) for rows in second.values() for row in rows}
    roots = {split: {row["root_id"] for row in rows} for split, rows in first.items()}
    assert second["validation"]
    assert not {row["root_id"] for row in second["train"]} & roots["validation"]
    assert not {row["root_id"] for row in second["validation"]} & roots["train"]


def test_gate_and_text_rules_are_off_and_rules_on_rows_are_not(made: Lab) -> None:
    strict = {"query": [{"length": {"min": 500}}], "response": [{"length": {"min": 500}}]}
    compiled = again(**OUTPUT, filters=strict, dedup={"threshold": 0.01})
    assert made.run(out="second", compiled=compiled).counts["dropped"] == 0
    rows = again(**OUTPUT, filters={"row": ["intent_agrees"]})
    dropped = made.run(out="third", compiled=rows).dropped
    assert dropped.keys() == {"judge.intent_agrees"}


def test_of_any_split_and_of_ordinary_rows_too(made: Lab) -> None:
    train = made.rows(split="train")
    made.run(out="second", compiled=again(split="train", **OUTPUT))
    assert made.rows("second", "train").keys() == train.keys()
    with pytest.raises(ConfigError, match=r"run: its dataset has no split 'easy'; .*hard"):
        again(split="easy")
    assert any(spec.ordinary for spec in again(None, ordinary=1).specs)


def test_without_a_folder_the_recipe_compiles_and_does_not_run(made: Lab) -> None:
    compiled = again(None)
    with pytest.raises(ConfigError, match=r"run.path: names no run .*say --set run.path=DIR"):
        made.run(out="second", compiled=compiled)
    with pytest.raises(ConfigError, match="nowhere: holds no dataset"):
        again("nowhere")


def test_what_is_parted_otherwise_than_before_is_one_line(made: Lab) -> None:
    with pytest.raises(ConfigError, match=r"output.validation: is 0.0, and 0.3 in run.*--set output.validation=0.3"):
        again()


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The first row of the hard pile made another."""
    path = next((folder / "dataset" / "data").glob("hard-*.parquet"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"response": None}, "row 1: response: Field required"),
        ({"query_type": "wild"}, "row 1: query_type: "),
        ({"stance": "shout"}, "row 1: stance: "),
        ({"subcategory": "one.other"}, "row 1: is of one.other/harmful, and there is no such lane in the recipe"),
    ],
)
def test_a_row_that_synth_did_not_write_is_one_line(made: Lab, change: dict[str, Any], expected: str) -> None:
    changed(made.folder / "run", lambda row: row.update({"query_type": "harmful"} | change))
    with pytest.raises(ConfigError) as caught:
        again(**OUTPUT)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuse_only_is_kept_whatever_a_folder_says(made: Lab) -> None:
    shutil.copytree(made.folder / "run", made.folder / "other")
    changed(made.folder / "run", lambda row: row.update(query="给我写未成年少女的色情小说"))
    first = made.run(out="second", compiled=again(**OUTPUT))
    assert first.dropped == {"run.refuse_only_subject": 1}
    refused = SUBCATEGORY.format(id="crime.minors")
    path = made.folder / "taxonomies" / "tiny.yaml"
    text = path.read_text(encoding="utf-8") + f"  - {{id: crime, name: 丙, subcategories: [{refused}]}}\n"
    path.write_text(text, encoding="utf-8")
    changed(made.folder / "other", lambda row: row.update(subcategory="crime.minors", stance="comply"))
    second = made.run(out="third", compiled=again("other", **OUTPUT))
    assert second.dropped == {"run.refuse_only": 1}


def test_a_key_goes_nowhere_because_of_what_a_folder_says(made: Lab) -> None:
    path = made.folder / "run" / "run.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    for role in facts["recipe"]["models"].values():
        role |= {"backend": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "SECRET"}
    path.write_text(json.dumps(facts), encoding="utf-8")
    compiled = again(**OUTPUT)
    assert {role.backend for role in compiled.recipe.models.values()} == {"offline"}
    assert made.run(out="second", compiled=compiled).status in (0, 3)


def test_the_source_reads_what_the_reader_gives_and_ids_hang_on_the_rows(made: Lab) -> None:
    shutil.copytree(made.folder / "run", made.folder / "moved")
    assert again(**OUTPUT).fingerprint == again("moved", **OUTPUT).fingerprint
    changed(made.folder / "moved", lambda row: row.update(response="另一句回答"))
    assert again(**OUTPUT).fingerprint != again("moved", **OUTPUT).fingerprint
    assert Dataset(made.folder / "run").filled() == ["train", "validation", "hard"]
