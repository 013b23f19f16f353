"""The notebook under examples/ and the page on Python run offline, from top to bottom, and say nothing they need not."""

import inspect
import re
from pathlib import Path

import nbclient
import nbformat
import pytest

from synth import Dataset, export_dataset, load_recipe, run_recipe
from synth.api import Changes, RunResult

TOP = Path(__file__).parents[1]
PATH = TOP / "examples" / "notebook.ipynb"
PAGE = (TOP / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_notebook_is_kept_without_what_a_machine_has_put_in() -> None:
    kept = nbformat.read(PATH, as_version=4)
    assert PATH.read_text(encoding="utf-8") == nbformat.writes(kept, indent=1) + "\n"
    assert all(not cell.outputs and cell.execution_count is None for cell in kept.cells if cell.cell_type == "code")
    assert set(kept.metadata) == {"kernelspec", "language_info"}


def test_the_notebook_runs_and_warns_of_nothing(here: Path) -> None:
    made = nbformat.read(PATH, as_version=4)
    nbclient.NotebookClient(made, timeout=120, resources={"metadata": {"path": str(here)}}).execute()
    shown = [output for cell in made.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in shown if output.get("name") == "stderr"] == []
    words = "\n".join(output.get("text") or output.data["text/plain"] for output in shown)
    assert str(here) not in words
    assert "complete=True" in words
    assert "did you mean 'threshold'?" in words
    assert "accuracy" in words
    assert len(Dataset(here / "runs" / "notebook").frame()) > 20


@pytest.mark.usefixtures("here")
def test_the_page_runs_as_it_stands() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    exec("".join(blocks), {})


def test_the_page_names_all_that_can_be_asked_and_had() -> None:
    asked = {
        name
        for call in (load_recipe, run_recipe, export_dataset, Dataset)
        for name in inspect.signature(call).parameters
    }
    had = {name for value in (Dataset, RunResult) for name in dir(value) if not name.startswith("_")}
    told = set(re.findall(r"`(\w+)", PAGE)) | set(re.findall(r"(\w+)=", PAGE))
    fields = set(RunResult.__dataclass_fields__) - {"_cells"}
    assert (asked | had | fields) - {"recipe", "dataset", "name", "changes", "options"} <= told
    assert set(Changes.__annotations__) == set(inspect.signature(load_recipe).parameters) - {"name"}
