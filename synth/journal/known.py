"""Which replies a journal certainly does not hold, known without a look into its file."""

from collections.abc import Iterable

_BITS = 2**25
"""4 MiB. Of a million keys one bit in 34 is set, of ten millions one in four: so many looks are made in vain."""


class Known:
    """The keys of a journal's replies, each as one bit under its hash: a key whose bit is not set has no reply."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._bits = bytearray(_BITS // 8)
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Takes in the key of one more reply of the journal."""
        place = hash(key) % _BITS
        self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        place = hash(key) % _BITS
        return bool(self._bits[place >> 3] & (1 << (place & 7)))
