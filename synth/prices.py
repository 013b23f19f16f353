"""What models cost, by name: the journal books by model, so a model has one price whatever role it plays."""

from collections.abc import Mapping

from synth.errors import ConfigError
from synth.role import Price, Role

Prices = Mapping[str, Price]


def prices(models: Mapping[str, Role]) -> dict[str, Price]:
    """The price of every model that has one. ConfigError for a model that two roles give different prices."""
    found: dict[str, tuple[str, Price]] = {}
    for name, role in models.items():
        if role.price is None:
            continue
        first, price = found.setdefault(role.model, (name, role.price))
        if price != role.price:
            raise ConfigError(
                f"models.{first} and models.{name}: one model ({role.model}) at two prices; give it one `price` (its replies"
                " are shared by all roles)"
            )
    return {model: price for model, (_, price) in found.items()}


def cost(price: Price, prompt_tokens: float, completion_tokens: float) -> float:
    """Of so many tokens."""
    return (price.input * prompt_tokens + price.output * completion_tokens) / 1e6
