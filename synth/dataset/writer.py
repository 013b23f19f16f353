"""Writes what a run leaves in its folder: dataset and drops, each aside first, then swapped in whole."""

import contextlib
import json
import re
import shutil
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from synth import __version__, aside
from synth.dataset import audited
from synth.dataset.card import Facts, told
from synth.dataset.card_file import write_card
from synth.dataset.card_rows import Seen
from synth.dataset.marks import ours
from synth.dataset.policies import NAME, Policies, written
from synth.dataset.rendering import rendered_rows
from synth.dataset.shards import content_hash, count_in, shards_in, write_split
from synth.dataset.staging import Staging
from synth.errors import BROKEN
from synth.filters.language import class_table, fluency_table
from synth.recipe.schema import Recipe
from synth.types import LABELLED

DROPS = re.compile(r"([^./]+)\.[^/]+\.jsonl")
"""Names of the files in DIR/drops: stage and reason."""
STAGES = ("query", "augment", "dedup", "respond", "judge", "accept")
"""Stages whose drops are known to be synth's in any folder."""


def write_dataset(folder: Path, recipe: Recipe, facts: Facts, staging: Staging, policies: Policies) -> None:
    """Writes DIR/dataset: shards, policies, card and its facts; what else the user keeps there (a licence, a repository's history)
    stays."""
    with aside.folder(folder / "dataset", ours) as new:
        (new / "data").mkdir()
        seen = Seen(recipe.scheme, facts.refuse_only, only=() if recipe.from_file or recipe.from_run else None)
        for split, count in facts.splits.items():
            rows = staging.rows(split)
            if split in LABELLED:  # what was set aside stays as it was judged: it is judged again
                rows = rendered_rows(rows, recipe.output.mark)
            write_split(new / "data", split, seen.rows(split, rows), count, recipe.output.shard_rows)
        _keep_audit(folder / "dataset", new)
        write_card(new, told(recipe, replace(facts, content=content_hash(new / "data"), shown=seen.facts)))
        (new / NAME).write_text(written(policies), encoding="utf-8")


def _keep_audit(dataset: Path, new: Path) -> None:
    """What people found as they read rows stands beside the card of the rows that came after, too."""
    if (dataset / audited.NAME).is_file():
        shutil.copy2(dataset / audited.NAME, new / audited.NAME)


def write_drops(folder: Path, staging: Staging, stages: Collection[str] = ()) -> None:
    """Writes DIR/drops, one file for each `stage.reason`; what else the user keeps there stays. `stages` are those of the
    recipe; what one left there that the recipe no longer has is known by run.json."""
    told = _dropped_before(folder)

    def ours(path: str) -> bool:
        match = DROPS.fullmatch(path)
        return match is not None and (match[1] in (*STAGES, *stages) or path.removesuffix(".jsonl") in told)

    with aside.folder(folder / "drops", ours) as new:
        for kind, lines in staging.drops():
            with (new / f"{kind}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines())


def _dropped_before(folder: Path) -> Collection[str]:
    """The reasons for drops that the last run told of."""
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("dropped")
    except BROKEN:
        return ()
    return told if isinstance(told, dict) else ()


def rows_in(folder: Path) -> int:
    """How many rows were written to the dataset that stands in a run's folder, those of damaged shards left out."""
    import pyarrow as pa

    rows = 0
    for shard in shards_in(folder / "dataset" / "data"):
        with contextlib.suppress(OSError, pa.ArrowInvalid):
            rows += count_in(shard)
    return rows


def versions() -> dict[str, str]:
    """Versions of what writes a dataset: what its bytes depend on besides recipe and journal."""
    packages = {name: version(name) for name in ("opencc", "pyarrow")}
    tables = {"fluency": fluency_table.version(), "response_class": class_table.version()}
    return {"synth": __version__, **packages, **tables}
