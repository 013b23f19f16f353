"""What another package's stage, filter, verdict rule or backend does wrong: one line that names it, and a run that goes on once it is mended."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.recipe import load, plugins
from synth.run import execute
from synth.run.compile import compile_recipe
from tests.conftest import Lab

TOP = Path(__file__).parents[2]

COMMON = """
import asyncio, os
from dataclasses import replace
from synth.stages.contract import Aside, Branch, Context, Frozen, Note, ParseError, Source, Step

def does(what):
    return os.environ.get("WRONG") == what

class Options(Frozen):
    share: float = 0.3
"""
SHEET = (
    COMMON
    + """
from synth.stages.query import query_id
from synth.types import Provenance, Sample

class Sheet(Source):
    from_file, size, lanes = True, 4, ("one.s0/harmful", "two.s1/benign")

    def available(self, spec):
        return "many" if does("has no number") else 5

    async def page(self, spec, call, ask, widening):
        if does("raises in a page"): raise RuntimeError("oops")
        if does("gives no page"): return None
        if does("gives words"): return ["gut"]
        found = []
        for at in range(call * 4, min(5, call * 4 + 4)):
            text = f"第{at}条问题说的是{spec.lane.id}里的{'天地玄黄宇宙洪荒'[at]}"
            id = query_id(spec, text)
            place = f"{spec.lane.id}#{call}.{at - call * 4}"
            found.append((at, Sample(spec.lane, at, text, id, id, (), "sheet", Provenance(1, place), place)))
        if does("descends"): found.reverse()
        if does("repeats itself"): found *= 2
        if does("goes too far"): found = [(at + 4, row) for at, row in found]
        if does("gives another's place"): found = [(at, found[0][1]) for at, _ in found]
        return found

def bind(options: Options, context: Context) -> Sheet:
    found = Sheet()
    return found
"""
)
SIEVE = (
    COMMON
    + """
class Sieve(Step):
    async def run(self, spec, sample, slot, ask):
        if does("raises"): raise KeyError("oops")
        if does("leaves"): raise SystemExit(3)
        if does("is cancelled"): raise asyncio.CancelledError
        if does("cannot parse"): raise ParseError("unread")
        if does("gives nothing"): return None
        if does("gives a word"): return "gut"
        if does("sets a word aside"): return Aside("brief", "gut")
        if does("sets aside in train"): return Aside("train", sample)
        if does("gives no answer"): return replace(sample, response=None)
        if does("gives another label"): return replace(sample, label="odd")
        if does("gives other notes"): return replace(sample, notes=("gut",))
        if does("gives a number as note"): return replace(sample, notes=(Note("sieve", "grade", 3),))
        if does("drops for a path"): return sample.dropped("sieve", "../../up", "")
        if does("drops for nothing"): return sample.dropped("sieve", None, "")
        if does("drops in another's name"): return sample.dropped("../judge", "short", None)
        return sample

class Plain(Sieve):
    def run(self, spec, sample, slot, ask):
        return sample

def bind(options: Options, context: Context) -> Sieve:
    if does("cannot be bound"): raise RuntimeError("oops")
    if does("binds to nothing"): return None
    return Plain() if does("is not async") else Sieve()
"""
)
TWIN = (
    COMMON
    + """
class Twin(Branch):
    def shares(self, spec):
        return {"raises shares": None, "shares much": {"twin": 7}}.get(os.environ.get("WRONG"), {"twin": 1.0})

    async def apply(self, spec, root, name, ask):
        if does("raises in the branch"): raise ZeroDivisionError("oops")
        if does("branches to nothing"): return None
        if does("branches to no text"): return replace(root, query=None, query_id="x", attack="twin")
        return root.dropped("twin", "none", "")

def bind(options: Options, context: Context) -> Twin:
    return Twin()
"""
)
RULES = """
import os

def does(what):
    return os.environ.get("WRONG") == what

def picky():
    def rule(row):
        if does("raises in a filter"): raise AttributeError("oops")
        return {"gives a list": ["a"], "gives a path": "../../up"}.get(os.environ.get("WRONG"))
    if does("raises in a factory"): raise RuntimeError("oops")
    return None if does("makes no rule") else rule

def first():
    def rule(votes, scheme):
        if does("raises in a verdict"): raise IndexError("oops")
        return votes[0] if does("gives a vote") else votes[0].label
    return rule
"""
RECIPE = """
name: guarded
extends: demo
about: 别人的阶段。
taxonomies: [tiny]
ordinary: 0
n: 12
models: {answerer_a: {backend: loud, of: offline}}
steps: [respond, sieve, judge]
sieve: {}
twin: {}
judge: {verdict: first}
filters: {row: [picky]}
"""
SHEETED = """
name: sheeted
extends: guarded
n: null
query: null
twin: null
sheet: {}
"""
LOUD = """
import os
from synth.backends import Wrapping, module
from synth.types import Reply

def does(what):
    return os.environ.get("WRONG") == what

class Options(Wrapping):
    pass

