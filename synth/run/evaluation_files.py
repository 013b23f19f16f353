"""What an evaluation leaves in its folder: results, a block for a model's card, the guard's answers in Libra's shape."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from synth import __version__, aside
from synth.errors import ConfigError
from synth.journal.decisions import EVAL
from synth.journal.reader import Reader
from synth.quality.evaluate import table
from synth.quality.evaluate.gold import Case
from synth.quality.evaluate.predictions import lines
from synth.quality.evaluate.reading import Said
from synth.quality.evaluate.report import Report
from synth.recipe.guard.format import Mode
from synth.run.folder import writable

RESULTS, PREDICTIONS, CARD = "results.json", "predictions.jsonl", "card.md"
BEGINS: Final = b'{\n "eval"'
"""How results.json begins, by which it is known as synth's."""
_APART: Final = re.compile(r"[^\w.@-]+")
PLACES: Final[Mapping[Mode, str]] = {"answer": "predictions", "prompt": "predictions-prompt"}
"""In folders of their own, since Libra-Test's script reads every file of the folder that it is given."""


def default_folder(test: Path, guard: str, model: str) -> Path:
    """Where an evaluation goes that the user gave no folder: one for each test, guard and model, or one without the model's name that
    an earlier synth began for this very model."""
    short = Path("runs") / f"eval-{test.stem}-{Path(guard).stem}"
    whole = short.with_name(f"{short.name}-{_APART.sub('-', model).strip('-.')[:80]}")
    if not whole.exists() and (short / "journal.sqlite").is_file():
        with suppress(ConfigError), Reader(short) as journal:
            if any(kind == EVAL and body["model"] == model for kind, body in journal.decisions()):
                return short
    return whole


def as_json(report: Report) -> str:
    """The evaluation as JSON, as results.json holds it."""
    return json.dumps({"eval": __version__, **asdict(report)}, ensure_ascii=False, indent=1) + "\n"


def refuse_foreign(folder: Path) -> None:
    """ConfigError where something that synth did not write stands under a name that an evaluation writes to."""
    names = [RESULTS, CARD, *(f"{place}/{PREDICTIONS}" for place in PLACES.values())]
    there = [folder / name for name in names if (folder / name).exists()]
    if there and not aside.begins(folder / RESULTS, BEGINS):
        raise ConfigError(f"{there[0]}: is not what synth eval wrote; move it away, or choose another -o DIR")


def write(
    folder: Path,
    report: Report,
    counted: Mapping[Mode, Sequence[tuple[Case, Said]]],
    read: Path | None,
    *,
    measured: bool = True,
) -> list[Path]:
    """Writes an evaluation's files, and gives their paths; those that predictions were `read` from stay as they are. Of one in which
    nothing was measured there is nothing for a card."""
    texts: dict[str, Iterable[str]] = {RESULTS: [as_json(report)]}
    if measured:
        texts[CARD] = [table.card(report)]
    for mode, pairs in counted.items():
        texts[f"{PLACES[mode]}/{PREDICTIONS}"] = lines(pairs)
    written = []
    with writable(folder):
        for name, text in texts.items():
            path = folder / name
            if read is not None and path.exists() and (path.samefile(read) or path.parent.samefile(read)):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.file(path) as new, new.open("w", encoding="utf-8") as stream:
                stream.writelines(text)
            written.append(path)
    return written
