"""The dataset repository as it stands, copied, or with the mark rendered anew; `--push-to` uploads it."""

import shutil
from pathlib import Path
from typing import Any

from synth import aside
from synth.dataset.card_mark import retold
from synth.dataset.marks import made_here, ours
from synth.dataset.policies import NAME as POLICIES
from synth.dataset.reader import Dataset
from synth.dataset.shards import content_hash, count_in, shards_in, write_split
from synth.errors import ConfigError
from synth.exporters import _trainers
from synth.types import MarkMode

LAST_WORDS = _trainers.TABLE


def export(made: Dataset, out: Path) -> list[Path]:
    """Copies the dataset's Hugging Face repository (card, shards) to OUT. Replaced is an earlier export; what else the
    user keeps there stays as it is."""
    dataset = made.repository
    real = aside.through(out)
    if real.resolve().is_relative_to(dataset.resolve()):
        raise ConfigError(f"{out}: is the dataset itself; choose another -o OUT")
    if real.name == "dataset" and (real.parent / "journal.sqlite").exists():
        raise ConfigError(f"{out}: is the dataset of another run; choose another -o OUT")
    made.check()
    aside.mend(out)
    if real.exists() and not (real.is_dir() and (made_here(real) or not any(real.iterdir()))):
        raise ConfigError(
            f"{out}: holds something that is no dataset of synth's, or was changed since; choose another -o OUT, or move it away"
        )
    with aside.folder(out, ours) as new:
        shutil.copytree(dataset, new, dirs_exist_ok=True)
        if made.mark is not None:
            _render(made, new, made.mark)
    return [out]


def _render(made: Dataset, new: Path, mark: MarkMode) -> None:
    """Writes a copied repository's shards anew with the mark as it is wanted, and what its card tells of them."""
    for split in made.filled():
        counts = [count_in(path) for path in shards_in(new / "data") if path.name.startswith(f"{split}-")]
        write_split(new / "data", split, made.rows(split), sum(counts), max(counts))
    card = new / "README.md"
    card.write_text(retold(card.read_text(encoding="utf-8"), content_hash(new / "data"), mark), encoding="utf-8")


def push(made: Dataset, repository: str, *, private: bool, exported: Path | None = None) -> str:
    """Uploads the dataset's folder to a Hugging Face dataset repository, or what was `exported` of it, where the mark was
    rendered anew; gives its address."""
    from httpx2 import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

    try:
        api = HfApi()
        address = api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        there = api.repo_info(repository, repo_type="dataset")
        if _foreign(there):
            raise ConfigError(
                f"--push-to {repository}: holds something that is no dataset of synth's, which would be replaced; choose another name"
            )
        if private and not there.private:
            raise ConfigError(f"--push-to {repository}: that repository is public; say --public if it is meant to be")
        # Shards of an earlier upload that this one no longer has would still match the card's patterns.
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=exported or made.repository,
            allow_patterns=["README.md", POLICIES, "data/*.parquet"] if exported else None,
            delete_patterns=["data/*.parquet"],
        )
    except (HTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"--push-to {repository}: {reason}; check the name, the network, and the token (`hf auth login`)"
        ) from error
    return str(address)


def _foreign(repository: Any) -> bool:
    """Whether a repository holds a card, policies or shards, and by its card's metadata synth did not write them."""
    names = [file.rfilename for file in repository.siblings or ()]
    if not any(name in ("README.md", POLICIES) or name.startswith("data/") for name in names):
        return False
    metadata = repository.card_data.to_dict() if repository.card_data else {}
    told = [str(config.get("description")) for config in metadata.get("configs") or ()]
    return "synth" not in (metadata.get("tags") or ()) or not all(text.startswith("content ") for text in told)
