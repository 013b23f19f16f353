"""synth in Python: five names, the whole job in a notebook's thread and in a script's, what is said of mistakes."""

import ast
import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pytest

import synth
from synth import Dataset, api, check_recipe, export_dataset, load_recipe, run_recipe
from synth.api import RunResult
from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.schema import Recipe
from tests.conftest import tiny_taxonomy
from tests.support.datasets import dataset_of, row

NAMES = ["Dataset", "check_recipe", "export_dataset", "load_recipe", "run_recipe"]
SMALL: dict[str, Any] = {"n": 20, "only": "one.s0"}


def test_five_names_and_no_others() -> None:
    assert synth.__all__ == api.__all__ == NAMES
    assert set(NAMES) <= set(dir(synth))
    assert all(getattr(synth, name) is getattr(api, name) for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'Recipe'"):
        _ = synth.Recipe


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse(Path(synth.__file__).read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "synth.api"]
    assert [alias.name for node in imported for alias in node.names] == NAMES


def late(statement: str) -> set[str]:
    """The modules that a statement imports in a new interpreter."""
    script = f"import sys, typing; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_synth_imports_nothing_else() -> None:
    assert late("import synth; dir(synth)") == {"synth"}


def test_what_draws_up_tables_is_imported_only_for_one() -> None:
    found = late("from synth import run_recipe")
    assert "synth.api" in found
    assert not found & {"pandas", "datasets", "sklearn", "numba"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The demo over ten lanes, with a third of its queries in validation."""
    taxonomy = tmp_path_factory.mktemp("taxonomies") / "tiny.yaml"
    taxonomy.write_text(tiny_taxonomy(), encoding="utf-8")
    settings = {"ordinary": 0, "output.validation": 0.3}
    return load_recipe("demo", seed=3, taxonomies=[str(taxonomy)], settings=settings)


async def in_a_notebook(work: Callable[[], Any]) -> Any:
    """What it gives while a loop turns in this thread."""
    return work()


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def made(tiny: Recipe, tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]]) -> RunResult:
    """A run made in a notebook."""
    folder = tmp_path_factory.mktemp("api") / "run"
    made: RunResult = asyncio.run(in_a_notebook(lambda: run_recipe(tiny, folder, on_event=told.append, **SMALL)))
    return made


def test_a_run_in_a_notebook_is_whole(made: RunResult, told: list[dict[str, Any]]) -> None:
    assert made.complete
    assert made.message is None
    assert sum(made.splits[split] for split in ("train", "validation")) == SMALL["n"]
    assert made.cells["accepted"].sum() == made.cells["target"].sum() == SMALL["n"]
    assert made.calls > 0
    assert made.cost is None
    events = [event["event"] for event in told]
    assert (events[0], events[-1]) == ("start", "end")
    assert "round" in events


def test_the_same_call_in_a_script_makes_the_same_rows_and_prints_nothing(
    tiny: Recipe, made: RunResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def process() -> Any:
        return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), gc.get_threshold()

    before = process()
    again = run_recipe(tiny, tmp_path / "run", **SMALL)
    assert process() == before
    assert again.dataset.frame(None).equals(made.dataset.frame(None))
    assert capfd.readouterr() == ("", "")


def test_a_call_that_finds_all_there_asks_nothing(tiny: Recipe, made: RunResult) -> None:
    with ThreadPoolExecutor(1) as pool:  # where no signal comes
        again = pool.submit(run_recipe, tiny, made.folder, **SMALL).result()
    assert (again.calls, again.splits) == (0, made.splits)


def test_frames_have_the_rows_of_the_dataset(made: RunResult) -> None:
    data = made.dataset
    train = data.frame()
    assert len(train) == made.splits["train"]
    assert set(train["label"]) == {"safe", "unsafe"}
    every = data.frame(None, columns=["id", "label"])
    assert list(every.columns) == ["split", "id", "label"]
    assert every.groupby("split").size().to_dict() == {split: made.splits[split] for split in data.splits}
    of_train = every[every["split"] == "train"][["id"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_train, train[["id"]])
    assert list(data.frame(columns="label").columns) == ["label"]
    assert data.frame(columns=[]).shape[1] == 0
    assert data.drops().groupby(["stage", "reason"]).size().sum() == sum(made.dropped.values())


def test_a_frame_of_marked_text_has_it_as_the_judges_read_it(tmp_path: Path) -> None:
    answer = "先把面粉过筛。取【略】克，加入【略】。然后揉成团，盖上湿布等它发起来。"
    dataset_of(tmp_path, {"train": [row("q.1", "怎么做？", answer, "unsafe", stance="redact")]})
    read, kept = Dataset(tmp_path), Dataset(tmp_path, mark="keep")
    assert "【略】" not in read.frame(columns=["response"])["response"][0]
    for frame in (kept.frame(), read.frame(marked=True)):
        assert frame["response"][0] == answer
    for data, marked in ((read, False), (kept, False), (read, True)):
        every = data.frame(marked=marked)
        for columns in (["response"], ["votes", "label"], ["query", "id"], ["marks"], list(every.columns)):
            pd.testing.assert_frame_equal(data.frame(columns=columns, marked=marked), every[columns])


def test_hf_is_what_the_library_itself_would_load(made: RunResult, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(made.folder / "dataset"), cache_dir=str(tmp_path))
    found = made.dataset.hf()
    assert set(found) == set(made.dataset.splits)
    for split in ("train", "validation"):
        assert found[split].to_list() == loaded[split].to_list()


def test_policies_and_facts_are_the_folders(made: RunResult) -> None:
    data = made.dataset
    first = data.frame().iloc[0]
    assert data.policies.of(first).hash == first["provenance"]["rule_hash"]
    assert data.facts["splits"] == made.splits


def test_an_exported_dataset_is_read_alone_and_that_of_a_run_with_its_facts(made: RunResult, tmp_path: Path) -> None:
    (out,) = export_dataset(made.dataset, to="hf", out=tmp_path / "alone")
    alone, inner = Dataset(out), Dataset(made.folder / "dataset")
    assert alone.frame().equals(made.dataset.frame())
    assert len(alone.drops()) == 0
    assert len(alone.policies) > 0
    with pytest.raises(ConfigError, match=r"run\.json: is missing"):
        _ = alone.facts
    assert inner.facts == made.dataset.facts
    said: list[str] = []
    for given in (alone, inner, out):
        paths = export_dataset(given, to="sft", out=tmp_path / "sft", guard="libra", say=said.append)
        assert (tmp_path / "sft" / "train.jsonl") in paths
    assert any("llamafactory" in line for line in said)


def test_what_an_observer_raises_is_raised_at_the_end_and_loses_nothing(tiny: Recipe, tmp_path: Path) -> None:
    seen = []

    def tell(event: dict[str, Any]) -> None:
        seen.append(event)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_recipe(tiny, tmp_path / "run", on_event=tell, **SMALL)
    assert len(seen) == 1
    assert len(Dataset(tmp_path / "run").frame(None)) >= SMALL["n"]


@pytest.mark.parametrize("tokens", [100, 60_000])
def test_a_run_that_may_not_go_on_returns_and_keeps_what_it_has(tiny: Recipe, tmp_path: Path, tokens: int) -> None:
    short = run_recipe(tiny, tmp_path / "run", max_tokens=tokens, **SMALL)
    assert not short.complete
    assert short.message is not None
    assert short.cells["accepted"].sum() < SMALL["n"]
    assert short.tokens <= tokens
    assert run_recipe(tiny, tmp_path / "run", **SMALL).complete


@pytest.mark.parametrize("notebook", [False, True])
def test_an_interrupt_is_raised_once_all_is_kept_and_the_same_call_goes_on(
    tiny: Recipe, tmp_path: Path, *, notebook: bool
) -> None:
    before = signal.getsignal(signal.SIGINT)

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "start":
            os.kill(os.getpid(), signal.SIGINT)

    def work() -> RunResult:
        return run_recipe(tiny, tmp_path / "run", on_event=stop, **SMALL)

    with pytest.raises(KeyboardInterrupt, match="to go on"):
        asyncio.run(in_a_notebook(work)) if notebook else work()
    assert signal.getsignal(signal.SIGINT) == before
    assert (tmp_path / "run" / "run.json").is_file()
    assert run_recipe(tiny, tmp_path / "run", **SMALL).complete


def test_an_interrupt_before_anything_is_asked_stops_a_notebooks_run_too(tiny: Recipe, tmp_path: Path) -> None:
    def strike() -> None:
        while not (tmp_path / "run" / "journal.sqlite").exists():
            time.sleep(0.0005)
        os.kill(os.getpid(), signal.SIGINT)

    striker = threading.Thread(target=strike)
    striker.start()
    with pytest.raises(KeyboardInterrupt, match="to go on"):
        asyncio.run(in_a_notebook(lambda: run_recipe(tiny, tmp_path / "run", **SMALL)))
    striker.join()
    assert run_recipe(tiny, tmp_path / "run", **SMALL).complete


def test_a_server_that_is_not_there_raises(tiny: Recipe, tmp_path: Path) -> None:
    nobody = load.with_models(tiny, backend=None, model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9"):
        run_recipe(nobody, tmp_path / "run", **SMALL)


def test_a_check_counts_what_it_tried_and_leaves_nothing(tiny: Recipe, here: Path) -> None:
    found = asyncio.run(in_a_notebook(lambda: check_recipe(tiny)))
    assert (found.name, found.lanes) == ("demo", 10)
    assert found.rows > 0
    assert not list(here.iterdir())


MISTAKES: list[tuple[Callable[[Path], Any], str]] = [
    (lambda _: load_recipe("dmo"), "demo"),
    (lambda _: load_recipe("demo", settings={"dedup.treshold": 1}), "did you mean 'threshold'"),
    (lambda _: run_recipe(load_recipe("demo"), "x", seed=1), "loaded already; give seed to load_recipe"),
    (lambda _: run_recipe("demo", "x", n=0), "n=0: must be more than 0"),
    (lambda _: run_recipe("demo", "x", max_cost=-1), "max_cost=-1: must be more than 0"),
    (lambda _: run_recipe("demo", "x", taxonomies="none"), "'none'"),
    (lambda _: run_recipe("demo", "x", only="nothing"), "matches no scenario"),
    (lambda _: run_recipe("demo", "x", base_url="here"), "--base-url"),
    (lambda folder: Dataset(folder / "none"), "holds no dataset"),
    (lambda folder: Dataset(folder).frame("trian"), "no split 'trian'; did you mean 'train'"),
    (lambda folder: Dataset(folder).frame(columns=["lable"]), "no column 'lable'; did you mean 'label'"),
    (lambda folder: run_recipe("demo", folder, on_doubt="wran"), "did you mean 'warn'"),  # type: ignore[arg-type]
    (lambda folder: Dataset(folder, mark="kept"), "did you mean 'keep'"),  # type: ignore[arg-type]
    (lambda folder: export_dataset(folder, to="sft", mark="kept"), "did you mean 'keep'"),  # type: ignore[arg-type]
    (lambda folder: load_recipe("demo", settings={"n": folder}), "valid integer"),
    (lambda folder: check_recipe("demo", taxonomies=folder / "none.yaml"), "none.yaml"),
    (lambda folder: export_dataset(folder, to="sftt"), "did you mean 'sft'"),
    (lambda folder: export_dataset(folder, to="jsonl", wrong=1), "unknown option 'wrong'"),
    (lambda folder: export_dataset(folder, to="jsonl", out=folder / "dataset" / "x"), "is the dataset itself"),
]


@pytest.mark.parametrize(("call", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_line(here: Path, call: Callable[[Path], Any], said: str) -> None:
    dataset_of(here / "made", {"train": [row("q.1", "问", "答", "safe")]})
    with pytest.raises(ConfigError) as raised:
        call(here / "made")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
