"""A printed figure says on whose text it rests: the tables of `benchmarks/evidence.py`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
GOOD = {"query": "怎么做番茄炒蛋？", "response": "鸡蛋打散炒熟盛出，番茄炒出汁，再把鸡蛋倒回去，加盐翻匀就可以了。"}
SOUP = {"query": "紫菜蛋花汤怎么煮？", "response": "水开后放紫菜，淋入打散的蛋液，等蛋花浮起再加盐和几滴香油就可以了。"}
BROKEN = {"query": "番茄炒蛋第一步是什么？"} | {
    "response": "首先把番茄洗净切块，然后把鸡蛋打散备用，接着在锅里倒油烧热，"
}


def written(folder: Path, kind: str, source: str, rows: list[dict[str, Any]]) -> None:
    (folder / kind).mkdir()
    (folder / kind / f"{source}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def test_each_figure_names_its_text_and_says_what_is_not_met(tmp_path: Path) -> None:
    written(tmp_path, "ordinary", "kitchen", [GOOD, SOUP, BROKEN])
    written(tmp_path, "personal", "made_up", [{"text": "打我手机13812345670", "personal": "mobile"}])
    said = {
        "kitchen": {"text": "a cook's", "labels": "nobody", "origin": "real"},
        "made_up": {"text": "written for this test", "labels": "its writer", "origin": "here"},
    }
    (tmp_path / "sources.json").write_text(json.dumps(said), encoding="utf-8")
    command = [sys.executable, str(TOP / "benchmarks" / "evidence.py"), str(tmp_path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TOP).stdout.splitlines()
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| ordinary pairs with a reason, brought: kitchen", "at most 4.00%"],
        ["| **ordinary pairs with a reason, brought: over all**", "at most 2.00%"],
        ["| ordinary pairs with a reason, written: kitchen", "at most 4.00%, **not met**"],
        ["| **ordinary pairs with a reason, written: over all**", "at most 2.00%, **not met**"],
        ["| personal data found: made_up", "at least 95.00%"],
    ]
    assert "| 33.33% (" in lines[2]
    assert "a cook's | nobody | response.unfinished 1 |" in lines[2]
    assert "written for this test | its writer" in lines[-1]
