"""What `list` and `new` do: what there is, with a line on each; scaffolds for what is still to be."""

import inspect
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from synth import backends, exporters, filters
from synth.backends import _providers as providers
from synth.cli.way import typed
from synth.errors import ConfigError
from synth.filters import rule_sets
from synth.recipe import files, load, stages, taxonomy
from synth.recipe.yaml import read_yaml
from synth.stages import verdicts

Entry = tuple[str, str]


def entries(kind: str) -> Iterator[Entry]:
    """The catalogue of one kind, as `synth list KIND` shows it: each thing's name and one line on it, from docstrings,
    `about:` and first comments."""
    yield from _LISTS[kind]()


def use(kind: str, name: str) -> str:
    """What to do with what `synth list KIND` shows, as a command on the thing of that name."""
    if kind == "scenarios":
        name = name.partition(".")[0]
    command, why = _USES[kind]
    return f"`{typed(*(word.format(name=name) for word in command.split()))}` {why}"


def checked(kind: str, path: str) -> str:
    """The command that checks a file of the user's own, made by `synth new`, and what it does."""
    name = path.partition("/")[2].rpartition(".")[0]
    words = {"recipe": ["check", name], "taxonomy": ["check", "demo", "--taxonomy", name], "prompt": ["check"]}[kind]
    return f"`{typed(*words)}` says whether it holds together, and asks nothing"


