"""The wheel, away from the repository, does the main job, and takes a user's own taxonomy beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package as the wheel installs it, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder / "site"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "site"


def synth(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    command = [
        sys.executable,
        "-c",
        f"import synth; assert synth.__file__.startswith({str(installed)!r}); from synth.cli.main import main; main()",
    ]
    return subprocess.run([*command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_main_job_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = synth(installed, tmp_path, "run", "demo", "-n", "41")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "demo" / "dataset" / "README.md").is_file()
    assert synth(installed, tmp_path, "check", "libra").returncode == 0
    assert synth(installed, tmp_path, "export", "runs/demo", "--to", "chat").returncode == 0


def test_a_category_of_ones_own_from_a_folder_outside_the_repository(installed: Path, tmp_path: Path) -> None:
    assert synth(installed, tmp_path, "new", "taxonomy", "mine").returncode == 0
    assert synth(installed, tmp_path, "check").returncode == 0
    done = synth(installed, tmp_path, "run", "demo", "--taxonomy", "mine", "--only", "crime.mine", "-n", "9", "--json")
    assert done.returncode == 0, done.stderr
    assert '"subcategory": "crime.mine"' in done.stdout


def test_the_wheel_holds_what_it_should_and_nothing_else(installed: Path) -> None:
    tops = {path.name for path in (installed / "synth").iterdir()}
    assert "shipped" in tops
    assert not list(installed.rglob("test_*.py"))
    assert "py.typed" in tops
    assert [*installed.glob("synth_guard-*.dist-info/licenses/LICENSE")]
    assert {path.name for path in (installed / "synth" / "shipped").iterdir()} == {"taxonomies", "prompts", "pipelines"}
    assert (installed / "synth" / "shipped" / "taxonomies" / "controls.jsonl").is_file()
