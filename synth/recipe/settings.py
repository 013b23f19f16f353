"""Settings of the command line: `--set KEY=VALUE`, with values as YAML has them."""

from collections.abc import Sequence
from typing import Any

import yaml

from synth.errors import ConfigError
from synth.recipe import bounds
from synth.recipe.credentials import hidden
from synth.sanitize import DEEPEST, shortened


def setting(given: str, *, example: str, status: int = 2) -> tuple[str, Any]:
    """The key and the value of a `--set KEY=VALUE`. ConfigError, which ends in that exit status, for another text; it shows the
    example."""
    key, separator, text = given.partition("=")
    if not separator or not key:
        raise ConfigError(f"--set {hidden(given)!r}: must be KEY=VALUE, e.g. {example}", status=status)
    try:
        bounds.check(text)
        return key, yaml.safe_load(text)
    except bounds.Unbounded as error:
        raise ConfigError(f"--set {key}: {error}", status=status) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(f"--set {key}: the value is not YAML", status=status) from error


def put(data: dict[str, Any], key: str, value: Any, *, status: int = 2) -> Sequence[str]:
    """Puts the value of a `--set` under its key, whose parts stand in one another (`a.b` in `a`); gives the parts. ConfigError,
    which ends in that exit status, where one of them holds no keys."""
    *parents, last = parts = key.split(".")
    if len(parts) > DEEPEST:
        raise ConfigError(f"--set {shortened(key, 60)}: names {len(parts):,} keys within one another", status=status)
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {key}: {parent!r} holds a single value, no keys", status=status)
    data[last] = value
    return parts
