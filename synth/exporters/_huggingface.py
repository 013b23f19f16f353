"""A data set uploaded to Hugging Face, or to a mirror of it that HF_ENDPOINT names: private, and gated, unless told otherwise."""

from pathlib import Path
from typing import Any, Literal, TypeAlias

from synth.dataset.audited import NAME as AUDIT
from synth.dataset.card_file import NAME as FACTS
from synth.dataset.policies import NAME as POLICIES
from synth.errors import ConfigError

Access: TypeAlias = Literal["manual", "auto", "open"]
"""Who may read a repository: whom its owner lets in, who has answered its questions, or everybody who finds it."""
OURS = ("README.md", POLICIES, FACTS, AUDIT, "data/*.parquet")
"""What of a folder is uploaded where it may hold other things besides."""


def push(folder: Path, repository: str, *, private: bool, access: Access | None, only: tuple[str, ...] | None) -> str:
    """Uploads a dataset's folder, or of it what the patterns `only` name, to a Hugging Face dataset repository; gives its address.
    With `access` None a repository that is gated stays so, and another becomes so with `manual`, before the first row is there."""
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
        if (wanted := _gated(there, access)) is not None:
            api.update_repo_settings(repository, repo_type="dataset", gated=wanted)
        # Shards of an earlier upload that this one no longer has would still match the card's patterns.
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=folder,
            allow_patterns=list(only) if only else None,
            delete_patterns=["data/*.parquet"],
        )
    except (HTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"--push-to {repository}: {reason}; check the name, the network, and the token (`hf auth login`)"
        ) from error
    return str(address)


def _gated(there: Any, access: Access | None) -> Literal["manual", "auto", False] | None:
    """How a repository is to be gated; None where it is so already."""
    stands = getattr(there, "gated", False) or False
    if access is None:
        return None if stands else "manual"
    wanted: Literal["manual", "auto", False] = False if access == "open" else access
    return None if stands == wanted else wanted


def _foreign(repository: Any) -> bool:
    """Whether a repository holds a card, policies or shards, and by its card's metadata synth did not write them."""
    names = [file.rfilename for file in repository.siblings or ()]
    if not any(name in ("README.md", POLICIES, FACTS) or name.startswith("data/") for name in names):
        return False
    metadata = repository.card_data.to_dict() if repository.card_data else {}
    told = [str(config.get("description")) for config in metadata.get("configs") or ()]
    return "synth" not in (metadata.get("tags") or ()) or not all(text.startswith("content ") for text in told)
