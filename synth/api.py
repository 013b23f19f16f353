"""synth for programs and notebooks: a recipe loaded, checked and run, its dataset read and handed on. What can be mended raises
`synth.errors.ConfigError`: one line with what, where and the way out."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

from synth import exporters
from synth.dataset import frames, reader
from synth.dataset.policies import Policies
from synth.engine.budget import Bounds
from synth.errors import ConfigError, one_of
from synth.recipe import load
from synth.recipe.schema import Recipe
from synth.run import trial
from synth.run.beside_loop import beside_loop, run_anywhere
from synth.run.compile import compile_recipe
from synth.run.events import Events
from synth.run.folder import refuse_own
from synth.run.lint import advice
from synth.run.options import RunOptions
from synth.run.resolve import raised
from synth.run.result import INTERRUPTED, OK, SHORT, Result
from synth.types import MarkMode

if TYPE_CHECKING:
    import datasets  # type: ignore[import-untyped]
    import pandas as pd

__all__ = ["Dataset", "check_recipe", "export_dataset", "load_recipe", "run_recipe"]


class Changes(TypedDict, total=False):
    """What `load_recipe` can change in a recipe file, by name; its docstring says what each is."""

    settings: Mapping[str, Any] | str | Sequence[str]
    taxonomies: str | Path | Sequence[str | Path]
    seed: int | None
    concurrency: int | None
    avoid: str | Path | Sequence[str | Path]
    backend: str | None
    model: str | None
    base_url: str | None
    provider: str | None


def load_recipe(
    name: str | Path,
    *,
    settings: Mapping[str, Any] | str | Sequence[str] = (),
    taxonomies: str | Path | Sequence[str | Path] = (),
    seed: int | None = None,
    concurrency: int | None = None,
    avoid: str | Path | Sequence[str | Path] = (),
    backend: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
    provider: str | None = None,
) -> Recipe:
    """Loads the recipe of that name (`demo`, `libra` …) or path and returns it, read strictly; nothing is asked of a model.

    settings: any key of the recipe by dotted path, as `{"dedup.threshold": 0.8}`; or a list as `--set` has them.
    taxonomies: names or paths, in place of the recipe's.
    seed: of every draw. concurrency: calls in flight at once. avoid: files whose texts must not come again.
    backend, model, base_url (`http://127.0.0.1:8000/v1`), provider: who answers, for every role of the recipe.

    ConfigError for a name there is not, an unknown key, a value that does not fit."""
    overrides: dict[str, Any] = {"seed": seed, "concurrency": concurrency, "taxonomies": _several(taxonomies) or None}
    if isinstance(settings, Mapping):
        settings = [f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in settings.items()]
    given = {key: value for key, value in overrides.items() if value is not None}
    loaded = load.load(str(name), settings=_several(settings), overrides=given)
    loaded = loaded.model_copy(update={"avoid": (*loaded.avoid, *_several(avoid))})
    return load.with_models(loaded, backend=backend, model=model, base_url=base_url, provider=provider)


def check_recipe(recipe: str | Path | Recipe, **changes: Unpack[Changes]) -> trial.CheckedRecipe:
    """Checks a recipe without a call to its models: every name, option and key is bound, every prompt rendered, and the
    smallest run made offline, which leaves nothing. Returns what was checked, with `notes` on what is doubtful.

    recipe: a name, a path, or what `load_recipe` returned; with a name or a path, `changes` are those of `load_recipe`.

    ConfigError for the first thing wrong."""
    return beside_loop(partial(trial.check, _loaded(recipe, changes)))


@dataclass(frozen=True)
class RunResult:
    """What `run_recipe` came to, over the life of its folder."""

    folder: Path
    complete: bool
    """Whether every cell has all the rows that were wanted of it."""
    splits: Mapping[str, int]
    """How many rows each split of the dataset has."""
    dropped: Mapping[str, int]
    """How many queries and rows were dropped, by `stage.reason`."""
    calls: int
    """How many calls this invocation made; those whose replies the folder held are none."""
    tokens: int
    """How many tokens the folder's replies took, in and out."""
    cost: float | None
    """What they cost in the currency of the recipe's prices, or at least that much; None where no model has a price."""
    message: str | None
    """Why the run stopped before its end, and what to do; None if it did not."""
    notes: tuple[str, ...]
    """Lines on the recipe, its models and judges that a user should know."""
    _cells: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def cells(self) -> "pd.DataFrame":
        """A row for every cell (subcategory, kind of query and label): how many rows were wanted (`target`) and `accepted`, and the
        `status` it ended with."""
        import pandas as pd

        return pd.DataFrame(list(self._cells))

    @property
    def dataset(self) -> "Dataset":
        """The run's dataset. ConfigError if there is none yet."""
        return Dataset(self.folder)


