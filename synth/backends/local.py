"""Vectors from a model in a folder or on the Hugging Face hub: model2vec or sentence-transformers, in this process."""

import asyncio
import json
import re
from pathlib import Path

import numpy as np

from synth.errors import ConfigError
from synth.recipe import backend
from synth.recipe.role import Role
from synth.sanitize import one_line
from synth.types import Reply, Request
from synth.vector import UNLIKE, Embed, check, numbers_only, rounded, written

FAMILY = "embedding"
GIVES = frozenset({"vectors"})
STAND_IN = False
PAGE = 64
"""Texts a transformer reads at once."""


class Options(backend.Options):
    """A role's options of the backend `local`, which are none: the role's model is a folder, or a name on the Hugging Face
    hub."""


class LocalBackend:
    """The backend `local`: one model of embeddings in this process. Texts that are asked for while it is busy are read in
    one go. Its tokens are counted as characters."""

    family = FAMILY
    self_scheduling = False

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._asked: list[tuple[str, asyncio.Future[Reply]]] = []
        self._turn = asyncio.Lock()

    async def check(self, model: str) -> None:
        check(model, *rounded(await asyncio.to_thread(self._embed, UNLIKE)))

    async def complete(self, request: Request, key: str) -> Reply:
        del key
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked.append((request.messages[0].content, answer))
        try:
            async with self._turn:
                if not answer.done():
                    await self._read(request.model)
            return answer.result()
        finally:
            answer.cancel()  # whose time ran out takes no place from those who still wait

    async def close(self) -> None:
        return None

    async def _read(self, model: str) -> None:
        """The texts that have waited longest, that of who reads among them."""
        waiting = [asked for asked in self._asked if not asked[1].done()]
        page, self._asked = waiting[:PAGE], waiting[PAGE:]
        try:
            vectors = rounded(await asyncio.to_thread(self._embed, [text for text, _ in page]))
        except Exception as error:  # a model of anything raises what it likes
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(
                f"{model}: makes no vectors ({type(error).__name__}: {one_line(str(error))}); use another model"
            ) from error
        else:
            for (text, answer), vector in zip(page, vectors, strict=True):
                if not answer.done():
                    answer.set_result(Reply(written(vector), prompt_tokens=len(text)))
        finally:
            self._asked[:0] = [asked for asked in page if not asked[1].done()]  # the others read again


def share(role: Role, options: Options) -> str:
    """What roles that share a model of the backend `local` have in common: its name."""
    del options
    return role.model


def connect(role: Role, options: Options) -> LocalBackend:
    """Opens the backend `local` for a role: reads its model of embeddings into memory."""
    del options
    return LocalBackend(numbers_only(role.model, of_model(role.model)))


def of_model(name: str) -> Embed:
    """A function from texts to vectors by a local model of embeddings, in a folder or, by name, of the Hugging Face
    hub. ConfigError for what is none."""
    folder = _folder(name)
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        kind = None
    # A transformer always says which it is; of static embeddings only those say so that were distilled.
    static = kind in (None, "model2vec")
    read = _model2vec if static else _sentence_transformers
    try:
        return read(folder)
    except ImportError as error:
        extra = "semantic" if static else "transformers"
        raise ConfigError(
            f"{name}: needs a package that is not there ({error.name}); in synth's repository run "
            f".venv/bin/pip install -e '.[{extra}]'"
        ) from error
    except Exception as error:  # a folder of anything: its readers raise what they like
        raise ConfigError(f"{name}: cannot be read as a model ({one_line(str(error))}); name its folder") from error


def _folder(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ConfigError(
            f"{name}: no such folder; name a model's folder or a model on the hub; a server's model goes with its address"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except (OSError, ValueError) as error:  # what the hub and its client raise are of these
        raise ConfigError(f"{name}: no such folder, and not to be had from the hub ({one_line(str(error))})") from error


def _model2vec(folder: Path) -> Embed:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder, force_download=False)
    return lambda texts: np.asarray(model.encode(list(texts), use_multiprocessing=False), np.float32)


def _sentence_transformers(folder: Path) -> Embed:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder))
    return lambda texts: np.asarray(model.encode(list(texts), batch_size=PAGE, show_progress_bar=False), np.float32)
