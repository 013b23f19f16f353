"""What a disk does to a journal: it is told from what was written, asked for again where something may be asked, and never folded."""

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.run import execute, journal_tools
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.options import RunOptions
from synth.run.result import OK, Result
from tests.conftest import Lab, tiny_recipe
from tests.support.journals import as_format_1, change, flip

N = 12
TRIES = 60


@pytest.fixture
def compiled(lab: Lab) -> CompiledRecipe:
    found = compile_recipe(tiny_recipe(output={"shard_rows": 20}, filters={"personal": "replace"}))
    assert go(lab, found, "calm").status == OK
    return found


def go(lab: Lab, compiled: CompiledRecipe, out: str, **options: object) -> Result:
    return execute.run(compiled, RunOptions(lab.folder / out, N, **options))  # type: ignore[arg-type]


def copy(lab: Lab) -> Path:
    """A finished run without its dataset, to be folded once more."""
    shutil.rmtree(lab.folder / "hurt", ignore_errors=True)
    shutil.copytree(lab.folder / "calm", lab.folder / "hurt")
    shutil.rmtree(lab.folder / "hurt" / "dataset")
    return lab.folder / "hurt" / "journal.sqlite"


def places(path: Path, chance: random.Random) -> list[int]:
    """Bytes of texts, of decisions and of whatever else the file holds."""
    data = path.read_bytes()
    with sqlite3.connect(path) as db:
        texts = [text for (text,) in db.execute("SELECT text FROM replies UNION ALL SELECT body FROM decisions")]
        others = db.execute("SELECT key, lane, finish FROM replies").fetchall()
    db.close()
    words = chance.sample(texts, TRIES // 3) + [word for row in chance.sample(others, TRIES // 9) for word in row]
    found = [(data.find(piece), len(piece)) for word in words if (piece := word.encode()[:400])]
    inside = [start + chance.randrange(length) for start, length in found if start >= 0]
    return inside + [chance.randrange(len(data)) for _ in range(TRIES // 3)]


@pytest.mark.timeout(300)
def test_no_flipped_bit_makes_another_dataset(lab: Lab, compiled: CompiledRecipe) -> None:
    calm, chance = lab.bytes("calm"), random.Random(0)
    lines, goods = list[str](), list[bool]()
    found: dict[str, int] = {"a line": 0, "asked again": 0, "as it was": 0}
    for at in places(lab.folder / "calm" / "journal.sqlite", chance):
        flip(copy(lab), at, bit := chance.randrange(8))
        try:
            good = "good" in journal_tools.verify(lab.folder / "hurt")
        except ConfigError:
            good = False
        try:
            result = go(lab, compiled, "hurt")
        except ConfigError as error:
            found["a line"] += 1
            lines.append(str(error))
            goods.append(good)
            continue
        assert result.status == OK
        assert lab.bytes("hurt") == calm, (at, bit)
        found["asked again" if result.calls else "as it was"] += 1
        assert not (good and result.calls), (at, bit)
    print(found)
    assert all("\n" not in line and len(line) < 1000 for line in lines)
    assert not any(goods), lines
    assert found["a line"] > 5
    assert found["asked again"] > 15


def test_a_damaged_reply_is_said_once_asked_again_and_replaced(lab: Lab, compiled: CompiledRecipe) -> None:
    path, said = copy(lab), list[str]()
    change(
        path,
        "UPDATE replies SET text = CAST(x'ff00' AS TEXT) WHERE rowid IN (2, 5)",
        "UPDATE replies SET text = x'7b7d' WHERE rowid = 7",
    )
    with pytest.raises(ConfigError, match=r"damaged \(3 of .* replies are not what was written"):
        journal_tools.verify(path)
    result = go(lab, compiled, "hurt", say=said.append)
    (line,) = said
    assert "is not what was written: it and any like it are asked for again" in line
    assert 3 <= result.calls <= 3 + 2 * compiled.recipe.concurrency  # idle slots are used once a lane lacks a reply
    assert any(note.startswith("3 replies in the journal were not what was written") for note in result.notes)
    assert lab.bytes("hurt") == lab.bytes("calm")
    assert "good" in journal_tools.verify(path)
    assert go(lab, compiled, "hurt").calls == 0


def test_where_nothing_may_be_asked_a_damaged_reply_is_a_stop(lab: Lab, compiled: CompiledRecipe) -> None:
    path = copy(lab)
    change(path, "UPDATE replies SET text = text || '！' WHERE lane LIKE 'two.s1/%'")
    with pytest.raises(
        ConfigError, match=r"stage \w+\) is not what was written, and nothing is asked here; `synth run` of the whole"
    ):
        go(lab, compiled, "hurt", only=("one",))
    assert not (lab.folder / "hurt" / "dataset").exists()
    assert go(lab, compiled, "hurt").status == OK
    assert lab.bytes("hurt") == lab.bytes("calm")


@pytest.mark.parametrize("old", [False, True], ids=["sealed", "format 1"])
@pytest.mark.parametrize("body", ["{}", "[]", "{", "3", "x'7b7d'", '{"targets": {}}'])
@pytest.mark.parametrize("kind", ["plan", "target"])
def test_a_damaged_decision_is_one_line_with_its_number_and_kind(
    lab: Lab, compiled: CompiledRecipe, old: bool, body: str, kind: str
) -> None:
    path = copy(lab)
    if old:
        as_format_1(path)
    value = body if body.startswith("x'") else f"'{body}'"
    change(
        path, f"UPDATE decisions SET body = {value} WHERE seq = (SELECT max(seq) FROM decisions WHERE kind = '{kind}')"
    )
    for attempt in (lambda: go(lab, compiled, "hurt"), lambda: journal_tools.verify(path)):
        with pytest.raises(ConfigError, match=rf"damaged \(decision \d+, a {kind}, (?:is|cannot be)"):
            attempt()


def test_a_decision_that_is_gone_is_missed(lab: Lab, compiled: CompiledRecipe) -> None:
    change(copy(lab), "DELETE FROM decisions WHERE seq = 3")
    with pytest.raises(ConfigError, match="decision 3, a plan, is not the next one"):
        go(lab, compiled, "hurt")


@pytest.mark.parametrize("lost", ["ALTER TABLE replies DROP COLUMN sum", "DROP TABLE decisions"])
def test_a_journal_that_lacks_a_part_is_called_damaged_and_no_full_disk(
    lab: Lab, compiled: CompiledRecipe, lost: str
) -> None:
    with sqlite3.connect(copy(lab)) as db:
        db.execute(lost)
    db.close()
    with pytest.raises(ConfigError, match=r"journal.* damaged") as told:
        go(lab, compiled, "hurt")
    assert "free space" not in str(told.value)
