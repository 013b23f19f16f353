"""Several people's labels of the same rows: what most of them say, and how far they agree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from synth.errors import ConfigError
from synth.quality.agreement import agreement
from synth.quality.labelled import Labelled, LabelledRow
from synth.recipe.labels import NO_VERDICT, LabelScheme
from synth.sanitize import shortened


def together(files: Sequence[Labelled], scheme: LabelScheme) -> Labelled:
    """The files of several readers as one: each row with the label that most of its readers gave, and how far they agree. Rows on which no
    label has most votes are left out and counted. Of one file it is that file. ConfigError where readers have no row in common."""
    if len(files) == 1:
        return files[0]
    for number, file in enumerate(files):
        if any(_one_file(file, other) for other in files[:number]):
            raise ConfigError(
                f"{file.paths[0]}: named twice, and a reader agrees with himself; name a file of each reader"
            )
    rows = ballots(files)
    tally = Counter("".join(_mark(told.get(reader), scheme) for reader in range(len(files))) for _, told in rows)
    names = _names(files)
    found = agreement([(name, name) for name in names], [("all", tally)], scheme)
    if not found["alpha"]["n"]:
        raise ConfigError(f"{', '.join(names)}: no row that two readers have labelled; are they sheets of one audit?")
    voted = [(row, _most(told)) for row, told in rows]
    kept = [replace(row, label=label) for row, label in voted if label is not None]
    found["tied"] = len(voted) - len(kept)
    paths = tuple(dict.fromkeys(path for file in files for path in file.paths))
    blank, cut = sum(file.blank for file in files), sum(file.cut for file in files)
    date = max(filter(None, (file.date for file in files)), default=None)
    return Labelled(paths, kept, blank, cut, found, date=date)


def gathered(files: Sequence[Labelled]) -> list[Labelled]:
    """Labelled files, those of one reader (who says so in each) as one. ConfigError where two of them differ on a row."""
    found: list[Labelled] = []
    for file in files:
        same = next((one for one in found if file.reader and file.reader == one.reader), None)
        if same is None or _one_file(same, file):  # a file named twice is refused by `together`
            found.append(file)
            continue
        known = {row.id: row.label for row in same.rows}
        if lost := next((row for row in file.rows if known.get(row.id, row.label) != row.label), None):
            raise ConfigError(
                f"{lost.place}: reader {shortened(file.reader, 40)} gives another label than in {same.name}; name the file saved last alone, "
                "or let each reader give a name of his own"
            )
        same.rows.extend(row for row in file.rows if row.id not in known)
        same.paths, same.blank, same.cut = (*same.paths, *file.paths), same.blank + file.blank, same.cut + file.cut
        same.date = max(filter(None, (same.date, file.date)), default=None)
    return found


def _one_file(first: Labelled, second: Labelled) -> bool:
    paths = {path.resolve() for path in first.paths} & {path.resolve() for path in second.paths}
    return bool(paths) and first.reader == second.reader


def ballots(files: Sequence[Labelled]) -> list[tuple[LabelledRow, dict[int, str]]]:
    """Every row of several readers' files, found again among them by its id, if no other row of the file has it, or else its text, with
    each reader's label."""
    rows: list[tuple[LabelledRow, dict[int, str]]] = []
    known: dict[str, int] = {}
    for reader, file in enumerate(files):
        ids = Counter(row.id for row in file.rows)
        for row in file.rows:
            keys = [key for key in (row.id if ids[row.id] == 1 else None, row.text) if key is not None]
            at = next((known[key] for key in keys if key in known), len(rows))
            if at == len(rows):
                rows.append((row, {}))
            for key in keys:
                known.setdefault(key, at)
            rows[at][1].setdefault(reader, row.label)
    return rows


def _mark(label: str | None, scheme: LabelScheme) -> str:
    return NO_VERDICT if label is None else str(scheme.names.index(label))


def _most(told: dict[int, str]) -> str | None:
    (label, most), *others = Counter(told.values()).most_common()
    return None if others and others[0][1] == most else label


def _names(files: Sequence[Labelled]) -> list[str]:
    names = [file.reader or file.paths[0].name for file in files]
    return [str(file.paths[0]) if names.count(name) > 1 else name for file, name in zip(files, names, strict=True)]
