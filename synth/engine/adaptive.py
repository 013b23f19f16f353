"""How fast one model is asked: slots that follow what its server bears, rests it asks for, ceilings on requests and tokens a minute.

After inspect_ai's adaptive concurrency: slow start, one cut an episode, growth only where the slots are really used.
"""

import random
from dataclasses import dataclass

from synth.engine.budget import Reservation
from synth.engine.rate_window import Window
from synth.engine.refused import Refused
from synth.errors import ProviderError
from synth.recipe.role import Ceiling
from synth.types import Reply

START = 32
"""How many slots a model begins with; they double with every clean round until the server first objects."""
CUT, STEP = 0.8, 0.05
"""Factor of a cut, and the share by which a clean round raises the limit after one."""
USED = 0.8
"""Share of the slots that must have been busy at once for a round to say that more would be borne."""
EPISODE = 15.0
"""Seconds after a cut in which there is no other."""
PROBE = 0.1
"""Within an episode: how much an answer adds to the attempts the server is held to bear."""
REST = 0.5
"""Seconds of the first rest, twice as many for each one after."""
MINUTE = 61.0
"""Seconds a minute's ceiling looks back: one more than sixty, for what is sent at one moment and counted at another."""

KNOWN = 20
"""Replies after which a model's own speed bounds the seconds it is waited for …"""
PATIENT, LEAST = 10.0, 30.0
"""… to PATIENT times its slowest reply, and never less than LEAST seconds."""


@dataclass(slots=True, eq=False)
class Permit:
    """Allows one attempt at one request: a slot of its model, held from sending to journalling."""

    sent: float
    """When the attempt was sent, in seconds of the event loop."""
    tokens: list[float] | None = None
    """The attempt's entry among the tokens of its model's minute; None without such a ceiling."""
    reservation: Reservation | None = None
    """What the budget holds for the attempt; None without a budget."""
    reply: Reply | None = None
    """The reply to the attempt, once it is in the journal."""
    key: str = ""
    """The key of the request that the attempt is at."""


