"""Vectors of texts: from any server that speaks OpenAI's embeddings, or a local model2vec or sentence-transformers model."""

import json
import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import orjson

from synth.errors import ConfigError
from synth.plain import for_terminal
from synth.retry_after import retry_after
from synth.vector import Embed, Numbers, sendable

if TYPE_CHECKING:
    import httpx2

KEY = "OPENAI_API_KEY"
PAGE, CALLS = 64, 8
"""Texts a request, requests at once."""
TRIES = 6
PATIENCE = 60.0
"""Seconds between two tries at most."""


def embedder(model: str, base_url: str | None) -> Embed:
    """Of a server where an address is given; else of a folder, or of a name on the Hugging Face hub."""
    ask = _of_server(model, base_url) if base_url else _of_model(model)

    def embed(texts: Sequence[str]) -> Numbers:
        found = ask([sendable(text) for text in texts])
        if not np.isfinite(found).all():
            raise ConfigError(f"{model}: gives vectors that hold more than numbers (NaN, infinity); use another model")
        return found

    return embed


def _of_model(name: str) -> Embed:
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
        raise ConfigError(f"{name}: cannot be read as a model ({_line(str(error))}); name its folder") from error


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
        raise ConfigError(f"{name}: no such folder, and not to be had from the hub ({_line(str(error))})") from error


def _model2vec(folder: Path) -> Embed:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder, force_download=False)
    return lambda texts: np.asarray(model.encode(list(texts), use_multiprocessing=False), np.float32)


def _sentence_transformers(folder: Path) -> Embed:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder))
    return lambda texts: np.asarray(model.encode(list(texts), batch_size=PAGE, show_progress_bar=False), np.float32)


def _of_server(model: str, base_url: str) -> Embed:
    key = os.environ.get(KEY, "").strip()
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ConfigError(f"--base-url {base_url!r} is no address; write it like http://127.0.0.1:8000/v1")
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{KEY} holds characters that cannot stand in a key; export it anew")
    url = base_url.rstrip("/") + "/embeddings"

    def embed(texts: Sequence[str]) -> Numbers:
        import httpx2

        pages = [texts[at : at + PAGE] for at in range(0, len(texts), PAGE)]
        over = threading.Event()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx2.Client(headers=headers, timeout=120) as client, ThreadPoolExecutor(CALLS) as pool:
            asking = _Asking(client, url, model, key, over)
            try:
                found = list(pool.map(asking.page, pages))
            finally:
                over.set()
        sizes = sorted({page.shape[1] for page in found})
        if len(sizes) > 1:
            raise ConfigError(f"{url}: gives vectors of {sizes[0]} numbers and of {sizes[-1]}; ask one model")
        return np.concatenate(found)

    return embed


@dataclass(frozen=True)
class _Asking:
    client: "httpx2.Client"
    url: str
    model: str
    key: str
    over: threading.Event
    """Set when no more answers are wanted."""

    def page(self, texts: Sequence[str]) -> Numbers:
        """The vectors of some texts; asked for again in bad weather and after what is no answer."""
        import httpx2

        why, body = "", {"model": self.model, "input": list(texts), "encoding_format": "float"}
        for attempt in range(TRIES):
            told = None
            try:
                response = self.client.post(self.url, json=body)
                if response.status_code == 200:
                    return vectors_of(response.content, len(texts))[0]
                why, told = f"answers {response.status_code}", retry_after(response.headers)
                if not self._may_pass(response):
                    said = _line(_message(response.text).replace(self.key or "\0", "[key]"))
                    raise ConfigError(f"{self.url}: {why}: {said}; check --semantic {self.model} and {KEY}")
            except httpx2.HTTPError as error:
                why = f"cannot be asked ({_line(str(error)) or type(error).__name__})"
            except ValueError as error:
                why = str(error)
            if attempt + 1 < TRIES and self.over.wait(min(PATIENCE, told if told is not None else 0.25 * 2**attempt)):
                break
        raise ConfigError(f"{self.url}: {why}, {TRIES} times over; try again later, or check --base-url")

    @staticmethod
    def _may_pass(response: "httpx2.Response") -> bool:
        status = response.status_code
        return (status in (408, 409, 425, 429) or status >= 500) and "insufficient_quota" not in response.text


def vectors_of(body: bytes, wanted: int) -> tuple[Numbers, int]:
    """What a server answers, and the tokens it counted. ValueError, with what is wrong, if it is not one vector a text."""
    try:
        answer = orjson.loads(body)
        tokens = int((answer.get("usage") or {}).get("prompt_tokens") or 0)
        data = sorted(answer["data"], key=lambda entry: entry["index"])
        found = np.array([entry["embedding"] for entry in data], np.float64)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ValueError("sends what is no list of vectors of one length") from error
    if found.ndim != 2 or len(found) != wanted or not found.size:
        raise ValueError(f"sends {len(found)} vectors for {wanted} texts")
    if not np.isfinite(found).all():
        raise ValueError("sends vectors that hold more than numbers (null, NaN)")
    return found, tokens


def _message(body: str) -> str:
    """The words in an error's body, whichever shape it has."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, TypeError, LookupError):
        return body


def _line(text: str) -> str:
    return for_terminal(" ".join(text.split()))[:200]
