"""The dataset repository as it stands, copied; `--push-to` uploads it."""

import shutil
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.errors import ConfigError


def export(made: Dataset, out: Path, template: str) -> list[Path]:
    del template
    if out.exists() and not ((out / "README.md").is_file() and (out / "data").is_dir()):
        raise ConfigError(f"{out}: holds something that is no dataset; choose another -o OUT")
    if out.resolve() == (made.folder / "dataset").resolve():
        raise ConfigError(f"{out}: is the dataset itself; choose another -o OUT")
    aside = out.with_name(out.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(made.folder / "dataset", aside)
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)
    return [out]


def push(made: Dataset, repository: str, *, private: bool) -> str:
    """Uploads the dataset folder to a Hugging Face dataset repository; gives its address."""
    from httpx2 import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

    try:
        api = HfApi()
        address = api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        if private and not api.repo_info(repository, repo_type="dataset").private:
            raise ConfigError(f"--push-to {repository}: that repository is public; say --public if it is meant to be")
        # Shards of an earlier upload that this one no longer has would still match the card's patterns.
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=made.folder / "dataset",
            delete_patterns=["data/*.parquet"],
        )
    except (HTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"--push-to {repository}: {reason}; check the name, the network, and the token (`hf auth login`)"
        ) from error
    return str(address)
