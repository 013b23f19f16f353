"""A data set is swapped in whole: a kill at any point of the swap leaves one that is whole, and `mend` finds it."""

from pathlib import Path

import pytest

from synth.dataset.shards import mend, swap


def folder(parent: Path, name: str) -> None:
    (parent / name).mkdir()
    (parent / name / "what").write_text(name, encoding="utf-8")


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (["dataset"], "dataset"),
        (["dataset", "dataset.new"], "dataset"),  # half written
        (["dataset.new", "dataset.old"], "dataset.new"),  # between the two renames
        (["dataset.old"], "dataset.old"),
        (["dataset", "dataset.old"], "dataset"),  # before the old one was removed
    ],
)
def test_a_swap_killed_half_way_is_mended(tmp_path: Path, left: list[str], expected: str) -> None:
    for name in left:
        folder(tmp_path, name)
    mend(tmp_path / "dataset")
    assert (tmp_path / "dataset" / "what").read_text(encoding="utf-8") == expected
    assert not (tmp_path / "dataset.old").exists()


def test_a_swap_replaces_the_whole_folder(tmp_path: Path) -> None:
    folder(tmp_path, "dataset")
    (tmp_path / "dataset" / "extra").touch()
    folder(tmp_path, "dataset.new")
    swap(tmp_path / "dataset.new", tmp_path / "dataset")
    assert [path.name for path in (tmp_path / "dataset").iterdir()] == ["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
