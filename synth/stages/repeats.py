"""Which rows of a file stand in it before, at a few bytes a row."""

from array import array

from synth.hashing import short_hash


class Repeats:
    """The rows of a file so far: of each a hash, and the offset at which it stands."""

    def __init__(self) -> None:
        self._hashes, self._offsets = array("Q"), array("Q")

    def add(self, offset: int, *parts: str) -> None:
        """Takes up a row of the file: the offset at which it stands, and the texts by which it is told from others."""
        self._hashes.append(int(short_hash(*parts), 16))
        self._offsets.append(offset)

    def found(self) -> frozenset[int]:
        """The offsets of all rows of the file that stand in it before."""
        import numpy as np

        hashes, offsets = np.array(self._hashes, np.uint64), np.array(self._offsets, np.uint64)
        order = np.argsort(hashes, kind="stable")  # equal ones stay in the order of the file
        again = hashes[order][1:] == hashes[order][:-1]
        return frozenset(offsets[order[1:][again]].tolist())
