"""First of all: what is wrong with the data, by its doubts, controls, cells and measures; each line says where more stands."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from synth.quality.diversity_band import BOUNDS, TELLING
from synth.quality.diversity_report import LEAST
from synth.quality.probe.advice import ALARMS, TELLS
from synth.report.blocks import Cell, Column, Line, Lines, Section, Table, Tone, share, whole
from synth.report.clip import line, name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 50
_LOST: Final = 0.5
"""The share of queries dropped from which on a line speaks of it."""
_AGREED: Final = 0.8
_WRONG: Final = 0.05
"""The share of wrong labels from which on, surely, a line is a warning."""
_TONES: Final[Mapping[str, Tone]] = {"fit": "good", "unfit": "bad"}


def section(facts: ReportFacts, words: Words) -> Section:
    """What is wrong with the data of a run, worst first, and how its judges did on pairs with known labels."""
    found = sorted(_found(facts, words), key=lambda one: ("bad", "warn", "plain", "good").index(one.tone))[:_MOST]
    if all(one.tone in ("good", "plain") for one in found):
        found = [Line("good", words("nothing_wrong")), *found]
    blocks: list[Lines | Table] = [Lines("", found)]
    if facts.all("controls"):
        blocks.append(_controls(facts, words))
    if notes := facts.all("notes"):
        blocks.append(Lines(words("notes_title"), [Line("plain", line(note)) for note in notes[:_MOST]]))
    return Section("doubts", words("doubts_title"), words("doubts_look"), blocks)


def _found(facts: ReportFacts, words: Words) -> Iterator[Line]:
    if facts.running:
        yield Line("warn", words("found_running"))
    elif stopped := facts.run.get("stopped"):
        yield Line("warn", words("found_stopped", why=line(str(stopped).removeprefix("stopped: "))))
    if not facts.counted.rows:
        yield Line("bad", words("found_no_rows"))
    for doubt in facts.all("doubts")[:_MOST]:
        yield _doubt(doubt, facts, words)
    if not facts.all("controls") and facts.told("agreement").get("judges"):
        yield Line("plain", words("found_no_controls"))
    models = [name(judge["model"]) for judge in facts.told("agreement").get("judges") or ()]
    for model in sorted({model for model in models if models.count(model) > 1}):
        yield Line("warn", words("found_one_model", model=model), section="judges")
    yield from _of_readers(facts, words)
    yield from _of_cells(facts, words)
    yield from _of_measures(facts, words)
    yield from _of_probe(facts, words)


def _of_probe(facts: ReportFacts, words: Words) -> Iterator[Line]:
    """What a probe warns of: in its own words, or in another language by what its figures say."""
    found = facts.probe
    if found is None or not found.warnings:
        return
    if words.lang == "en" and facts.samples:
        for warning in found.warnings:
            yield Line("warn", f"{line(warning[:1].upper() + warning[1:])}.", section="probe")
        return
    told = [view for view, auc in found.auc.items() if view != "both" and auc is not None and auc.value >= TELLS]
    if told:
        yield Line("warn", words("found_side", side=words(f"view_{told[0]}")), section="probe")
    worst = max((rate.value for rate in found.false_alarms.values()), default=0.0)
    if worst >= ALARMS:
        yield Line("warn", words("found_alarms", part=share(worst)), section="probe")
    if not told and worst < ALARMS:
        yield Line("warn", words("found_probe"), section="probe")


def _doubt(doubt: Mapping[str, Any], facts: ReportFacts, words: Words) -> Line:
    who = f"{name(doubt['role'])} ({name(doubt['model'])})"
    told, mend = line(doubt["words"]), line(doubt["mend"])
    if words.lang != "en" and (known := words.of("doubt", doubt["kind"])):
        part = f" ({doubt['count'] / doubt['n']:.0%})" if doubt["n"] else ""
        told = known.format(count=whole(doubt["count"]), n=whole(doubt["n"])) + part
        mend = words.of("mend", doubt["kind"]) or ""
    samples = [(name(one["place"]), line(one["text"])) for one in doubt["samples"]] if facts.samples else ()
    return Line("bad" if doubt["whole"] else "warn", f"{who}: {told}", mend, samples=samples)


def _of_readers(facts: ReportFacts, words: Words) -> Iterator[Line]:
    """How many labels are wrong, by people who read rows."""
    found = facts.audit
    if found is None or found.get("error") is None:
        if facts.counted.rows:
            yield Line("plain", words("found_no_readers", folder=line(facts.folder)))
        return
    told = {"rows": whole(found["rows"]), "error": share(found["error"], 1)}
    interval = f"{share(found['low'], 1)} – {share(found['high'], 1)}"
    yield Line("warn" if found["low"] > _WRONG else "plain", words("found_readers", interval=interval, **told))


def _of_cells(facts: ReportFacts, words: Words) -> Iterator[Line]:
    cells = facts.run["cells"]
    short = [cell for cell in cells if cell["status"] != "met"]
    if short:
        lacking = sum(max(0, (cell["target"] or 0) - cell["accepted"]) for cell in short)
        text = words("found_short", cells=whole(len(short)), of=whole(len(cells)), rows=whole(lacking))
        yield Line("warn", text, section="cells")
    under = sum(told.get("under", False) for cell in cells for told in (cell.get("floors") or {}).values())
    if under:
        yield Line("warn", words("found_under", cells=whole(under)), section="cells")
    counts = facts.told("counts")
    if counts.get("born") and counts["dropped"] > _LOST * counts["born"]:
        text = words("found_lost", part=share(counts["dropped"] / counts["born"]))
        yield Line("warn", text, section="funnel")
    overall = facts.told("agreement").get("overall") or {}
    if overall.get("n") and overall["agreed"] < _AGREED:
        yield Line("warn", words("found_agreed", part=share(overall["agreed"])), section="judges")


def _of_measures(facts: ReportFacts, words: Words) -> Iterator[Line]:
    harmful = (facts.told("diversity").get("kinds") or {}).get("harmful") or {}
    told = harmful.get("matched") or {}
    enough = told.get("n", 0) >= LEAST  # of fewer a measure says little
    beyond = [measure for measure, bound in BOUNDS.items() if enough and bound.beyond(told[measure], bound.doubt)]
    doubted = any(doubt["kind"].startswith("diversity_") for doubt in facts.all("doubts"))
    if beyond and not doubted:
        named = ", ".join(words(f"measure_{measure}") for measure in beyond)
        yield Line("warn", words("found_diversity", measures=named), section="diversity")
    tells = [words(f"feature_{one}") for one, value in (harmful.get("telling") or {}).items() if value > TELLING]
    if tells:
        yield Line("warn", words("found_telling", features=", ".join(tells)), section="lengths")


def _controls(facts: ReportFacts, words: Words) -> Table:
    columns = [
        Column(words("judge"), numeric=False),
        Column(words("model"), numeric=False),
        Column(words("right")),
        Column(words("interval")),
        Column(words("verdict"), numeric=False),
    ]
    rows = [
        (
            name(one["role"]),
            name(one["model"]),
            f"{whole(one['right'])} / {whole(one['n'])}",
            f"{share(one['low'])} – {share(one['high'])}",
            Cell(words.of("grade", str(one["verdict"])) or name(one["verdict"]), _TONES.get(one["verdict"], "warn")),
        )
        for one in facts.all("controls")[:_MOST]
    ]
    return Table(words("controls_title"), columns, rows)
