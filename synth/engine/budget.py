"""What may be spent: bounds on cost and tokens over a journal's whole life. What is in flight counts with the most it can come to,
so that no bound is ever passed; when its replies land, what was held too much is free again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

from synth.errors import ConfigError, Stopped
from synth.journal.usage import Prices, UsageLog, bill, cost, unmetered
from synth.types import Reply, Request

FRAME = 64
"""Tokens that a chat template puts around a whole prompt, at most."""
FRAME_EACH = 16
"""Tokens that a chat template puts around each message of a prompt, at most."""
BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run's replies may cost, and how many tokens they may take, those of earlier runs in the folder included."""

    cost: float | None = None
    """What all replies may cost, in the unit of the prices; None is no bound."""
    tokens: int | None = None
    """How many tokens all replies may take; None is no bound."""


UNBOUNDED = Bounds()


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most that one attempt can cost and take in tokens, held from the budget while it is out."""

    model: str
    tokens: int
    billionths: int
    """The cost in billionths: whole numbers, so that what was held and is free again leaves nothing behind."""

    @property
    def cost(self) -> float:
        """The most that the attempt can cost, in the unit of the prices."""
        return self.billionths / BILLION


class Budget:
    """Keeps a run within its bounds: what is spent, what is held for attempts in flight, and whether one more may go."""

    def __init__(self, bounds: Bounds, prices: Prices, usage: UsageLog) -> None:
        so_far = bill(usage.lines(), prices)
        self._bounds, self._prices = bounds, prices
        self.tokens, self.cost = so_far.tokens, so_far.cost
        self._flying = self._held_tokens = self._held_billionths = 0
        self.fault: ConfigError | None = None
        """Why the bounds cannot be kept, once a server has told no tokens."""
        self._over: dict[str, float] = {}
        """By model: how far a reply went over what it was held to come to, at worst, as a factor."""

    def reservation(self, request: Request) -> Reservation:
        """The most an attempt can come to: a token a byte of the prompt (no tokenizer makes more), and all it may write."""
        over = self._over.get(request.named, 1.0)
        prompt, completion = most_prompt(request) * over, (most_completion(request.params) or 0) * over
        price = self._prices.get(request.named)
        most = cost(price, prompt, completion) if price else 0.0
        return Reservation(request.named, ceil(prompt + completion), ceil(most * BILLION))

    def fits(self, reservation: Reservation) -> bool:
        """Whether an attempt may go without passing a bound of the budget, if all in flight comes to the most it
        can."""
        most = self._bounds
        held = (self._held_billionths + reservation.billionths) / BILLION
        return (most.tokens is None or self.tokens + self._held_tokens + reservation.tokens <= most.tokens) and (
            most.cost is None or self.cost + held <= most.cost
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight: what does not fit the budget now never will."""
        return not self._flying

    def hold(self, reservation: Reservation) -> None:
        """Holds from the budget what an attempt may come to, as it goes out."""
        self._count(reservation, 1)

    def settle(self, reservation: Reservation, reply: Reply | None) -> None:
        """Books an attempt that is over: what its reply took, if it is in the journal, is spent; the rest is free
        again."""
        self._count(reservation, -1)
        if reply is None:
            return
        used, price = reply.prompt_tokens + reply.completion_tokens, self._prices.get(reservation.model)
        self.tokens += used
        self.cost += cost(price, reply.prompt_tokens, reply.completion_tokens) if price else 0.0
        if used > reservation.tokens:
            self._over[reservation.model] = self._over.get(reservation.model, 1.0) * used / reservation.tokens
        if unmetered(reply):
            self.fault = ConfigError(
                f"the server of model {reservation.model!r} tells no tokens, so no budget can be kept;"
                " leave out --max-cost and --max-tokens"
            )

    def _count(self, reservation: Reservation, sign: int) -> None:
        self._flying += sign
        self._held_tokens += sign * reservation.tokens
        self._held_billionths += sign * reservation.billionths

    def stop(self, reservation: Reservation) -> Stopped:
        """The `Stopped` of a run whose next attempt does not fit the budget."""
        if self._bounds.cost is not None and self.cost + reservation.cost > self._bounds.cost:
            return Stopped(
                "budget",
                f"--max-cost {self._bounds.cost:g} is spent: {self.cost:,.4f} so far, and one more call may cost {reservation.cost:,.4f}",
            )
        return Stopped(
            "budget",
            f"--max-tokens {self._bounds.tokens} are spent: {self.tokens:,} so far, and one more call may take {reservation.tokens:,.0f}",
        )


def most_prompt(request: Request) -> int:
    """For a budget: how many tokens a prompt can count at most, the schema it asks for included."""
    schema = len(json.dumps(request.schema)) if request.schema is not None else 0
    words = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
    return FRAME + FRAME_EACH * len(request.messages) + schema + words


def most_completion(params: Mapping[str, Any]) -> int | None:
    """For a budget: how many tokens a completion can count at most; None if the request sets no bound."""
    bounds = [params[name] for name in ("max_tokens", "max_completion_tokens") if params.get(name) is not None]
    whole = bounds and all(isinstance(bound, int) for bound in bounds)
    return max(bounds) * max(1, int(params.get("n") or 1)) if whole else None


def check_bounds(bounds: Bounds, roles: Mapping[str, Any], prices: Prices, usage: UsageLog) -> None:
    """Raises ConfigError for a bound of a budget (on cost or tokens) that cannot be kept, before anything is asked."""
    if bounds.cost is not None and not bounds.cost < inf:
        raise ConfigError(f"--max-cost {bounds.cost}: must be a number", status=2)
    for name, role in roles.items():
        if most_completion(role.params) is None:
            raise ConfigError(f"models.{name}: nothing bounds its answers, so no budget can be kept; give `max_tokens`")
        if bounds.cost is not None and role.named not in prices:
            raise ConfigError(
                f"--max-cost: models.{name} has no price; give `price: {{input: , output: }}` per million tokens, or use --max-tokens"
            )
    for line in usage.lines():
        if line.unmetered:
            raise ConfigError(
                f"the server of model {line.model!r} told no tokens for {line.unmetered} replies, so no budget can be kept;"
                " leave out --max-cost and --max-tokens"
            )
        if bounds.cost is not None and line.tokens and line.model not in prices:
            raise ConfigError(
                f"--max-cost: the journal holds replies of model {line.model!r}, which has no price; name it with its price"
                " under `models`, or use --max-tokens"
            )