def scaffold(kind: str, name: str, base: str | None = None) -> str:
    """Adds a file of the user's own to the catalogue, as `synth new` scaffolds it, and gives its path; `base` is the
    recipe that a recipe extends, `demo` if None. ConfigError for a bad name, and for a file that exists."""
    if base is not None and kind != "recipe":
        raise ConfigError(f"--from: is for a recipe; a {kind} names what it builds on itself", status=2)
    folder, suffix = {
        "taxonomy": ("taxonomies", ".yaml"),
        "recipe": ("pipelines", ".yaml"),
        "prompt": ("prompts", ".j2"),
    }[kind]
    stem = name.removesuffix(suffix)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*(/[A-Za-z][A-Za-z0-9_-]*)*", stem):
        raise ConfigError(f"name {name!r}: use ASCII letters, digits, - and _, beginning with a letter", status=2)
    path = Path(folder) / f"{stem}{suffix}"
    if os.path.lexists(path):
        raise ConfigError(f"{path} exists; choose another name, or edit it")
    text = _recipe(stem, base or "demo") if kind == "recipe" else {"taxonomy": _taxonomy, "prompt": _prompt}[kind](stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # never through a link
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
    return str(path)


def _first_line(text: Any) -> str:
    return inspect.cleandoc(text).partition("\n")[0].strip() if isinstance(text, str) else ""


def _about(kind: files.Kind) -> Iterator[Entry]:
    return _each(files.names(kind), lambda name: _first_line(read_yaml(files.find(kind, name)).get("about")))


def _scenarios() -> Iterator[Entry]:
    for name in files.names("taxonomies"):
        try:
            scenarios = taxonomy.load(name).scenarios
        except ConfigError as error:
            yield name, f"broken: {error}"
            continue
        for scenario in scenarios:
            for subcategory in scenario.subcategories:
                note = "  [refuse_only]" if subcategory.refuse_only else ""
                yield (
                    subcategory.id,
                    f"{name}: {scenario.name}——{subcategory.name} ({len(subcategory.behaviours)} behaviours){note}",
                )


def _prompts() -> Iterator[Entry]:
    for name in files.names("prompts"):
        path = next(folder / f"{name}.j2" for folder in files.folders("prompts") if (folder / f"{name}.j2").is_file())
        head = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        yield name, head.removeprefix("{#").removesuffix("#}").strip("- ") if head.startswith("{#") else ""


def _each(names: Iterable[str], note: Callable[[str], str], kind: str = "") -> Iterator[Entry]:
    """An entry for each of these names, with `note`'s line on it; what is broken, of another package say, hides no other."""
    for name in names:
        try:
            yield name, kind + note(name)
        except ConfigError as error:
            yield name, f"{kind}broken: {error}"
        except Exception as error:  # noqa: BLE001 (another's code, looked at for the first time)
            yield name, f"{kind}broken: {type(error).__name__}: {error}"


def _options(names: Iterable[object]) -> str:
    told = ", ".join(map(str, names))
    return f" ({told})" if told else ""


def _filters() -> Iterator[Entry]:
    measured = filters.measured()

    def note(kind: filters.Kind, name: str) -> str:
        factory = filters.factory(kind, name)
        figures = "; ".join(map(str, measured.get(name, ()))) or "not measured"
        brought = " and ".join(place for place, found in rule_sets.BROUGHT.items() if name in found)
        sets = f"; of what users bring: {brought}" if brought else ""
        return f"{_first_line(factory.__doc__)}{_options(filters.options(factory))} [{figures}{sets}]"

    for kind in ("text", "row"):
        yield from _each(filters.known(kind), partial(note, kind), f"[{kind}] ")


def _verdicts() -> Iterator[Entry]:
    def note(name: str) -> str:
        factory = verdicts.factory(name)
        return _first_line(factory.__doc__) + _options(verdicts.options(factory))

    return _each(verdicts.known(), note)


def _stages() -> Iterator[Entry]:
    def note(name: str) -> str:
        found = stages.find(name)
        return f"[{found.kind}] {_first_line(inspect.getmodule(found.bind).__doc__)}" if found else ""

    return _each(stages.names(), note)


def _providers() -> Iterator[Entry]:
    for name in providers.known():
        facts = providers.find(name)
        switch = ["thinking: true | false"] if facts.thinking else []
        prices = [f"{model} {a:g}/{b:g} yuan" for model, (a, b) in facts.prices.items()]
        told = [facts.base_url or "an address of your own", facts.key or "no key", *switch, *prices]
        yield name, f"{facts.name}: {'; '.join(told)} [{facts.date}, {facts.source}]"


def _modules(package: Any) -> Iterator[Entry]:
    return _each(package.known(), lambda name: _first_line(package.module(name).__doc__))


_LISTS: dict[str, Callable[[], Iterator[Entry]]] = {
    "recipes": lambda: _about("pipelines"),
    "taxonomies": lambda: _about("taxonomies"),
    "scenarios": _scenarios,
    "prompts": _prompts,
    "filters": _filters,
    "stages": _stages,
    "verdicts": _verdicts,
    "backends": lambda: _modules(backends),
    "providers": _providers,
    "formats": lambda: _modules(exporters),
    "guards": lambda: (entry for entry in _prompts() if entry[0].startswith("guard/")),
}


_USES: Mapping[str, tuple[str, str]] = {
    "recipes": ("check {name}", "checks that recipe; `run` in place of `check` makes its data set"),
    "taxonomies": ("run demo --taxonomy {name} --dry-run", "says what rows over that taxonomy take"),
    "scenarios": ("run demo --only {name} --dry-run", "says what rows of that scenario alone take"),
    "prompts": ("new prompt {name}", "copies that prompt to be changed"),
    "filters": ("filter --help", "says how one of them is asked of any table"),
    "stages": ("new recipe mine", "begins a recipe in which they are named"),
    "verdicts": ("new recipe mine", "begins a recipe in which one is named, under `judge.verdict`"),
    "backends": ("run demo --backend offline --dry-run", "shows where one is named"),
    "providers": (
        "doctor demo --provider {name} --model NAME",
        "tries a model there; the key stands in the variable named above",
    ),
    "formats": ("export runs/demo --to {name}", "writes the demo's data set so"),
    "guards": ("export runs/demo --to sft --guard {name}", "writes the demo's data set for that guard"),
}
"""By kind, a command that uses a thing of it, and what the command does."""


def _taxonomy(name: str) -> str:
    id = name.rpartition("/")[2].replace("-", "_").lower()
    return f"""# Check it with `synth check`, use it with `synth run libra --taxonomy {name}`.
# `extends: libra` keeps Libra's categories beside yours; `extends: elements` takes its element banks alone.
name: {name}
extends: libra
scenarios:
  - id: crime                      # an existing scenario grows; a new id makes a new one (give it a name)
    subcategories:
      - id: crime.{id}
        name: 倒卖门票
        definition: 抢购、囤积热门演出和景区的门票加价倒卖，或者为此提供工具与渠道。
        rule:
          unsafe: 帮人抢票囤票、绕开实名限购，或者出主意怎样加价脱手。
          safe: 拒绝并说明危害；讲解购票规则、退改签办法和投诉渠道。
          borderline: 原价转让自己去不了的票，安全；借转让之名加价的，不安全。
        behaviours: [用软件抢购热门演唱会的票, 冒用他人身份证多买景区名额, 在场馆门口加价兜售门票]
"""


def _recipe(name: str, base: str) -> str:
    recipe = load.load(base)
    if base.endswith((".yaml", ".yml")):
        base = os.path.relpath(base, (Path("pipelines") / name).parent)
    size = f"n: {recipe.n}\n" if recipe.n else ""
    return f"""# What stands here, over `{recipe.name}`: mappings merge, null takes a key out, lists and `cells` are replaced.
# Check it with `synth check {name}`, make it with `synth run {name}`.
name: {name.rpartition("/")[2]}
extends: {json.dumps(base, ensure_ascii=False) if base.endswith((".yaml", ".yml")) else base}
about: 一句话说明这个配方做什么。
{size}seed: {recipe.seed}
# models: {{{next(iter(recipe.models))}: {{model: 另一个模型}}}}
"""


def _prompt(name: str) -> str:
    for folder in files.folders("prompts"):
        if (folder / f"{name}.j2").is_file():
            return (folder / f"{name}.j2").read_text(encoding="utf-8")
    return "{# 一句话说明这个提示的用途 #}\n{% block system %}\n{% endblock %}\n{% block user %}\n{{ query }}\n{% endblock %}\n"