def run_recipe(
    recipe: str | Path | Recipe,
    folder: str | Path,
    *,
    n: int | None = None,
    only: str | Sequence[str] = (),
    max_cost: float | None = None,
    max_tokens: int | None = None,
    retry_given_up: bool = False,
    upgrade: bool = False,
    on_doubt: Literal["stop", "warn"] = "stop",
    on_event: Callable[[dict[str, Any]], object] | None = None,
    **changes: Unpack[Changes],
) -> RunResult:
    """Runs a recipe in a folder, or goes on with it there, and returns what it came to once the dataset is written. Works in a
    notebook too; prints nothing.

    recipe: a name, a path, or what `load_recipe` returned; with a name or a path, `changes` are those of `load_recipe`
    (`seed=7`, `taxonomies=["mine"]`, `base_url=…`, `model=…`).
    folder: the run's; what was asked before in it is not asked again.
    n: accepted rows per scenario, in place of the recipe's. only: globs of scenarios or subcategories to ask for.
    max_cost, max_tokens: the run stops before the folder's replies cost more, at the recipe's prices, or take more tokens.
    retry_given_up: asks again for what earlier runs gave up on. upgrade: goes on though what synth ships has changed.
    on_doubt: whether a run that cannot vouch for its data stops, or only says so in `notes`.
    on_event: called with a dict whose `event` is start, progress (every 2 seconds), round, note or end; `print` will do. What
    it raises is raised here at the end. In a notebook it is called from another thread.

    Cells that fall short, a budget that is used up and a doubt raise nothing: `complete` is False then, and `message` says why.
    ConfigError for what must be mended, as a key or a server that is not there. KeyboardInterrupt when it is interrupted, once
    all is written; the same call goes on."""
    for name, value in (("n", n), ("max_cost", max_cost), ("max_tokens", max_tokens)):
        if value is not None and value <= 0:
            raise ConfigError(f"{name}={value}: must be more than 0")
    one_of("on_doubt", on_doubt, ("stop", "warn"))
    loaded, place = _loaded(recipe, changes), Path(folder)
    refuse_own(place, loaded.avoid)
    compiled = compile_recipe(loaded)
    notes, events = list(advice(compiled)), Events(on_event or (lambda _: None), compiled.prices)
    chosen = _several(only)
    if (made := raised(compiled, n, chosen)) != (asked := n or loaded.n):
        notes.append(f"n={asked} is too few for every cell to have a row; {made} are made, the least there is")

    def say(line: str) -> None:
        notes.append(line)
        events.note(line)

    options = RunOptions(
        place,
        n,
        chosen,
        bounds=Bounds(max_cost, max_tokens),
        retry_given_up=retry_given_up,
        upgrade=upgrade,
        on_doubt=on_doubt,
        watch=events.watch if on_event else None,
        observer=events if on_event else None,
        say=say,
        report=events.note,
    )
    return _ended(run_anywhere(compiled, options), events, place, notes)


