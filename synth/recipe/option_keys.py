"""Keys in the options of a backend, whichever it is and whoever wrote it: none may stand there, and what may hold one is written without."""

import re
from collections.abc import Mapping
from typing import Any

from synth.recipe.credentials import MASK, check_headers, check_options, check_variable, shown

ADDRESS, HEADERS, VARIABLE = "base_url", "headers", "_env"
"""Options of a backend that may hold or name a key: an address, headers, and the ends of names of variables."""
_SCHEME = re.compile(r"(?i)(?:https?|wss?)://")


def check_no_keys(options: Mapping[str, Any]) -> None:
    """ValueError for what looks like a key among the options of any backend: headers and names of variables
    (`api_key_env`) as their kind is, addresses not at all: they are asked with what they hold, and written down without
    it."""
    for name, value in options.items():
        if name.endswith(VARIABLE) and isinstance(value, str):
            check_variable(value)
        elif name == HEADERS and isinstance(value, Mapping):
            if all(isinstance(one, str) for pair in value.items() for one in pair):
                check_headers(value)
        elif isinstance(value, Mapping):
            check_no_keys({str(key): below for key, below in value.items() if _of_kind(str(key), below)})
            check_options({name: {key: below for key, below in value.items() if not _of_kind(str(key), below)}})
        elif not _is_address(name, value):
            check_options({name: value})


def _of_kind(name: str, value: Any) -> bool:
    return name.endswith(VARIABLE) or name == HEADERS or _is_address(name, value)


def _is_address(name: str, value: Any) -> bool:
    return isinstance(value, str) and (name == ADDRESS or _SCHEME.match(value) is not None)


def without_keys(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a backend as they may be written down, without API keys: headers by their variables' names, addresses
    as `shown` gives them."""
    return {name: _without_keys(str(name), value) for name, value in options.items()}


def _without_keys(name: str, value: Any) -> Any:
    if name == HEADERS and isinstance(value, Mapping):
        return {key: one if "$" in str(one) else MASK for key, one in value.items()}
    if isinstance(value, Mapping):
        return without_keys(value)
    if isinstance(value, list | tuple):
        return [_without_keys(name, one) for one in value]
    return shown(value) if _is_address(name, value) else value