class Loud:
    self_scheduling = False

    def __init__(self, inner):
        self.inner, self.family = inner, inner.family

    async def complete(self, request, key):
        if does("raises in a reply"): raise ValueError("oops")
        if does("replies nothing"): return None
        if does("replies no text"): return Reply(None)
        return await self.inner.complete(request, key)

    async def check(self, model):
        if does("raises in a check"): raise RuntimeError("oops")
        await self.inner.check(model)

    async def close(self):
        if does("raises in the end"): raise RuntimeError("oops")

def share(role, options):
    return [1] if does("shares a list") else 1

def connect(role, options):
    if does("cannot be connected"): raise RuntimeError("oops")
    return Loud(module(options.of).connect(role, options))
"""
POINTS = """
[synth.stages]
sieve = odd.sieve
sheet = odd.sheet
twin = odd.twin
[synth.backends]
loud = odd.loud
[synth.filters.row]
picky = odd.rules:picky
[synth.verdicts]
first = odd.rules:first
[synth.folders]
odd = odd
"""
NAMED = {
    "stage 'sheet'": (
        "has no number",
        "raises in a page",
        "gives no page",
        "gives words",
        "descends",
        "repeats itself",
        "goes too far",
        "gives another's place",
    ),
    "models.answerer_a: its backend": ("raises in a reply", "replies nothing", "replies no text"),
    "models.answerer_a: backend loud": ("shares a list", "cannot be connected"),
    "the backend of model 'offline-a'": ("raises in a check",),
    "a backend's close": ("raises in the end",),
    "filters.row.picky": ("raises in a filter", "gives a list", "gives a path", "raises in a factory", "makes no rule"),
    "judge.verdict: first": ("raises in a verdict", "gives a vote"),
    "stage 'twin'": (
        "raises shares",
        "shares much",
        "raises in the branch",
        "branches to nothing",
        "branches to no text",
    ),
    "stage 'sieve'": (
        "raises",
        "leaves",
        "is cancelled",
        "gives nothing",
        "gives a word",
        "sets a word aside",
        "sets aside in train",
        "gives no answer",
        "gives another label",
        "gives other notes",
        "gives a number as note",
        "drops for a path",
        "drops for nothing",
        "cannot be bound",
        "binds to nothing",
        "is not async",
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where Python finds a package beside synth that does what it is told to do wrong."""
    site = tmp_path_factory.mktemp("site")
    files = {
        "odd/__init__.py": "",
        "odd/sieve.py": SIEVE,
        "odd/twin.py": TWIN,
        "odd/loud.py": LOUD,
        "odd/sheet.py": SHEET,
        "odd/pipelines/sheeted.yaml": SHEETED,
        "odd/rules.py": RULES,
        "odd/pipelines/guarded.yaml": RECIPE,
        "odd-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n",
        "odd-1.0.dist-info/entry_points.txt": POINTS,
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        _forget()
        yield site
    _forget()


def _forget() -> None:
    plugins._points.cache_clear()
    plugins._located.cache_clear()


@pytest.fixture
def ended(site: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A run of the package's recipe with one thing wrong, and its folder; raises what the command line would tell."""

    def run(wrong: str = "", out: str = "out", recipe: str = "guarded") -> Path:
        monkeypatch.setenv("WRONG", wrong)
        result = execute.run(compile_recipe(load.load(recipe)), execute.RunOptions(lab.folder / out))
        if result.message:
            raise ConfigError(result.message)
        return lab.folder / out

    return run


@pytest.mark.parametrize(("place", "wrong"), [(place, wrong) for place, found in NAMED.items() for wrong in found])
def test_what_another_package_does_wrong_is_one_line_that_names_it(
    ended: Callable[..., Path], place: str, wrong: str
) -> None:
    with pytest.raises(ConfigError) as told:
        ended(wrong, recipe="sheeted" if "sheet" in place else "guarded")
    assert place in str(told.value)
    assert "\n" not in str(told.value)


def test_a_run_that_another_package_stopped_goes_on_to_what_it_would_have_been(
    ended: Callable[..., Path], site: Path
) -> None:
    path = os.pathsep.join([str(TOP), str(site)])
    environment = {**os.environ, "PYTHONPATH": path, "WRONG": "raises in a verdict"}
    command = [sys.executable, "-m", "synth", "run", "guarded", "-o", "stopped"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "judge.verdict: first failed (IndexError: oops; rules.py, line " in done.stderr
    assert not [word for word in ("Traceback", "never awaited", "pending") if word in done.stderr], done.stderr
    one, other = (sorted((ended(out=out) / "dataset" / "data").glob("*.parquet")) for out in ("stopped", "calm"))
    assert one
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_package_brings_queries(ended: Callable[..., Path]) -> None:
    ended(recipe="sheeted")
    result = json.loads((Path("out") / "run.json").read_text(encoding="utf-8"))
    assert sum(result["splits"].values()) > 0
    assert result["message"] is None


@pytest.mark.parametrize(
    ("wrong", "file"), [("cannot parse", "sieve.unread.jsonl"), ("drops in another's name", "sieve.short.jsonl")]
)
def test_what_a_step_drops_stands_under_its_own_name(ended: Callable[..., Path], wrong: str, file: str) -> None:
    assert (ended(wrong) / "drops" / file).exists()
