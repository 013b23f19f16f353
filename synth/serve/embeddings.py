"""Vectors as a model of embeddings would give them: a function of the text."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.backends.offline import SIZE, meaning
from synth.serve.answers import NAMED


def embeddings(model: str, texts: Sequence[str], fault: str | None) -> dict[str, Any]:
    """The JSON body with which the stand-in answers a request for embeddings, with a fault of `serve.faults.VECTORS` if one
    is given."""
    vectors: list[list[float | None]] = [[*meaning(text)] for text in texts]
    if fault == "few":
        vectors.pop()
    elif fault == "narrow":
        vectors = [vector[: SIZE // 2] for vector in vectors]
    elif fault == "unequal":
        vectors[0].pop()
    elif fault == "null-vector":
        vectors[-1][0] = None
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return {"object": "list", "model": model, "data": data, "usage": _usage(texts)} | NAMED


def texts_of(body: Mapping[str, Any]) -> list[str]:
    """The texts that a request to the stand-in wants embedded: `input` is one text, or a list of them."""
    return [body["input"]] if isinstance(body["input"], str) else list(body["input"])


def _usage(texts: Sequence[str]) -> dict[str, int]:
    tokens = sum(map(len, texts))
    return {"prompt_tokens": tokens, "total_tokens": tokens}
