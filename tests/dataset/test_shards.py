"""A folder is swapped in whole: a kill at any point of the swap leaves one that is whole, and `mend` finds it."""

from pathlib import Path

import pytest

from synth import aside

NEW, OLD = ".synth-dataset.new", ".synth-dataset.old"


def folder(parent: Path, name: str) -> None:
    (parent / name).mkdir()
    (parent / name / "what").write_text(name, encoding="utf-8")


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (["dataset"], "dataset"),
        (["dataset", NEW], "dataset"),  # half written
        ([NEW, OLD], NEW),  # between the two renames
        ([OLD], OLD),
        (["dataset", OLD], "dataset"),  # before the old one was removed
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_a_swap_killed_half_way_is_mended(tmp_path: Path, left: list[str], expected: str, linked: bool) -> None:
    for name in left:
        folder(tmp_path, name)
    place = tmp_path / "dataset"
    if linked:
        place = tmp_path / "link"
        place.symlink_to("dataset")
    aside.mend(place)
    assert (place / "what").read_text(encoding="utf-8") == expected
    assert not (tmp_path / OLD).exists()


def test_a_swap_replaces_the_whole_folder(tmp_path: Path) -> None:
    folder(tmp_path, "dataset")
    (tmp_path / "dataset" / "extra").touch()
    folder(tmp_path, NEW)
    aside.swap(tmp_path / NEW, tmp_path / "dataset")
    assert [path.name for path in (tmp_path / "dataset").iterdir()] == ["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
