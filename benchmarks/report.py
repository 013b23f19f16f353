"""What a report of a million rows takes, a million hostile strings among them and every kind of hostile text twenty times over: seconds,
memory, bytes; and in Chromium, where Playwright and a browser are, how long it takes to open, and whether anything happens that must not.

python benchmarks/report.py [ROWS] [FOLDER]      CHROMIUM=/usr/bin/chromium
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synth.dataset.rows import rank
from synth.dataset.shards import GROUP_ROWS, SCHEMA
from tests.support.hostile import strings
from tests.support.reported import facts, hostile

AT_ONCE = 20_000
CLASSES = ("refusal", "compliance", "partial", "rebuttal")
STANCES = ("natural", "comply", "refuse", "safe_complete")
WRITE = """
import json, resource, sys, time
from pathlib import Path
started = time.monotonic()
from synth.report.report import write_report
path = write_report(Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([time.monotonic() - started, time.process_time(), peak / 1024, path.stat().st_size]))
"""


def encoded(seed: int, count: int) -> Iterator[str]:
    return (text.encode("utf-8", "replace").decode() for text in strings(seed, count))


def batch(first: int, count: int) -> pa.Table:
    """Rows as a run writes them: 2,000 different answers and queries in turn, each with a hostile string of its own as its analysis."""
    chance = random.Random(first)
    hostiles = list(encoded(first, count))
    columns = {name: [None] * count for name in SCHEMA.names}
    ids = sorted((f"{first + at:012x}-0" for at in range(count)), key=rank)
    subs = [chance.randrange(80) for _ in range(count)]
    unsafe = [chance.random() < 0.4 for _ in range(count)]
    columns |= {
        "id": ids,
        "query_id": ids,
        "root_id": ids,
        "scenario": [f"s{one % 8}" for one in subs],
        "subcategory": [f"s{one % 8}.c{one}" for one in subs],
        "subcategory_name": [f"类{one}" for one in subs],
        "query_type": ["harmful" if one % 3 else "benign" for one in subs],
        "query": [f"第{chance.randrange(10**9)}问：" + "怎样和面才好" * chance.randint(1, 12) for _ in range(count)],
        "response": [
            f"第{chance.randrange(10**9)}答：" + "先把面放在盆里，" * chance.randint(2, 40) for _ in range(count)
        ],
        "label": ["unsafe" if one else "safe" for one in unsafe],
        "response_class": [chance.choice(CLASSES) for _ in range(count)],
        "stance": [chance.choice(STANCES) for _ in range(count)],
        "analysis": hostiles,
        "votes": [[{"judge": j, "label": "safe", "analysis": text} for j in "ab"] for text in hostiles],
        "elements": [
            [{"axis": axis, "value": f"{axis}{chance.randrange(60)}"} for axis in ("task", "region", "persona")]
            for _ in ids
        ],
        "generator": ["writer"] * count,
        "responder": [f"answerer-{chance.randrange(3)}" for _ in range(count)],
        "notes": [[{"stage": "grade", "key": "why", "value": text}] for text in hostiles],
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def folder(place: Path, rows: int) -> Path:
    """A run's folder with that many rows, beside those of every hostile kind, and with a hundred thousand drops."""
    made = hostile(place)
    data = made / "dataset" / "data"
    for shard, first in enumerate(range(0, rows, 10 * AT_ONCE), start=1):
        with pq.ParquetWriter(data / f"train-{shard:05d}-of-00099.parquet", SCHEMA, compression="zstd") as writer:
            for start in range(first, min(rows, first + 10 * AT_ONCE), AT_ONCE):
                writer.write_table(batch(start, min(AT_ONCE, rows - start)), row_group_size=GROUP_ROWS)
    with (made / "drops" / "dedup.near_duplicate.jsonl").open("w", encoding="utf-8") as lines:
        for at, text in enumerate(encoded(7, min(rows, 100_000))):
            told = {
                "stage": "dedup",
                "reason": "near_duplicate",
                "lane": "s1.c1/harmful",
                "place": f"#{at}",
                "wanted": "safe",
            }
            lines.write(
                json.dumps(told | {"text": text, "query": text, "response": None, "stance": None, "votes": []}) + "\n"
            )
    told = json.loads((made / "run.json").read_text(encoding="utf-8"))
    told["dropped"]["dedup.near_duplicate"] = min(rows, 100_000)
    told["counts"] = facts()["counts"] | {"born": 3 * rows, "accepted": rows, "dropped": rows}
    (made / "run.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return made


def opened(page: Path) -> str:
    """How long the page takes in a browser, and what happened that must not."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "no Playwright here, so it was not opened"
    happened: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        tab = browser.new_context(offline=True).new_page()
        tab.on("dialog", lambda it: (happened.append(f"dialog {it.message}"), it.dismiss()))
        tab.on("console", lambda it: happened.append(f"console {it.text}"))
        tab.on("pageerror", lambda it: happened.append(f"error {it}"))
        tab.on("request", lambda it: it.url == page.as_uri() or happened.append(f"request {it.url}"))
        tab.goto(page.as_uri())
        took = tab.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
        )
        started = time.monotonic()
        tab.fill("input[type=search]", "怎样和面")
        count = tab.inner_text(".filters").splitlines()[-1]
        search = time.monotonic() - started
        browser.close()
    return f"opened in {took / 1000:.2f} s; a search over its sample in {search:.2f} s ({count}); {len(happened)} dialogs, requests or lines {happened[:3]}"


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(sys.argv[2] if len(sys.argv) > 2 else scratch) / "million"
        if not place.exists():
            started = time.monotonic()
            folder(place, rows)
            print(f"{rows:,} rows made in {time.monotonic() - started:.0f} s")
        done = subprocess.run([sys.executable, "-c", WRITE, str(place)], capture_output=True, text=True, check=True)
        seconds, cpu, memory, size = json.loads(done.stdout)
        print(f"report: {seconds:.1f} s ({cpu:.1f} s of CPU), {memory:,.0f} MiB at its peak, {size:,} bytes")
        print(opened(place / "report.html"))


if __name__ == "__main__":
    main()
