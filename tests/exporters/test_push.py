"""A data set uploaded: private and gated unless told otherwise, nobody's own replaced, nothing of an earlier one left."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synth.dataset import card_file
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters.hf import push
from tests.support.cards import carded
from tests.support.hub import Hub, ModelScope, standing

SHARD = "data/train-00000-of-00001.parquet"
OURS = {"tags": ["safety", "synth"], "configs": [{"config_name": "default", "description": "content 0123456789abcdef"}]}


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    return carded(tmp_path / "run")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for the hub that is asked, under the address that `huggingface_hub` has."""

    def stood(hub: Hub) -> Hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        return hub

    return stood


def test_a_push_that_cannot_be_made_is_one_line(made: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ConfigError, match=r"--push-to me/mine: .*; check the name, the network, and the token"
    ) as caught:
        push(made, "me/mine", private=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("private", [True, False])
def test_a_push_asks_for_a_private_repository_unless_told_otherwise(made: Dataset, asked: Any, private: bool) -> None:
    with standing(Hub(refuses=True)) as hub, pytest.raises(ConfigError, match=r"--push-to me/mine: .*403"):
        push(made, asked(hub) and "me/mine", private=private)
    (body,) = hub.created
    assert body["type"] == "dataset"
    assert body.get("private", body.get("visibility") == "private") is private


@pytest.mark.parametrize(
    ("stands", "access", "set_to"),
    [
        (False, None, "manual"),
        ("auto", None, None),
        ("manual", "auto", "auto"),
        ("manual", "manual", None),
        ("manual", "open", False),
        (False, "open", None),
    ],
)
def test_a_repository_is_gated_before_its_first_row_unless_told_otherwise(
    made: Dataset, asked: Any, stands: Any, access: Any, set_to: Any
) -> None:
    with standing(Hub(gated=stands)) as hub:
        push(made, asked(hub) and "me/mine", private=True, access=access)
    assert [one["gated"] for one in hub.settings] == ([] if set_to is None else [set_to])
    assert hub.did[-1] == "commit"


def test_a_push_leaves_no_shard_of_an_earlier_one(made: Dataset, asked: Any) -> None:
    with standing(Hub()) as hub:
        assert push(made, asked(hub) and "me/mine", private=True) == f"{hub.address}/datasets/me/mine"
    folder = made.folder / "dataset"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files >= {"README.md", "card.json", "policies.json", SHARD}
    assert set(hub.paths("file")) == files
    assert hub.paths("deletedFile") == ["data/train-00000-of-00009.parquet"]


def test_a_licence_beside_the_card_goes_with_what_was_exported(made: Dataset, asked: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made.repository, out)
    for name in ("LICENCE.md", "notes.txt"):
        (out / name).write_text("mine")
    card_file.renew(out, licence={"id": "other", "name": "Mine", "link": "LICENCE.md"})
    with standing(Hub()) as hub:
        push(made, asked(hub) and "me/mine", private=True, exported=out)
    assert set(hub.paths("file")) == {"README.md", "card.json", "policies.json", SHARD, "LICENCE.md"}


def test_a_push_to_a_public_repository_must_be_meant(made: Dataset, asked: Any) -> None:
    with (
        standing(Hub(public=True)) as hub,
        pytest.raises(ConfigError, match="that repository is public; say --public"),
    ):
        push(made, asked(hub) and "me/mine", private=True)
    assert not hub.did


@pytest.mark.parametrize("holds", [["README.md"], ["policies.json"], [SHARD], [".gitattributes", "README.md", SHARD]])
@pytest.mark.parametrize("card", [None, {"tags": ["synth"], "configs": [{"config_name": "default"}]}])
def test_a_push_replaces_no_dataset_of_the_users(
    made: Dataset, asked: Any, holds: list[str], card: dict[str, Any] | None
) -> None:
    with (
        standing(Hub(holds=holds, card=card)) as hub,
        pytest.raises(ConfigError, match="holds something that is no dataset of synth's"),
    ):
        push(made, asked(hub) and "me/mine", private=True)
    assert not hub.did


@pytest.mark.parametrize(("holds", "card"), [(["README.md", SHARD], OURS), ([".gitattributes"], None)])
def test_a_push_replaces_an_earlier_one(
    made: Dataset, asked: Any, holds: list[str], card: dict[str, Any] | None
) -> None:
    with standing(Hub(holds=holds, card=card)) as hub:
        push(made, asked(hub) and "me/mine", private=True)
    assert hub.committed


def test_a_hub_that_cannot_be_reached_is_one_line(made: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="--push-to me/mine: "):
        push(made, "me/mine", private=True)


def test_a_mirror_that_the_environment_names_is_the_one_that_is_asked(made: Dataset, tmp_path: Path) -> None:
    with standing(Hub()) as hub:
        command = [sys.executable, "-m", "synth", "export", str(made.folder), "--to", "hf", "--push-to", "me/mine"]
        environment = {
            "HF_ENDPOINT": hub.address,
            "HF_TOKEN": "hf_ours",
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
        }
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{hub.address}/datasets/me/mine"
    assert hub.did == ["gate", "commit"]
    assert hub.tokens == {"hf_ours"}


@pytest.fixture
def scope(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A stand-in for ModelScope, under the address and with the token that its package finds in the environment."""

    def stood(stand: ModelScope) -> ModelScope:
        for name, value in (
            ("MODELSCOPE_ENDPOINT", stand.address),
            ("MODELSCOPE_API_TOKEN", "ms-test"),
            ("MODELSCOPE_HOME", str(tmp_path / "home")),
            ("MODELSCOPE_CACHE", str(tmp_path / "cache")),
        ):
            monkeypatch.setenv(name, value)
        return stand

    return stood


def test_modelscope_gets_the_same_files_in_a_repository_that_is_private_and_gated(made: Dataset, scope: Any) -> None:
    with standing(ModelScope()) as stand:
        address = push(made, scope(stand) and "modelscope:me/mine", private=True)
        assert address == f"{stand.address}/datasets/me/mine"
        folder = made.folder / "dataset"
        there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert stand.files == there
        stand.files["data/train-00000-of-00009.parquet"] = b"of an earlier upload"
        push(made, "modelscope:me/mine", private=True)
        assert stand.files == there
    (body,) = stand.created
    assert '"Visibility"\r\n\r\n1\r\n' in body
    assert '"ProtectedMode"\r\n\r\n1\r\n' in body
    assert stand.tokens == {"ms-test"}


@pytest.mark.parametrize(
    ("public", "files", "said"),
    [
        (False, {SHARD: b"x"}, "holds something that is no dataset of synth's"),
        (False, {SHARD: b"x", "README.md": b"# mine"}, "holds something that is no dataset of synth's"),
        (True, {".gitattributes": b"x"}, "that repository is public; say --public"),
    ],
)
def test_modelscope_is_sent_nothing_where_something_else_stands(
    made: Dataset, scope: Any, public: bool, files: dict[str, bytes], said: str
) -> None:
    with (
        standing(ModelScope(public=public, files=dict(files))) as stand,
        pytest.raises(ConfigError, match=said),
    ):
        push(made, scope(stand) and "modelscope:me/mine", private=True)
    assert stand.files == files


def test_what_modelscope_needs_is_said(made: Dataset, scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="lets in by hand alone"):
        push(made, "modelscope:me/mine", private=True, access="auto")
    monkeypatch.setitem(sys.modules, "modelscope_hub", None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[modelscope\]'"):
        push(made, "modelscope:me/mine", private=True)
