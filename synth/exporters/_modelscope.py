"""A data set uploaded to ModelScope (魔搭), through its own package: it does not speak Hugging Face's protocol."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synth.dataset.card import is_card
from synth.errors import ConfigError
from synth.exporters._huggingface import Access

if TYPE_CHECKING:
    from modelscope_hub import HubApi

PREFIX: Final = "modelscope:"
"""How a repository of ModelScope's begins on the command line."""
_KIND: Final = "dataset"
_WAY_IN: Final = "the token (MODELSCOPE_API_TOKEN, or `ms-hub login`)"


def push(folder: Path, repository: str, *, private: bool, access: Access | None, only: tuple[str, ...] | None) -> str:
    """Uploads a dataset's folder, or of it what the patterns `only` name, to a ModelScope dataset repository (OWNER/NAME); gives its
    address. A private repository is made so that access may be asked for, unless `access` is open; who asks is let in by hand there."""
    named = f"--push-to {PREFIX}{repository}"
    try:
        from modelscope_hub import HubApi, HubConfig
        from modelscope_hub.errors import HubError
    except ImportError as error:
        raise ConfigError(
            f"{named}: needs the package modelscope-hub; install it with pip install -e '.[modelscope]'"
        ) from error
    if access == "auto":
        raise ConfigError(f"{named}: ModelScope lets in by hand alone; leave out --access auto, or say --access open")
    try:
        api = HubApi(HubConfig())
        _settle(api, repository, named, private=private, gated=access != "open")
        stale = _stale(api, repository, folder)
        patterns = list(only) if only else None
        api.upload_folder(
            repository, _KIND, folder, allow_patterns=patterns, use_cache=False, disable_tqdm=True, max_workers=4
        )
        if stale:
            api.delete_files(repository, _KIND, stale)
    except (HubError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"{named}: {reason}; check the name, the network, and {_WAY_IN}") from error
    return f"{str(api.legacy.endpoint).rstrip('/')}/datasets/{repository}"


def _settle(api: "HubApi", repository: str, named: str, *, private: bool, gated: bool) -> None:
    """Makes the repository where there is none. ConfigError for one that is not to be uploaded to."""
    from modelscope_hub import Visibility
    from modelscope_hub.errors import NotExistError

    try:
        there = api.get_repo(repository, _KIND)
    except NotExistError:
        visible, asked = ("private", gated) if private else ("public", None)
        api.create_repo(repository, _KIND, visibility=visible, license="other", gated_mode=asked)
        there = api.get_repo(repository, _KIND)
    if _foreign(api, repository):
        raise ConfigError(
            f"{named}: holds something that is no dataset of synth's, which would be replaced; choose another name"
        )
    if private and there.visibility != Visibility.PRIVATE:
        raise ConfigError(f"{named}: that repository is public; say --public if it is meant to be")


def _foreign(api: "HubApi", repository: str) -> bool:
    """Whether a repository holds data or a card that synth did not write; what ModelScope puts into a new one is neither."""
    names = {file.path for file in api.list_repo_files(repository, _KIND)}
    if not any(name.startswith("data/") or name == "policies.json" for name in names):
        return False
    if "README.md" not in names:
        return True
    with tempfile.TemporaryDirectory() as aside:
        card = api.download_file(repository, _KIND, "README.md", local_dir=aside)
        return not is_card(Path(card).read_text(encoding="utf-8", errors="replace"))


def _stale(api: "HubApi", repository: str, folder: Path) -> list[str]:
    """Shards of an earlier upload that this one no longer has."""
    here = {path.relative_to(folder).as_posix() for path in (folder / "data").glob("*.parquet")}
    there = [file.path for file in api.list_repo_files(repository, _KIND)]
    return sorted(path for path in there if path.startswith("data/") and path.endswith(".parquet") and path not in here)
