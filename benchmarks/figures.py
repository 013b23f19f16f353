"""A measured figure with its interval and on whose text it rests, and the table that they make in docs/filters.md."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shares import wilson

BEGIN, END = "<!-- evidence -->", "<!-- end of evidence -->"
TITLES = {
    "real": "On real text, written by others",
    "here": "On text written for synth",
    "planted": "On defects planted by program",
}


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, what is asked of it, what was found, on whose text."""

    name: str
    asked: float | None
    """The least, or with `most` the most, that is right; None: nothing is asked."""
    value: float
    interval: tuple[float, float]
    rows: int
    source: Mapping[str, str]
    """`text` (whose it is), `labels` (who gave them), `origin`: one of `TITLES`."""
    note: str = ""
    judged: float | None = None
    """What is held against `asked` where that is not the value."""
    most: bool = False

    @property
    def holds(self) -> bool:
        """Whether what is asked is met; a figure of which nothing is asked always holds."""
        value = self.value if self.judged is None else self.judged
        return self.asked is None or (value <= self.asked if self.most else value >= self.asked)

    def line(self) -> str:
        """The table's row."""
        show = (
            (lambda one: f"{one:.2%}") if self.most or "found" in self.name or "share" in self.name else "{:.2f}".format
        )
        asked = "" if self.asked is None else f"{'at most' if self.most else 'at least'} {show(self.asked)}"
        if self.asked is not None and not self.holds:
            asked += ", **not met**"
        low, high = self.interval
        told = (self.source["text"], self.source["labels"])
        return f"| {' | '.join((self.name, asked, f'{show(self.value)} ({show(low)} to {show(high)})', f'{self.rows:,}', *told, self.note))} |"


def at_most(name: str, asked: float, counts: tuple[int, int], source: Mapping[str, str], note: str = "") -> Figure:
    """A share that is to be small: hits of how many."""
    hits, of = counts
    return Figure(name, asked if of else None, hits / max(1, of), wilson(hits, of), of, source, note, most=True)


def at_least(name: str, asked: float, counts: tuple[int, int], source: Mapping[str, str], note: str = "") -> Figure:
    """A share that is to be large: hits of how many."""
    hits, of = counts
    return Figure(name, asked if of else None, hits / max(1, of), wilson(hits, of), of, source, note)


def rendered(figures: Iterable[Figure]) -> str:
    """Tables by origin, real text first."""
    found = list(figures)
    parts = []
    for origin, title in TITLES.items():
        if lines := [figure.line() for figure in found if figure.source["origin"] == origin]:
            head = "| figure | asked | found (95 %) | rows | whose text | who labelled it | |\n|---|---|---|---|---|---|---|"
            parts.append("\n".join((f"### {title}\n", head, *lines)))
    return "\n\n".join(parts)


def put_into(table: Path, text: str) -> None:
    """Replaces what stands between the two marks of a document."""
    whole = table.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not between.search(whole):
        raise SystemExit(f"{table}: no {BEGIN} … {END} in it; run benchmarks/filters.py once")
    table.write_text(between.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", whole), encoding="utf-8")


def standing(table: Path) -> str:
    """What stands between the two marks, to be kept when the rest is written anew."""
    found = re.search(f"{re.escape(BEGIN)}(.*){re.escape(END)}", table.read_text(encoding="utf-8"), re.DOTALL)
    return found[1].strip() if found else ""
