"""What it comes to that synth ships other texts than when a folder was last run: replies paid for there that would go unused."""

from shlex import quote

from synth.errors import ConfigError
from synth.journal.reader import Reader
from synth.journal.store import VERSION
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.diff import Held, Survey, survey
from synth.run.options import RunOptions
from synth.run.resolve import ResolvedRun, as_recorded, resolve, wanted


def compare(compiled: CompiledRecipe, options: RunOptions) -> tuple[ResolvedRun, Survey, str]:
    """What a run of the recipe in `options.folder` would do: the settled run, its survey, and why an upgrade of synth
    would stop it first (empty if not). Nothing is asked, and nothing written."""
    chosen, wanted_now = wanted(compiled, options.n, options.only)
    if not (options.folder / "journal.sqlite").exists():
        raise ConfigError(
            f"{options.folder}: holds no journal; make one with `synth run RECIPE -o {quote(str(options.folder))}`"
        )
    with Reader(options.folder) as journal:
        job = resolve(compiled, options, journal, chosen, wanted_now)
        found = job.survey(journal)
        return job, found, complaint(job, journal, found)


def check_format(compiled: CompiledRecipe, options: RunOptions) -> None:
    """ConfigError where a run would stop over a journal of an earlier format. Asked before the journal is opened to be written: it is
    one of today's from then on, and the earlier version, which the user may rather go on with, does not read that."""
    try:
        journal = Reader(options.folder)
    except ConfigError:  # none yet, or broken: the run says so
        return
    with journal:
        if journal.version == VERSION:
            return
        job = resolve(compiled, options, journal, *wanted(compiled, options.n, options.only))
        if job.shipped and (why := complaint(job, journal, job.survey(journal))):
            raise ConfigError(why)


def complaint(job: ResolvedRun, journal: Held, found: Survey) -> str:
    """Why, after an upgrade of synth, a run must not go on unless the user says so: replies that would go unused since
    it ships other texts. One line; empty if there is no such loss. `found` is the survey of what the run would do."""
    if not job.shipped:
        return ""
    heard = _heard(job, journal)
    bound = "" if heard is not None and found.whole else "up to "
    lost = sum(line.calls for line in journal.spent()) - len(found.keys) if heard is None else len(heard - found.keys)
    if lost <= 0:
        return ""
    files = ", ".join(map(str, job.shipped[:4])) + (f" and {len(job.shipped) - 4} more" if len(job.shipped) > 4 else "")
    earlier = f" (synth {job.before.synth})" if job.before else ""
    return (
        f"{job.options.folder}: what synth ships has changed since the last run there ({files}): {bound}{lost:,} replies already paid for"
        f" would go unused; go on with --upgrade, or with the earlier version{earlier}"
    )


def _heard(job: ResolvedRun, journal: Held) -> set[str] | None:
    """Keys of the replies that the dataset of the last run hangs on; None where it cannot be told."""
    if job.before is None or job.last is None:
        return None
    try:
        compiled = compile_recipe(validate(Recipe, dict(job.before.recipe), "inputs"), job.before)
    except ConfigError:  # the user's own rows are gone, say
        return None
    recorded = as_recorded(compiled, job.last["targets"])
    found = survey(compiled.recipe, recorded, job.plans_before, journal, job.again)
    return found.keys if found.whole else None
