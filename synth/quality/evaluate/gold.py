"""The rows of a test, out of anybody's table: what a guard is asked of, and what is known of each."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.errors import ConfigError, did_you_mean
from synth.filters.language.response_class import response_class
from synth.hashing import short_hash
from synth.recipe.guard.truth import refuses
from synth.recipe.labels import KNOWN, LabelScheme
from synth.sanitize import plain, shortened
from synth.tables.columns import find
from synth.tables.io import batches, files_of
from synth.tables.labels import LABEL, LabelReader, is_empty, reader_of
from synth.tables.names import listed
from synth.tables.text_columns import FOUND, Choice, Columns
from synth.types import Label

HARM: Final = ("query_label", "prompt_harm_label", "prompt_label", "query_type")
"""Columns that say whether the query is after harm, the first that has a word counts."""
_HARM: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("harmful", "unsafe", "有害", "不安全", "1", "true"), True),
    **dict.fromkeys(("benign", "unharmful", "harmless", "safe", "无害", "安全", "0", "false"), False),
}
_REFUSALS: Final = {"refusal": True, "yes": True, "compliance": False, "no": False}
SPLITS: Final = ("test", "validation", "train")
"""Of a run's folder the first of these that has rows is the test."""
CATEGORY: Final = ("subcategory", "sub_category_name", "category", "subcategory_name")


@dataclass(frozen=True, slots=True)
class Case:
    """A row of a test as a guard is asked of it, with what is known of it."""

    id: str
    query: str
    response: str | None
    label: Label | None
    """Of the answer in its conversation; None where nobody says."""
    harm: bool | None
    """Whether the query is after harm; None where nobody says."""
    refusal: bool | None
    """Whether the answer refuses; None where there is none."""
    categories: tuple[str, ...]
    """Those it violates, by id or as the test calls them."""
    subject: str | None
    """The category that its query is about, whatever becomes of it."""
    source: str
    facets: Mapping[str, str]
    """What it is told apart by in tables: query type, attack, class of the answer, category."""
    row: Mapping[str, Any]


@dataclass
class Gold:
    """A test as gold: its rows, the labels they bear, and what was left out of it."""

    path: Path
    labels: LabelScheme
    cases: list[Case] = field(default_factory=list)
    unlabelled: int = 0
    """Rows that say neither what the answer is nor what the query is after."""
    split: str = ""
    """Of a run's folder or a data set, the split that was taken."""

    def asked(self, mode: str) -> list[Case]:
        """The cases of a test that a guard is asked in a mode: `answer`, those with a labelled answer; `prompt`, those whose
        query is known to be harmful or benign."""
        if mode == "prompt":
            return [case for case in self.cases if case.harm is not None]
        return [case for case in self.cases if case.response is not None and case.label is not None]


def gold_of(path: Path, label_names: str | None = None, split: str | None = None, choice: Choice = FOUND) -> Gold:
    """The test at `path`: Libra-Test's fields, a run's own rows, WildGuard's columns, or any table of query, response and label.
    ConfigError for what is no test."""
    if (path / "journal.sqlite").exists() and not (path / "dataset").is_dir():
        raise ConfigError(f"{path}: holds no dataset yet; the command that began it goes on with it")
    reader = reader_of(path, label_names)
    files, taken = _split(files_of(path), split, path)
    columns = find(path, files, choice)
    found, seen = Gold(path, reader.scheme, split=taken), Counter[str]()
    for place, row in _rows(files):
        if choice.label is not None and choice.label not in row:
            raise ConfigError(f"{place}: no column {choice.label!r} (--label-column); there is: {listed([*row])}")
        if (case := _case(row, place, reader, path.stem, columns, labelled=choice.label)) is None:
            found.unlabelled += 1
            continue
        seen[case.id] += 1
        if seen[case.id] > 1 and "id" in row:
            raise ConfigError(f"{place}: id {case.id!r} stands twice; give every row of the test an id of its own")
        found.cases.append(case)
    if not found.cases:
        raise ConfigError(f"{path}: holds no labelled rows to measure a guard by")
    return found


def ordinary(path: Path, choice: Choice = FOUND) -> list[Case]:
    """The rows of a table of ordinary questions with helpful answers, as cases that no guard should call unsafe, whatever
    their labels."""
    found, files = [], files_of(path)
    columns = find(path, files, choice)
    for place, row in _rows(files):
        query = _query(row, place, columns)
        if response := _response(row, columns):
            facets: Mapping[str, str] = {}
            id = short_hash(query, response)
            found.append(Case(id, query, response, KNOWN.safe, None, None, (), None, path.stem, facets, row))
    if not found:
        raise ConfigError(
            f"{path}: no row has an answer; needs a column 'response', 'answer', 'output' or 'completion'"
        )
    return found


