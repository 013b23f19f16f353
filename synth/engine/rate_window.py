"""A ceiling of so much in any stretch of time: counted over what was let through, until it is too old to count."""

from collections import deque


class Window:
    """A rate limit: lets `most` through in any `seconds`; None is no ceiling. What was reserved may turn out to have
    been less."""

    def __init__(self, most: int | None, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self.peak = 0
        """The most that was let through within `seconds`."""
        self._taken: deque[list[float]] = deque()
        self._sum = 0.0

    def wait(self, amount: float, now: float) -> float:
        """Seconds until the window of a rate limit lets that amount through. More than the ceiling goes when nothing
        else counts."""
        if self.most is None:
            return 0.0
        self._forget(now)
        over = self._sum + amount - self.most
        if over <= 0 or not self._taken:
            return 0.0
        since = now
        for since, taken in self._taken:  # noqa: B007 (the last of them is what is waited for)
            over -= taken
            if over <= 0:
                break
        return max(0.0, since + self.seconds - now)

    def take(self, amount: float, now: float) -> list[float]:
        """Counts that amount in the window of a rate limit now; gives the entry that `settle` takes."""
        entry = [now, amount]
        self._forget(now)
        self._taken.append(entry)
        self._sum += amount
        self.peak = max(self.peak, int(self._sum))
        return entry

    def settle(self, entry: list[float], amount: float) -> None:
        """Corrects an entry of `take` to the amount that it came to in the window of a rate limit."""
        if self._taken and entry[0] >= self._taken[0][0]:
            self._sum += amount - entry[1]
        entry[1] = amount

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] <= now - self.seconds:
            self._sum -= self._taken.popleft()[1]
