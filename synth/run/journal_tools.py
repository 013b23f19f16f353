"""`synth journal`: what a journal holds, whether it is whole, its lines, replies of several as a head start for another recipe, and
batches that are left with servers cancelled."""

import asyncio
import contextlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from synth import aside
from synth.backends._server import KEY
from synth.backends.batch import connect
from synth.backends.batch.options import Options, place_of
from synth.errors import BROKEN, ConfigError
from synth.journal import decisions
from synth.journal.inputs import recorded
from synth.journal.merge import united_replies, write
from synth.journal.reader import Reader
from synth.journal.receipts import JournalledBatchJobs, without_keys
from synth.journal.rows import WRONG, Kept
from synth.journal.store import SPENT, Journal
from synth.journal.usage import Prices, Usage, UsageTotal, bill, prices
from synth.quality.grid import Grid
from synth.recipe.credentials import shown
from synth.recipe.role import Role
from synth.recipe.schema import Recipe
from synth.run.asking import unasked
from synth.run.cost import by_scenario
from synth.sanitize import for_terminal, one_line


def cancel(folder: Path, base_url: str | None = None, recipe: Recipe | None = None) -> list[str]:
    """`synth journal cancel-batches`: cancels the batches that the run in `folder` has still open, at `base_url` or
    where a role of `recipe` asks; gives a line on each. ConfigError that says where they are, if they are elsewhere: a
    key goes where its owner sends it, not where a folder says."""
    if not (folder / "journal.sqlite").exists():
        raise ConfigError(f"{folder}: holds no journal; name the folder of a run")
    with contextlib.closing(Journal(folder)) as journal:
        receipts = JournalledBatchJobs(journal, lambda _: None)
        places = {json.dumps(receipt.place, sort_keys=True): receipt.place for receipt in receipts.stray()}
        found = [(place, _role(place, base_url, recipe)) for place in places.values()]
        lines = [line for place, role in found if role for line in asyncio.run(_cancel(role, place, receipts))]
    left = sorted({_left_at(place) for place, role in found if role is None})
    if left and not lines:
        raise ConfigError(
            f"{folder}: the journal says that batches are left {'; '.join(left)}; say so yourself with --base-url (the key is that in "
            f"{KEY}), or with --recipe, the recipe of the run"
        )
    return [*lines, *(f"others are left {one}" for one in left)] or [f"{folder}: nothing is left with a server"]


def _role(place: Mapping[str, Any], base_url: str | None, recipe: Recipe | None) -> Role | None:
    """The user's word on a place; None where there is none."""
    here = without_keys(place)
    for name, role in recipe.models.items() if recipe else ():
        own = role.changed(name, backend="batch", **({"base_url": base_url} if base_url else {}))
        if without_keys(place_of(_options(own))) == here:
            return own
    if base_url is None or recipe or shown(base_url.rstrip("/")) != str(here["base_url"]).rstrip("/"):
        return None
    key = here["api_key_env"] and KEY
    return Role(model="none", backend="batch", options={"base_url": base_url, "api_key_env": key})


def _options(role: Role) -> Options:
    found = role.settings
    assert isinstance(found, Options)
    return found


def _left_at(place: Mapping[str, Any]) -> str:
    here = without_keys(place)
    names = [str(name) for name in (here["api_key_env"], *here["headers"].values()) if name]
    return for_terminal(f"at {here['base_url']} (asked with {', '.join(names) or 'no key'})")


async def _cancel(role: Role, place: Mapping[str, Any], receipts: JournalledBatchJobs) -> list[str]:
    backend = connect(role, _options(role), place)
    try:
        return await backend.cancel(receipts)
    finally:
        await backend.close()


