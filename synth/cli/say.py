"""The one way in which the command line speaks: every line plain to a terminal, and of bounded length; objects as JSON."""

import json
import unicodedata
from typing import Any, Final

import click

from synth.sanitize import for_terminal, plain

_LONGEST: Final = 20_000
"""Characters of a line of a command's output."""
_LONGEST_WORD: Final = 2_000
"""Characters of a line that says what is wrong."""


def say(text: object, *, err: bool = False) -> None:
    """Prints a command's text for people, on stdout or stderr: what would move the cursor, turn the writing around or hide stands as
    middle dots, and a line that goes on is cut."""
    click.echo(shown(str(text), _LONGEST), err=err)


def complain(text: object) -> None:
    """Prints one line on stderr, that begins with the program's name: what is wrong, or worth a word."""
    click.echo(f"synth: {shown(' '.join(str(text).splitlines()), _LONGEST_WORD)}", err=True)


def give(facts: object) -> None:
    """Prints what a command found as one JSON object, the only thing on stdout. Characters that move the cursor, hide or are half
    a pair stand as escapes, so whoever reads the object has them again."""
    click.echo(escaped(json.dumps(facts, ensure_ascii=False, default=str)))


def escaped(text: str) -> str:
    """A text of JSON in which what moves the cursor, hides or is half a pair stands as escapes; it says the same."""
    return "".join(map(_escaped, text))


def then(*lines: str) -> None:
    """Says on stderr what to do next: the last words of a command, a line for each thing."""
    say("next: " + "\n      ".join(line for line in lines if line), err=True)


def tell(found: Any, as_json: bool, line: str) -> None:
    """Either what a command found as JSON (`facts`), or its `parts` for the terminal and a line on what comes next."""
    from synth.cli.table import lines

    if as_json:
        give(found.facts)
        return
    for text in lines(found.parts):
        say(text)
    then(line)


def shown(text: str, most: int) -> str:
    """A text for a terminal, no line of it longer than that many characters."""
    lines = text.split("\n")
    cut = (line if len(line) <= most else f"{line[: most // 2]} … {line[-most // 4 :]}" for line in lines)
    return for_terminal(plain("\n".join(cut)))


def _escaped(letter: str) -> str:
    hides = unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs")
    return json.dumps(letter)[1:-1] if hides and letter != "\n" else letter
