"""Whether a text is verse: lines that end where a line ends and not where a sentence does."""

from statistics import median

_LINES, _LONGEST, _ENDED = 4, 24, 0.5


def is_verse(text: str) -> bool:
    """Whether most lines of a text are short and do not end as sentences do: a song, a poem, slogans."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) < _LINES or median(map(len, lines)) > _LONGEST:
        return False
    return sum(line[-1] in "。！？!?；;：:" for line in lines) <= _ENDED * len(lines)
