"""`report.html`: a run's folder as one page to read, in a bounded size whatever the folder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from synth import aside
from synth.errors import ConfigError, as_written
from synth.report.blocks import Section, share, whole
from synth.report.clip import name
from synth.report.entries import Entry
from synth.report.facts import ReportFacts, facts_of
from synth.report.page import as_json, page
from synth.report.sections import (
    browse,
    cells,
    classes,
    cost,
    coverage,
    diversity,
    doubts,
    funnel,
    judges,
    lengths,
    novelty,
    probe,
)
from synth.report.words import Words, words_of

NAME: Final = "report.html"
ORDER: Final = (doubts, funnel, cells, coverage, diversity, novelty, judges, classes, lengths, probe, cost, browse)
"""The sections of a report, as they stand in it."""
_BYTES: Final = 3_200_000
"""Of rows and drops that a page holds at most."""
_TOLD: Final = ("table", "lines", "funnel")
_WRITTEN: Final = ("doubt_", "mend_", "found_", "reason_")
"""Words that stand in a page where they are said, and which no script says."""
_OURS: Final = b"<!DOCTYPE html>"


def report(folder: Path, *, lang: str = "en", samples: bool = True) -> str:
    """What a run's folder holds, as one HTML page in a language (`en` or `zh`). Without `samples` no text of a row, drop or doubt is in
    it. The same folder gives the same bytes. ConfigError where the folder holds no run, or something in it is damaged."""
    facts, words = facts_of(folder, samples=samples), words_of("report", lang)
    with as_written(folder / "run.json"):
        sections = _sections(facts, words)
        top = _top(facts, words)
    return page(
        "report",
        lang=words.lang,
        words={key: text for key, text in words.texts.items() if not key.startswith(_WRITTEN)},
        data=_data(facts),
        values={"title": _title(facts, folder), "top": top, "sections": sections},
    )


def _title(facts: ReportFacts, folder: Path) -> str:
    """The recipe's name, and the folder's where that is another and may be told."""
    where = folder.resolve().name
    return name(facts.name if not facts.samples or where in ("", facts.name) else f"{facts.name} · {where}")


def report_facts(folder: Path, *, lang: str = "en", samples: bool = True) -> dict[str, Any]:
    """What the report of a run's folder tells, as nested dicts for JSON: its tables and lines by section, without figures and rows."""
    facts, words = facts_of(folder, samples=samples), words_of("report", lang)
    with as_written(folder / "run.json"):
        held = [asdict(section) for section in _sections(facts, words)]
        top = dict(_top(facts, words))
    told = [{**one, "blocks": [block for block in one["blocks"] if block["kind"] in _TOLD]} for one in held]
    return {"name": name(facts.name), "top": top, "sections": [one for one in told if one["blocks"]]}


def _sections(facts: ReportFacts, words: Words) -> Sequence[Section]:
    return [found for one in ORDER if (found := one.section(facts, words)) is not None]


def write_report(folder: Path, out: Path | None = None, *, lang: str = "en", samples: bool = True) -> Path:
    """Writes a run's folder as a page to `out`, in the folder itself unless told otherwise, and gives where it lies. ConfigError where
    something else stands there."""
    place = out or folder / NAME
    if place.exists() and not aside.begins(place, _OURS):
        raise ConfigError(f"{place}: holds something else than a report; choose another -o FILE")
    text = report(folder, lang=lang, samples=samples)
    try:
        with aside.file(place) as new:
            new.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written ({error.strerror}); choose another -o FILE") from error
    return place


def _top(facts: ReportFacts, words: Words) -> Sequence[tuple[str, str]]:
    """The figures above all sections: what each is, and what it is here."""
    cells = facts.run["cells"]
    wanted = sum(cell["target"] or 0 for cell in cells)
    accepted = sum(cell["accepted"] for cell in cells)
    met = sum(cell["status"] == "met" for cell in cells)
    overall = facts.told("agreement").get("overall") or {}
    total = facts.told("total")
    cost = f"{total['cost']:,.2f}" if total.get("priced") else f"{(total.get('tokens') or 0) / 1e6:,.1f} M"
    return [
        (words("top_rows"), f"{whole(accepted)} / {whole(wanted)}" if wanted else whole(accepted)),
        (words("top_cells"), f"{whole(met)} / {whole(len(cells))}"),
        (words("top_agreed"), share(overall.get("agreed"), 1)),
        (words("top_cost") if total.get("priced") else words("top_tokens"), cost),
    ]


def _data(facts: ReportFacts) -> Mapping[str, Any]:
    """What the page's script reads: rows and drops to look at, as many as its size allows."""
    drops: dict[str, list[Entry]] = {}
    kinds = [list(found) for found in facts.drops.values()]
    room = _BYTES // 3
    for number in range(max(map(len, kinds), default=0)):
        for found in kinds:
            if number < len(found) and (room := room - _size(found[number])) > 0:
                drops.setdefault(found[number]["class"], []).append(found[number])
    room = _BYTES - _BYTES // 3
    rows = [row for row in facts.rows if (room := room - _size(row)) > 0]
    return {"rows": rows, "drops": drops, "safe": facts.labels.safe}


def _size(entry: Entry) -> int:
    return len(as_json(entry).encode()) + 1