class Pace:
    """How fast one model at one address may be asked. Every method is told the time, in seconds of the event loop."""

    def __init__(self, most: int, ceiling: Ceiling, *, self_scheduling: bool = False) -> None:
        self.ceiling = ceiling
        self.most = min(most, ceiling.concurrency or most)
        self.limit = self.most if self_scheduling else min(START, self.most)
        self.self_scheduling = self_scheduling
        self.permits: set[Permit] = set()
        """Those of the attempts that are out."""
        self.resting_until = 0.0
        self.last_good = float("-inf")
        """When the model last answered, in seconds of the event loop."""
        self.refused = Refused()
        """What the model has refused in unknown words since it last answered."""
        self.changes: list[tuple[float, int]] = []
        """Every change of the limit: when, and to how many slots."""
        rpm, tpm = (
            (None, None) if self_scheduling else (ceiling.rpm, ceiling.tpm)
        )  # what waits in a queue is not asked this minute
        self._requests, self._tokens = Window(rpm, MINUTE), Window(tpm, MINUTE)
        self._cut_at = self._episode_ends = float("-inf")
        self._brake, self._rests = 0.0, 0
        """Within an episode: the attempts the server bears, and how often it has borne none."""
        self._starting = True
        self._clean = self._busiest = 0
        self.replies = 0
        """How many replies the model has given."""
        self._slowest = 0.0
        self._characters = self._prompt_tokens = 1000.0  # one token a character, until more is known

    @property
    def out(self) -> int:
        """How many attempts at the model are out, at its adaptive pace."""
        return len(self.permits)

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until one more attempt of that many tokens may go to the model, at its adaptive pace; infinite while
        all its slots are taken."""
        if self.out >= self._bearable(now):
            return float("inf")
        return max(self.resting_until - now, self._requests.wait(1, now), self._tokens.wait(tokens, now), 0.0)

    def go(self, tokens: float, now: float) -> Permit:
        """Gives the permit for one attempt of that many tokens at the model's adaptive pace; ask `wait` first."""
        permit = Permit(now, self._tokens.take(tokens, now) if self._tokens.most is not None else None)
        self.permits.add(permit)
        self._busiest = max(self._busiest, self.out)
        if self._requests.most is not None:
            self._requests.take(1, now)
        return permit

    def back(self, permit: Permit) -> None:
        """Frees one of the model's adaptive slots from an attempt that is over, however it ended."""
        self.permits.discard(permit)

    @property
    def refuses_everything(self) -> bool:
        """Whether a model that has never answered at this pace refuses whatever it is asked, as far as can be told."""
        return self.refused.everything((permit.key, permit.sent) for permit in self.permits)

    def idle(self, now: float) -> int:
        """How many of the model's adaptive slots stand free; none while the model rests."""
        return 0 if now < self.resting_until else max(0, self._bearable(now) - self.out)

    def tokens_of(self, characters: int) -> float:
        """How many tokens a prompt of that many characters will likely count, at this model's rate so far."""
        return characters * self._prompt_tokens / self._characters

    def _bearable(self, now: float) -> int:
        return self.limit if now >= self._episode_ends else min(self.limit, int(self._brake))

    # --- what it learns ---

    def answered(self, permit: Permit, now: float, characters: int, prompt_tokens: int, tokens: int) -> None:
        """Adapts the model's pace to a reply: characters and tokens of its prompt, and the tokens of prompt and reply
        together."""
        self.last_good, self.refused = now, Refused()
        self.replies += 1
        self._slowest = max(self._slowest, now - permit.sent)
        if prompt_tokens:
            self._characters += characters
            self._prompt_tokens += prompt_tokens
        if permit.tokens is not None and tokens:
            self._tokens.settle(permit.tokens, tokens)
        self._brake += 1.0 if self._rests else PROBE
        if permit.sent >= self._cut_at:
            self._clean += 1
            if self._clean >= self.limit:
                self._grow(now)

    def suffered(self, permit: Permit, now: float, error: ProviderError) -> None:
        """Adapts the model's pace to a failed attempt: too much was asked, or the cause says nothing of how much the
        model bears."""
        if error.cause == "refused":
            self.refused.add(permit.key, now)
        if error.cause in ("limit", "overload") and not self.self_scheduling:
            if permit.tokens is not None:
                self._tokens.settle(permit.tokens, 0)
            if error.cause == "limit" and error.retry_after:
                self.resting_until = max(self.resting_until, now + error.retry_after)
            self._slow_down(now)
        else:
            self._clean = 0  # no growth before a whole round without one
            if error.cause == "timeout" and not self.self_scheduling:
                self._narrow(permit, now)

    def _narrow(self, permit: Permit, now: float) -> None:
        """Half the slots, once for all that were sent together and of which none was answered in time: fewer at once may be
        answered sooner, and less is thrown away."""
        if permit.sent > max(self.last_good, self._cut_at):
            self._starting, self._cut_at = False, now
            self._set(max(1, self.limit // 2), now)

    def _slow_down(self, now: float) -> None:
        """One cut an episode. While it lasts the place of a refused attempt is not taken by another: the attempts still out are
        what the server bears. If it bears none, all rest for a while."""
        if now >= self._episode_ends:
            self._starting, self._cut_at, self._episode_ends = False, now, now + EPISODE
            self._brake, self._rests = float(self.out), 0
            self._set(max(1, int(min(self.limit, self.out) * CUT)), now)
        self._brake -= 1
        if self._brake < 1:
            pause = REST * 2**self._rests * (0.5 + 0.5 * random.random())
            self.resting_until = max(self.resting_until, now + pause)
            self._brake, self._rests = 1.0, self._rests + 1

    def deadline(self, *, again: bool) -> float | None:
        """How many seconds an attempt at this model may take, adapted to its slowest reply; None is no bound. After one
        that took too long (`again`), the recipe's timeout in full."""
        if self.self_scheduling:
            return None
        if again or self.replies < KNOWN:
            return self.ceiling.timeout
        return min(self.ceiling.timeout, max(LEAST, PATIENT * self._slowest))

    def _grow(self, now: float) -> None:
        if self._busiest >= USED * self.limit:
            self._set(
                min(self.most, self.limit * 2 if self._starting else self.limit + max(1, int(self.limit * STEP))), now
            )
        self._clean, self._busiest = 0, self.out

    def _set(self, limit: int, now: float) -> None:
        self._clean, self._busiest = 0, self.out
        if limit != self.limit:
            self.limit = limit
            self.changes.append((now, limit))
