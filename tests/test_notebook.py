"""The notebook under examples/ runs offline, from its first cell to its last, and says nothing it need not."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from synth.dataset.reader import Dataset

PATH = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


def test_the_notebook_is_kept_without_what_a_machine_has_put_in() -> None:
    kept = nbformat.read(PATH, as_version=4)
    assert PATH.read_text(encoding="utf-8") == nbformat.writes(kept, indent=1) + "\n"
    assert all(not cell.outputs and cell.execution_count is None for cell in kept.cells if cell.cell_type == "code")
    assert set(kept.metadata) == {"kernelspec", "language_info"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
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
    assert len(list(Dataset(here / "runs" / "notebook").rows("train"))) > 20
