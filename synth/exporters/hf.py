"""The dataset repository as it stands, copied, or with the mark rendered anew; `--push-to` uploads it."""

import shutil
from pathlib import Path

from synth import aside
from synth.dataset import audited, card_file
from synth.dataset.card_rows import Seen
from synth.dataset.marks import made_here, ours
from synth.dataset.reader import Dataset
from synth.dataset.shards import content_hash, count_in, shards_in, write_split
from synth.errors import ConfigError
from synth.exporters import _huggingface, _modelscope, _trainers
from synth.exporters._huggingface import OURS, Access
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
    told = card_file.read(new / card_file.NAME)
    seen = Seen(made.labels, only=[one["id"] for one in told["examples"]])
    for split in made.filled():
        counts = [count_in(path) for path in shards_in(new / "data") if path.name.startswith(f"{split}-")]
        write_split(new / "data", split, seen.rows(split, made.rows(split)), sum(counts), max(counts))
    content = content_hash(new / "data")
    audited.renew(new / audited.NAME, told["content"], content)
    card_file.renew(new, **seen.facts, content=content, how=told["how"] | {"mark": mark})


def push(
    made: Dataset, repository: str, *, private: bool, access: Access | None = None, exported: Path | None = None
) -> str:
    """Uploads the dataset's folder to a repository of Hugging Face's, or of ModelScope's (`modelscope:OWNER/NAME`); or what was
    `exported` of it, where the mark was rendered anew. Gives its address."""
    folder, only = exported or made.repository, (*OURS, *_licence_text(exported)) if exported else None
    if repository.startswith(_modelscope.PREFIX):
        name = repository.removeprefix(_modelscope.PREFIX)
        return _modelscope.push(folder, name, private=private, access=access, only=only)
    return _huggingface.push(folder, repository, private=private, access=access, only=only)


def _licence_text(folder: Path) -> list[str]:
    """The file beside an exported card that holds its licence, where the card names one there."""
    link = card_file.read(folder / card_file.NAME)["licence"]["link"] if (folder / card_file.NAME).is_file() else None
    return [link] if link and not link.startswith("https://") else []
