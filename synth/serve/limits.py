"""Limits of so much a minute, over a window that slides: what would go over them is refused, and counted."""

from collections import deque


class Limit:
    """Allows `most` in any `window` seconds; without `most` it only counts."""

    def __init__(self, most: int | None, window: float) -> None:
        self.most, self.window = most, window
        self.refused = self.peak = 0
        """Refusals, and the most that was allowed in one window."""
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    def wait(self, amount: int, now: float) -> float:
        """Seconds until there is room for so much: 0 if there is now, or never will be since it is more than all."""
        while self._taken and self._taken[0][0] <= now - self.window:
            self._sum -= self._taken.popleft()[1]
        over = self._sum + amount - self.most if self.most else 0
        if over <= 0 or not self._taken:
            return 0.0
        for when, taken in self._taken:
            over -= taken
            if over <= 0:
                return when + self.window - now
        return self._taken[-1][0] + self.window - now

    def take(self, amount: int, now: float) -> None:
        self._taken.append((now, amount))
        self._sum += amount
        self.peak = max(self.peak, self._sum)