@dataclass(frozen=True)
class Stats:
    """What a journal holds: its size, and its replies with tokens and cost by scenario, stage and model; decisions by kind."""

    path: Path
    size: int
    """Bytes."""
    version: int
    """The journal's format."""
    replies: list[dict[str, Any]]
    """A row for each scenario, stage and model: calls, tokens in and out, cost (None without a price)."""
    decisions: dict[str, int]
    total: UsageTotal

    def facts(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        about = {"path": str(self.path), "bytes": self.size, "format": self.version}
        return about | {"replies": self.replies, "decisions": self.decisions, "total": asdict(self.total)}

    def parts(self) -> Iterator[str | Grid]:
        """The same for the terminal: a table by stage and model, one by scenario, the decisions."""
        priced = self.total.priced
        numbers = ("replies", "tokens in", "tokens out", *(["cost"] if priced else []))
        yield f"{self.path}: {self.size:,} bytes, format {self.version}"
        rows = [[*names, *_numbers(group, priced)] for names, group in _grouped(self.replies, "stage", "model")]
        yield Grid(("stage", "model", *numbers), [*rows, ["all", "", *_numbers(self.replies, priced)]], words=(0, 1))
        yield ""
        by = _grouped(self.replies, "scenario")
        yield Grid(("scenario", *numbers), [[*names, *_numbers(group, priced)] for names, group in by])
        if priced and not self.total.whole:
            yield "cost: at least so much; some of it has no price, or its server told no tokens"
        told = ", ".join(f"{kind} {count:,}" for kind, count in self.decisions.items())
        yield f"decisions (plans, targets and the like, that a run is made again by): {told or 'none'}"


def stats(place: Path) -> Stats:
    """What `synth journal stats` finds: the replies, tokens and cost that a journal holds; decisions, bytes. Prices are those of
    the run.json beside it."""
    with Reader(place) as journal:
        spent = [Usage(*row) for row in journal.rows(SPENT)]
        kinds = dict(journal.rows("SELECT kind, count(*) FROM decisions GROUP BY 1 ORDER BY 1"))
        beside = journal.path.with_name(journal.path.name + "-wal")
        size = journal.path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
        known, scenarios = _told(journal.path.with_name("run.json"))
        rows = by_scenario(spent, scenarios, known)
        return Stats(journal.path, size, journal.version, rows, kinds, bill(spent, known))


def _told(path: Path) -> tuple[Prices, dict[str, str]]:
    """Prices, and the scenario of each lane, as the last run beside the journal had them; none where there was none."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        models = {name: Role.model_validate(unasked(role)) for name, role in facts["recipe"]["models"].items()}
        lanes = {f"{cell['subcategory']}/{cell['query_type']}": cell["scenario"] for cell in facts["cells"]}
        return prices(models), lanes
    except BROKEN:
        return {}, {}


def _grouped(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    found: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return sorted(found.items())


def _numbers(rows: Sequence[dict[str, Any]], priced: bool) -> list[str]:
    calls, *tokens = (sum(row[name] for row in rows) for name in ("calls", "prompt_tokens", "completion_tokens"))
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    cost = [f"{sum(costs):,.4f}" if costs else "?"] if priced else []
    return [f"{calls:,}", *(f"{count:,}" for count in tokens), *cost]


def verify(place: Path) -> str:
    """`synth journal verify`: reads every row of a journal, and gives a line that says it is good. ConfigError for the
    first thing wrong."""
    with Reader(place) as journal:
        for (found,) in journal.rows("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise _damaged(journal, found)
        for (key,) in journal.rows(
            "SELECT key FROM replies WHERE length(key) <> 32 OR key GLOB '*[^0-9a-f]*' ORDER BY key LIMIT 1"
        ):
            raise _damaged(journal, f"a reply has the key {key!r}, which is none")
        number = 0
        for number, kind, _, why in journal.numbered():
            if why:
                raise _damaged(journal, f"decision {number}, a {kind}, {why}")
        if last := decisions.last_target(journal.decisions()):
            recorded(journal.decisions(), last["identity"])
        replies, wrong = 0, list[Kept]()
        for kept, whole in journal.replies():
            replies += 1
            if not whole:
                wrong.append(kept)
        if wrong:
            first = f"the first has the key {wrong[0].key}, stage {one_line(str(wrong[0].stage))}"
            raise ConfigError(
                f"{journal.path}: damaged ({len(wrong):,} of {replies:,} replies are not what was written; {first}); `synth run` of the"
                " recipe there asks for them again, or go back to a copy"
            )
        old = journal.unsealed()
    unsealed = f"; {old[0]:,} replies and {old[1]:,} decisions of format 1 have no sum" if any(old) else ""
    return f"{journal.path}: good ({replies:,} replies, {number:,} decisions{unsealed})"


def export(place: Path, out: Path | None, screen: IO[str]) -> str | None:
    """`synth journal export`: writes every decision and reply of a journal as a line of JSON, to `out` or else on
    `screen`; gives the path written, None for the screen."""
    with Reader(place) as journal:
        if out is None:
            screen.writelines(_lines(journal))
            return None
        if os.path.lexists(out) and not aside.begins(out, b'{"decision": ', b'{"reply": '):
            raise ConfigError(f"{out}: is there already and is no export of a journal; choose another -o FILE")
        try:
            with aside.file(out) as new, new.open("w", encoding="utf-8") as file:
                file.writelines(_lines(journal))
        except OSError as error:
            raise ConfigError(f"{out}: cannot be written ({error.strerror}); choose another -o FILE") from error
    return str(out)


def merge(places: Sequence[Path], out: Path) -> str:
    """`synth journal merge`: writes the replies of several journals into a new one, for a recipe that shares requests
    with theirs; gives a line on what it holds. Plans stay behind: they are of one recipe (`synth merge` unites
    those)."""
    path = out if out.suffix == ".sqlite" else out / "journal.sqlite"
    with contextlib.ExitStack() as stack:
        journals = [stack.enter_context(Reader(place)) for place in places]
        if os.path.lexists(path):
            raise ConfigError(f"{path}: is there already; choose another -o, and name it among what is merged")
        lost: list[Kept] = []
        write(path, united_replies(journals, lost.append), ())
    with Reader(path) as made:
        ((count,),) = made.rows("SELECT count(*) FROM replies")
    left = f" ({len(lost):,} that are not what was written are left out)" if lost else ""
    return f"{path}: {count:,} replies{left}"


def _lines(journal: Reader) -> Iterator[str]:
    for number, kind, body, why in journal.numbered():
        yield _line({"decision": kind, "number": number, "damaged": why} if why else {"decision": kind, "body": body})
    for reply, whole in journal.replies():
        fields = {name: value for name, value in reply._asdict().items() if name != "key"}
        if fields["more"] is None:
            del fields["more"]
        yield _line({"reply": reply.key} | (fields if whole else {"stage": str(reply.stage), "damaged": WRONG}))


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _damaged(journal: Reader, why: str) -> ConfigError:
    return ConfigError(
        f"{journal.path}: damaged ({why}); go back to a copy, or save what can be read with `synth journal export`"
    )