class Dataset:
    """The dataset that a run made. `folder` is the run's, or that of a dataset alone, as it was exported or downloaded.
    `mark` says how 【略】, which stands where answers leave out what could be done, is read: "delete" (without a hole), "vary"
    (in vague words) or "keep"; as the recipe says if None.

    ConfigError where there is no dataset, and for files that are damaged."""

    def __init__(self, folder: str | Path, *, mark: MarkMode | None = None) -> None:
        self._read = reader.Dataset(Path(folder), mark=one_of("mark", mark, get_args(MarkMode)))
        self.folder = self._read.folder

    def __repr__(self) -> str:
        return f"Dataset({str(self.folder)!r})"

    @property
    def splits(self) -> list[str]:
        """Names of the splits that have rows: train, validation, test; hard, where judges disagreed."""
        return self._read.filled()

    def frame(
        self, split: str | None = "train", columns: str | Sequence[str] | None = None, *, marked: bool = False
    ) -> "pd.DataFrame":
        """The rows of a split of the dataset as a pandas DataFrame, in order. None is all splits, told apart by a column `split`.
        With `columns`, these alone, which saves memory. With `marked` texts are as the judges read them, 【略】 in its place.

        ConfigError for a split or a column there is not."""
        return frames.frame_of(self._read, split, None if columns is None else _several(columns), marked=marked)

    def drops(self) -> "pd.DataFrame":
        """What the run dropped, as a pandas DataFrame: `stage`, `reason`, `lane` and the text as far as it had come. Nobody has
        judged or redacted it. Empty for a dataset that stands alone."""
        return frames.drops_of(self._read)

    def hf(self) -> "datasets.DatasetDict":
        """The dataset as a `datasets.DatasetDict`, a Dataset for every split, in memory: nothing goes into a cache. One larger than
        memory is mapped by `datasets.load_dataset` on its folder."""
        return frames.hf_of(self._read)

    @cached_property
    def policies(self) -> Policies:
        """What the judges were told of each category, as a mapping by the hash of its rule, which a row has as
        `provenance["rule_hash"]`; `policies.of(row)` finds a row's, `policies.named(subcategory)` a category's. ConfigError for a
        dataset that has none."""
        return self._read.policies

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What run.json tells of the run that made the dataset: recipe, versions, cells, drops, cost, agreement of the judges,
        doubts. ConfigError for a dataset that stands alone."""
        return self._read.facts()


def export_dataset(
    dataset: Dataset | str | Path,
    *,
    to: str,
    out: str | Path | None = None,
    mark: MarkMode | None = None,
    say: Callable[[str], object] | None = None,
    **options: Any,
) -> tuple[Path, ...]:
    """Writes a dataset in a format that a trainer reads, with what the trainer needs beside it, and returns the paths written.

    dataset: a `Dataset`, or the folder of one. to: sft, preference, classify, hf, jsonl …; see `synth list formats`.
    out: where to; `export/FORMAT` in the run's folder if None. mark: as in `Dataset`, whose own it overrides.
    say: called with each line on how a trainer is started with what was written; `print` will do.
    options: the format's own, as `guard="libra"`.

    ConfigError for an unknown format or option, for a dataset of which the format can make nothing, and for what stands in
    the way at `out`."""
    given = dataset._read if isinstance(dataset, Dataset) else reader.Dataset(Path(dataset))  # noqa: SLF001 (it is this file's)
    place = Path(out) if out is not None else given.folder / "export" / to
    scratch = next(parent for parent in place.absolute().parents if parent.is_dir())
    made = reader.Dataset(given.folder, scratch, mark=one_of("mark", mark, get_args(MarkMode)) or given.mark)
    try:
        return tuple(exporters.find(to, say)(made, place, **options))
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written ({error.strerror}); choose another out") from error


def _loaded(recipe: str | Path | Recipe, changes: Changes) -> Recipe:
    if not isinstance(recipe, Recipe):
        return load_recipe(recipe, **changes)
    if changes:
        raise ConfigError(f"recipe {recipe.name} is loaded already; give {', '.join(changes)} to load_recipe")
    return recipe


def _several(given: str | Path | Iterable[str | Path]) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, str | Path) else tuple(map(str, given))


def _ended(result: Result, events: Events, folder: Path, notes: Iterable[str]) -> RunResult:
    if result.status == INTERRUPTED:
        raise KeyboardInterrupt(result.message)
    if events.failure:
        raise events.failure
    if result.status not in (OK, SHORT) and result.stopped != "stopped: budget":
        raise ConfigError(result.message or f"{folder}: the run failed", status=result.status)
    return RunResult(
        folder=folder,
        complete=result.status == OK,
        splits=result.splits,
        dropped=result.dropped,
        calls=result.calls,
        tokens=result.total["tokens"],
        cost=result.total["cost"] if result.total["priced"] else None,
        message=result.message,
        notes=(*notes, *result.notes),
        _cells=result.cells,
    )
