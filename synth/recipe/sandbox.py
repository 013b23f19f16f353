"""Jinja's sandbox with bounds: a prompt that would take a machine's memory, or never end, is refused in words where that can be seen."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Final

import jinja2
import jinja2.nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST: Final = 8 * 2**20
"""Characters of a template, and of what it says."""
TURNS: Final = 1_000_000
"""How often the loops of a template may go round, together, while it says something once."""
_WIDEST: Final = 1_000_000
"""The largest number that says how wide, or how often."""
_SIZED: Final = frozenset(("center", "ljust", "rjust", "zfill", "expandtabs", "replace"))
_FILTERS: Final = ("batch", "center", "format", "indent", "slice", "truncate", "wordwrap")
_WIDE_FORMAT: Final = re.compile(r"%[-+ #0-9.(\w)]*?(?:\d{7,}|\*)|:[^{}]*\d{7,}|:[^{}]*\{")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox in which loops, widths, powers and repetitions are bounded. What a loop without output does besides is the
    author's: a template is code of theirs."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._left = TURNS
        del self.globals["lipsum"]  # text by chance, without bound
        self.filters |= {name: _bounded(self.filters[name]) for name in _FILTERS} | {"_counted": self._counted}

    def begin(self) -> None:
        """Lets the loops of a template go round as often as they may once more."""
        self._left = TURNS

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """What `*`, `**` and `%` give. Raises SecurityError where that would be larger than any prompt."""
        texts = [one for one in (left, right) if isinstance(one, str | list | tuple)]
        numbers = [one for one in (left, right) if isinstance(one, int)]
        if operator == "*" and texts and numbers and len(texts[0]) * numbers[0] > LARGEST:
            raise SecurityError(f"repeats a text {numbers[0]:,} times")
        if operator == "**" and len(numbers) == 2 and abs(left).bit_length() * right > 64 * 64:
            raise SecurityError("a power of thousands of digits")
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, called: Any, *args: Any, **named: Any) -> Any:
        """What a call in a template gives. Raises SecurityError for a text made wider than any prompt."""
        of = getattr(called, "__self__", None)
        if isinstance(of, str) and getattr(called, "__name__", "") in _SIZED:
            _check_numbers(args, named)
        return super().call(context, called, *args, **named)

    def wrap_str_format(self, value: Any) -> Any:
        """What stands for `str.format` in a template. Raises SecurityError for a text that formats wider than any prompt."""
        if isinstance(of := getattr(value, "__self__", None), str) and value.__name__ in ("format", "format_map"):
            _check_format(of)
        return super().wrap_str_format(value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> jinja2.nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(jinja2.nodes.For):
            loop.iter = jinja2.nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
        return tree

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._left -= 1
            if self._left < 0:
                raise SecurityError(f"its loops go round more than {TURNS:,} times")
            yield item


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def bounded(*args: Any, **named: Any) -> Any:
        _check_numbers(args, named)
        if function.__name__ == "do_format":
            _check_format(str(args[0]))
        return function(*args, **named)

    return bounded


def _check_numbers(args: Iterable[Any], named: dict[str, Any]) -> None:
    for one in (*args, *named.values()):
        if isinstance(one, int) and abs(one) > _WIDEST:
            raise SecurityError(f"asks for a width of {one:,}")


def _check_format(text: str) -> None:
    if found := _WIDE_FORMAT.search(text):
        raise SecurityError(f"formats by {found[0][:40]!r}, whose width is unbounded")
