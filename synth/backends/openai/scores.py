"""How likely the tokens of an answer were, as servers of OpenAI's kind tell (`logprobs`); what is no probability is not taken."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, TypeAlias

from synth.sanitize import plain
from synth.types import TokenScores

FIRST = LAST = 64
"""Tokens at either end of an answer whose alternatives are kept: a verdict stands at one of them."""
MOST, LONGEST = 100_000, 200
"""Tokens of an answer that are kept at most, and characters of one."""
ALTERNATIVES = 20
LEAST = -1e6
"""The log probability under which nothing is believed."""

_Told: TypeAlias = tuple[Any, list[tuple[Any, Any]]]


def scores_of(told: Any) -> TokenScores:
    """The tokens of an answer with the likeliest at each place, of what a completion tells under `logprobs`; nothing where that
    cannot be read."""
    if not isinstance(told, Mapping):
        return ()
    if isinstance(told.get("content"), list):
        each = list(_of_chat(told["content"]))
    elif isinstance(told.get("tokens"), list):
        each = list(_of_text(told["tokens"], told))
    else:
        return ()
    if len(each) > MOST or not all(isinstance(token, str) for token, _ in each):
        return ()
    last = len(each) - LAST
    return tuple(
        (plain(token[:LONGEST]), _likeliest(some) if at < FIRST or at >= last else ())
        for at, (token, some) in enumerate(each)
    )


def _of_chat(content: list[Any]) -> Iterator[_Told]:
    for one in content:
        if isinstance(one, Mapping):
            some = [entry for entry in (one, *_list(one.get("top_logprobs"))) if isinstance(entry, Mapping)]
            yield one.get("token"), [(entry.get("token"), entry.get("logprob")) for entry in some]


def _of_text(tokens: list[Any], told: Mapping[str, Any]) -> Iterator[_Told]:
    """The older shape, of completions of plain text."""
    own, tops = _list(told.get("token_logprobs")), _list(told.get("top_logprobs"))
    for token, logprob, top in zip_longest(tokens, own[: len(tokens)], tops[: len(tokens)]):
        yield token, [(token, logprob), *(top.items() if isinstance(top, Mapping) else ())]


def _likeliest(some: list[tuple[Any, Any]]) -> tuple[tuple[str, float], ...]:
    found: dict[str, float] = {}
    for token, logprob in some:
        if isinstance(token, str) and isinstance(logprob, int | float) and LEAST <= logprob <= 0.001:
            found.setdefault(plain(token[:LONGEST]), round(min(0.0, float(logprob)), 5))
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0]))[:ALTERNATIVES])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
