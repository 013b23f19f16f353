"""What a run writes into its folder: the dataset, the drops and run.json, at its begin and at its end."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from synth import aside
from synth.dataset.card import Facts
from synth.dataset.policies import policies_of
from synth.dataset.reader import RUNNING
from synth.dataset.staging import Staging
from synth.dataset.writer import versions, write_dataset, write_drops
from synth.errors import BROKEN
from synth.run.resolve import ResolvedRun, raised
from synth.run.result import Result


def finish(job: ResolvedRun, result: Result, staging: Staging) -> Result:
    """The last act of executing a run: writes the dataset, the drops and run.json of a fold that has ended; gives the
    result."""
    facts = Facts(
        splits=result.splits,
        content="",
        cells=result.cells,
        dropped=result.dropped,
        fingerprint=job.compiled.fingerprint,
        versions=versions(),
        prompts=job.compiled.prompts,
        stopped=result.stopped,
        avoided=job.compiled.flow.avoided.sources if job.compiled.flow.avoided else (),
        agreement=result.agreement,
        controls=result.controls,
        doubts=result.doubts,
        diversity=result.diversity,
        asked_without=result.asked_without,
        stand_ins=result.stand_ins.keys(),
        scenarios={str(spec.scenario["id"]): str(spec.scenario["name"]) for spec in job.compiled.specs},
        refuse_only=frozenset(spec.lane.subcategory for spec in job.compiled.specs if spec.lane.refuse_only),
    )
    write_dataset(job.options.folder, job.compiled.recipe, facts, staging, policies_of(job.compiled.specs))
    write_drops(job.options.folder, staging, [bound.name for bound in job.compiled.flow.stages])
    _write_run(job, asdict(result))
    return result


def begun(job: ResolvedRun, fresh: Callable[[], Result]) -> None:
    """Writes run.json for while the run goes on, or is killed: what the folder holds stands as the last run left it; `fresh`
    is what it holds where none is left."""
    try:
        before = json.loads((job.options.folder / "run.json").read_text(encoding="utf-8"))
        last = Result(**{field.name: before[field.name] for field in fields(Result) if field.name in before})
    except BROKEN:  # none, or one of another synth
        last = fresh()
    _write_run(job, asdict(last) | {"stopped": RUNNING, "message": None, "status": None, "notes": []})


def _write_run(job: ResolvedRun, result: Mapping[str, Any]) -> None:
    data: dict[str, Any] = {
        "recipe": job.compiled.recipe.model_dump(mode="json"),
        "fingerprint": job.compiled.fingerprint,
        "seed": job.compiled.recipe.seed,
        "n": raised(job.compiled, job.options.n, job.options.only),
        "versions": versions(),
        "prompts": dict(job.compiled.prompts),
    }
    with aside.file(job.options.folder / "run.json") as new:
        new.write_text(json.dumps(data | dict(result), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
