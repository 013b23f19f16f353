"""Rows to label, as Argilla and Label Studio take them."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from synth.errors import ConfigError
from synth.exporters._label_tools import argilla, label_studio, write_folder
from synth.report.label_words import ZH

HOSTILE = '"><script>alert(1)</script>&amp;\u202e$query\x07'
ROWS = [
    {"id": "a-1", "category": HOSTILE, "context": "", "query": HOSTILE, "response": HOSTILE},
    {"id": "b-2", "category": "类", "context": "", "query": "问", "response": ""},
]
LABELS = {"safe": "安全", "unsafe": HOSTILE}
SHOWN = HOSTILE.replace("\u202e", "·").replace("\x07", "·")


def test_nothing_of_a_row_stands_in_the_interface() -> None:
    files = label_studio(ROWS, LABELS, ZH, question="哪一种？")
    view = ET.fromstring(files["interface.xml"])
    assert {one.get("value") for one in view.iter("Text")} == {"$category", "$query", "$response"}
    assert {one.get("valueType") for one in view.iter("Text")} == {"text"}
    assert [(one.get("alias"), one.get("value"), one.get("hotkey")) for one in view.iter("Choice")] == [
        ("safe", "安全", "1"),
        ("unsafe", SHOWN, "2"),
    ]
    assert not [one for one in view.iter() if one.tag in ("HyperText", "script") or one.get("html")]
    tasks = json.loads(files["tasks.json"])
    assert tasks[0] == {"data": {"row_id": "a-1", "category": SHOWN, "query": SHOWN, "response": SHOWN}}
    assert tasks[1]["data"]["response"] == ""


def test_argilla_is_given_text_that_is_no_markdown_in_ascii() -> None:
    files = argilla(ROWS, LABELS, ZH, name="synth-f00d", question="哪一种？", readers=3)
    assert all(text.isascii() for text in files.values())
    settings, records = json.loads(files[".argilla/settings.json"]), json.loads(files["records.json"])
    assert [one["name"] for one in settings["fields"]] == ["category", "query", "response"]
    assert not any(one["settings"]["use_markdown"] for one in settings["fields"])
    assert settings["distribution"] == {"strategy": "overlap", "min_submitted": 3}
    assert [one["value"] for one in settings["questions"][0]["settings"]["options"]] == ["safe", "unsafe"]
    assert records[0]["fields"] == {"category": SHOWN, "query": SHOWN, "response": SHOWN}
    assert records[1]["fields"] == {"category": "类", "query": "问"}
    assert {one["id"] for one in records} == {"a-1", "b-2"}
    assert not any(one["responses"] or one["suggestions"] for one in records)


def test_what_stands_there_stays(tmp_path: Path) -> None:
    write_folder({".argilla/a.json": "{}"}, tmp_path / "new")
    assert (tmp_path / "new" / ".argilla" / "a.json").read_text() == "{}"
    with pytest.raises(ConfigError, match="is there already"):
        write_folder({"b.json": "{}"}, tmp_path / "new")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        write_folder({"b.json": "{}"}, tmp_path / "file")