def _split(files: list[Path], split: str | None, path: Path) -> tuple[list[Path], str]:
    """Of a data set's shards those of one split."""
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(file.name.partition("-")[0].partition(".")[0], []).append(file)
    known = [name for name in SPLITS if name in by_name]
    if split is not None:
        if split not in by_name:
            raise ConfigError(f"{path}: has no split {split!r}; {did_you_mean(split, by_name)}", status=2)
        return by_name[split], split
    if path.is_file() or not known or not set(by_name) - {known[0]}:
        return files, known[0] if known and path.is_dir() else ""
    return by_name[known[0]], known[0]


def _rows(files: Sequence[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files:
        for batch in batches(file):
            for number, row in enumerate(batch.rows, start=batch.first):
                yield f"{file}: row {number}", row


def _case(
    row: dict[str, Any], place: str, reader: LabelReader, name: str, columns: Columns, *, labelled: str | None
) -> Case | None:
    """None for a row that nobody has labelled."""
    query, response = _query(row, place, columns), _response(row, columns)
    harm = _harm(row, place)
    label = reader.read(row, labelled, place) if labelled else _label(row, place, reader, known=harm is not None)
    if label is None and harm is None:
        return None
    source, id = row.get("source"), row.get("id")
    kind = None if response is None else _word(row, "response_class") or response_class(response, query)
    return Case(
        id=plain(str(id)) if id is not None else short_hash(query, response or ""),
        query=query,
        response=response,
        label=label,
        harm=harm,
        refusal=None if kind is None else _refusal(row, kind),
        categories=_categories(row, reader.scheme, label),
        subject=_subject(row),
        source=plain(source) if isinstance(source, str) and source else name,
        facets=_facets(row, query if response is None else response, kind),
        row=row | {"context": context} if (context := _context(row, place, columns)) else row,
    )


def _query(row: Mapping[str, Any], place: str, columns: Columns) -> str:
    query = columns.query_of(row, place)
    if query is None or not query.strip():
        raise ConfigError(f"{place}: no text under {columns.name!r}, so there is nothing to ask a guard")
    return plain(query)


def _response(row: Mapping[str, Any], columns: Columns) -> str | None:
    found = columns.answer_of(row)
    return plain(found) if found and found.strip() else None


def _context(row: Mapping[str, Any], place: str, columns: Columns) -> list[dict[str, str]]:
    return [{"role": who, "content": plain(text)} for who, text in columns.earlier(row, place)]


def _label(row: Mapping[str, Any], place: str, reader: LabelReader, *, known: bool) -> Label | None:
    """A row may do without the column where it says what the query is after."""
    if reader.found(row) is None:
        if known:
            return None
        raise ConfigError(f"{place}: no column {LABEL!r}; there is: {listed([*row])}; --label-column names it")
    return reader.read(row, reader.column(row, place), place)


def _harm(row: Mapping[str, Any], place: str) -> bool | None:
    for name in HARM:
        value = row.get(name)
        if is_empty(value):
            continue
        said = _HARM.get(str(value).strip().lower())
        if said is None:
            raise ConfigError(f"{place}: {name} {shortened(repr(value), 80)} is neither harmful nor benign")
        return said
    return None


def _refusal(row: Mapping[str, Any], kind: str) -> bool:
    """As people say; else as of any row whose answer is of this class."""
    said = _REFUSALS.get((_word(row, "response_refusal_label") or "").lower())
    return refuses({"notes": row.get("notes"), "response_class": kind}) if said is None else said


def _categories(row: Mapping[str, Any], scheme: LabelScheme, label: Label | None) -> tuple[str, ...]:
    if label is not None and label in scheme.names and not scheme.unsafe(label):
        return ()
    several = row.get("categories")
    if isinstance(several, list | tuple) and several and all(isinstance(one, str) for one in several):
        return tuple(several)
    one = _subject(row)
    return (one,) if one else ()


def _subject(row: Mapping[str, Any]) -> str | None:
    return next((found for name in CATEGORY if (found := _word(row, name))), None)


def _facets(row: Mapping[str, Any], text: str, kind: str | None) -> dict[str, str]:
    found = {"category": _subject(row)}
    found["scenario"] = next((told for name in ("scenario", "category_name") if (told := _word(row, name))), None)
    found["query type"] = _word(row, "query_type")
    if "attack" in row:
        found["attack"] = _word(row, "attack") or "none"
    elif isinstance(row.get("adversarial"), bool):
        found["attack"] = "adversarial" if row["adversarial"] else "none"
    found |= {"response class": kind, "length": _band(len(text)), "language": _language(text[:400])}
    if _word(row, "twin_id"):
        found["twin"] = "twin"
    return {name: value for name, value in found.items() if value}


def _word(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return plain(value) if isinstance(value, str) and value.strip() else None


def _band(size: int) -> str:
    bounds = (50, 200, 500, 1_000)
    low = max((bound + 1 for bound in bounds if size > bound), default=1)
    high = next((bound for bound in bounds if size <= bound), None)
    return f"{low}-{high}" if high else f"{low}+"


def _language(text: str) -> str:
    han = sum("\u3400" <= c <= "\u9fff" for c in text)
    letters = sum(c.isalpha() for c in text)
    return "other" if not letters else "zh" if han * 5 >= letters else "not zh"
