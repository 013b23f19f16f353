"""What replies cost: tokens as they are booked, by stage, model and lane, and the prices that turn them into money."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from synth.errors import ConfigError
from synth.recipe.role import Price, Role
from synth.sanitize import plain
from synth.types import Origin, Reply

GAVE_UP = "gave_up"
"""The `finish` of a reply that never came: its request failed again and again while its model answered others."""
RETRY = "retry"
"""The `finish` of a reply that never came and whose request shall be asked again."""
OUTAGE = "outage"
"""The `finish` of a reply that never came, since its model was out and another of its chain is asked."""
UNPAID = (GAVE_UP, RETRY, OUTAGE, "rejected", "content_filter")
"""The `finish` values of replies that may have used no tokens at all; for any other without tokens the server gave
no count."""


Prices = Mapping[str, Price]


def prices(models: Mapping[str, Role]) -> dict[str, Price]:
    """The price at which usage is billed of every model that has one, by its name. Raises ConfigError for a model that
    two roles give different prices."""
    found: dict[str, tuple[str, Price]] = {}
    for name, role in models.items():
        if role.price is None:
            continue
        first, other = found.setdefault(role.named, (name, role.price))
        if other != role.price:
            raise ConfigError(
                f"models.{first} and models.{name}: one model ({role.named}) at two prices; give it one `price` (its replies"
                " are shared by all roles)"
            )
    published = {role.named: price for role in models.values() if (price := role.charged)}
    return published | {model: price for model, (_, price) in found.items()}


def cost(price: Price, prompt_tokens: float, completion_tokens: float) -> float:
    """What the usage of that many prompt and completion tokens costs, at a price per million."""
    return (price.input * prompt_tokens + price.output * completion_tokens) / 1e6


@dataclass(slots=True)
class Usage:
    """How many replies and tokens one model took in one stage of one lane, as the journal counts them."""

    lane: str
    stage: str
    model: str
    calls: int = 0
    """How many replies there were."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unmetered: int = 0
    """How many of these replies came without a token count from their server."""
    given_up: int = 0
    """How many of these replies never came: their requests were given up on."""

    def __post_init__(self) -> None:
        self.lane, self.stage, self.model = map(_text, (self.lane, self.stage, self.model))

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens of these replies together."""
        return self.prompt_tokens + self.completion_tokens

    def cost(self, prices: Prices) -> float | None:
        """What a model's replies in one stage and lane cost; None for a model without a price."""
        price = prices.get(self.model)
        return None if price is None else cost(price, self.prompt_tokens, self.completion_tokens)


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The sum of the usage of several models, stages and lanes: calls, tokens and cost."""

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    metered: bool = True
    """Whether every server gave its token counts; if not, there were at least `tokens`."""
    whole: bool = True
    """Whether all the usage has a price and was metered; if not, it cost at least `cost`."""
    priced: bool = False
    """Whether any of the usage has a price at all."""


class UsageLog:
    """Counts usage by lane, stage and model, reply by reply, starting from that of earlier runs (`written`)."""

    def __init__(self, written: Iterable[Usage] = ()) -> None:
        self._lines = {(line.lane, line.stage, line.model): line for line in written}

    def add(self, origin: Origin, model: str, reply: Reply) -> None:
        """Counts the tokens of one more reply."""
        place = (origin.lane, origin.stage, model)
        if (line := self._lines.get(place)) is None:
            line = self._lines[place] = Usage(*place)
        line.calls += 1
        line.prompt_tokens += reply.prompt_tokens
        line.completion_tokens += reply.completion_tokens
        line.unmetered += unmetered(reply)
        line.given_up += reply.finish == GAVE_UP

    def served(self, model: str) -> bool:
        """Whether a model has answered anything in the usage counted so far."""
        return any(line.model == model and line.calls > line.given_up for line in self.lines())

    def lines(self) -> Iterable[Usage]:
        """The usage counted so far, one entry for each lane, stage and model."""
        return self._lines.values()


def unmetered(reply: Reply) -> bool:
    """Whether a reply's usage is unknown: it came without a token count although it must have taken tokens."""
    return not reply.prompt_tokens + reply.completion_tokens and reply.finish not in UNPAID


def bill(lines: Iterable[Usage], prices: Prices) -> UsageTotal:
    """The sum of these usages; a model without a price adds its tokens alone."""
    found = list(lines)
    costs = [line.cost(prices) for line in found]
    metered = not any(line.unmetered for line in found)
    return UsageTotal(
        calls=sum(line.calls for line in found),
        tokens=sum(line.tokens for line in found),
        cost=sum(cost or 0.0 for cost in costs),
        metered=metered,
        whole=metered and not any(cost is None and line.tokens for line, cost in zip(found, costs, strict=True)),
        priced=any(cost is not None for cost in costs),
    )


def _text(value: object) -> str:
    """Text as it can be written, of whatever a damaged journal has in its place."""
    return plain(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
