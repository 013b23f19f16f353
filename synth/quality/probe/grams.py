"""Queries and answers as sparse rows of hashed character n-grams, and the n-grams that a bucket stands for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from synth.dedup.normalise import Numbers

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Rows: TypeAlias = "csr_matrix"

LONGEST = 3
MOST = 400
"""Characters of a text that are looked at, from its beginning."""
BITS = 20
_WIDTH = 21
"""Bits of a code point: three of them stand in one number."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STEP = 1_000
"""Texts at a time."""


def rows(texts: Sequence[str]) -> Rows:
    """The matrix a probe learns from: for each text a sparse row of unit length over 2^20 buckets, of which of its n-grams
    of 1 to 3 characters are there."""
    from scipy.sparse import coo_matrix, csr_matrix

    columns, counts = [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
    for first in range(0, len(texts), _STEP):
        some = texts[first : first + _STEP]
        where, grams = (np.concatenate(parts) for parts in zip(*_grams(some), strict=True))
        part = coo_matrix((np.ones(len(grams), np.bool_), (where, _buckets(grams))), (len(some), 1 << BITS)).tocsr()
        columns.append(part.indices.astype(np.int32))
        counts.append(np.diff(part.indptr))
    each = np.concatenate(counts)
    data = np.repeat((1 / np.sqrt(np.maximum(1, each))).astype(np.float32), each)
    # Narrow numbers: half the room, and a model reads no others without a copy.
    ends = np.cumsum(each).astype(np.int32)
    return csr_matrix((data, np.concatenate(columns), ends), (len(texts), 1 << BITS))


def spelled(texts: Sequence[str], buckets: Sequence[int]) -> dict[int, str]:
    """For each bucket of a probe's matrix the character n-gram most often met in it; none for a bucket that no text fills."""
    met: dict[int, Counter[int]] = {bucket: Counter() for bucket in buckets}
    wanted = np.zeros(1 << BITS, bool)
    wanted[list(buckets)] = True
    for first in range(0, len(texts), _STEP):
        for _, grams in _grams(texts[first : first + _STEP]):
            found, counts = np.unique(grams[wanted[_buckets(grams)]], return_counts=True)
            for gram, bucket, count in zip(found.tolist(), _buckets(found).tolist(), counts.tolist(), strict=True):
                met[bucket][gram] += count
    return {bucket: _text(counts.most_common(1)[0][0]) for bucket, counts in met.items() if counts}


def _grams(texts: Sequence[str]) -> Iterator[tuple[Numbers, Numbers]]:
    """For each length of n-gram, all there are as numbers, and which text each is of."""
    short = [text[:MOST] for text in texts]
    codes = np.frombuffer("".join(short).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    of = np.repeat(np.arange(len(short), dtype=np.int32), np.fromiter(map(len, short), np.int64, len(short)))
    packed = codes
    for more in range(LONGEST):
        if more:
            packed = packed[:-1] | (codes[more:] << np.uint64(_WIDTH * more))
        whole = of[: len(packed)] == of[more:]
        yield of[: len(packed)][whole], packed[whole]


def _buckets(grams: Numbers) -> Numbers:
    return ((grams * _MIX) >> np.uint64(64 - BITS)).astype(np.int32)


def _text(gram: int) -> str:
    codes = [gram >> (_WIDTH * place) & ((1 << _WIDTH) - 1) for place in range(LONGEST)]
    return "".join(chr(code) for code in codes if code)
