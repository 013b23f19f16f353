"""Rows to label as Argilla and Label Studio take them: a folder for `argilla.Dataset.from_disk`; tasks and the XML of a labelling interface.

Every text is data of a field that is shown as text: nothing of a row stands in the settings or the XML.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias
from xml.etree import ElementTree as ET

from synth import aside
from synth.errors import ConfigError
from synth.sanitize import for_page

_BLOCKS: Final = ("category", "context", "query", "response")
"""What is shown of a row, in this order."""
Row: TypeAlias = Mapping[str, str]
"""A row to label: `id`, and text of each block; empty where there is none."""


def write_folder(files: Mapping[str, str], out: Path) -> None:
    """Writes the files for a label tool, by their paths, as a new folder. ConfigError where something stands there already."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"{out}: is there already; choose another -o, or remove it")
    with aside.folder(out, lambda _: False) as new:
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def argilla(
    rows: Sequence[Row],
    labels: Mapping[str, str],
    words: Mapping[str, str],
    *,
    name: str,
    question: str,
    readers: int,
) -> dict[str, str]:
    """Rows to label as a dataset on disk of Argilla 2.8: `.argilla/dataset.json`, `.argilla/settings.json` and `records.json`, all in
    ASCII, since Argilla reads them in the encoding of its machine. `labels` are names with what each is called; a row is done when
    `readers` have labelled it."""
    records = [
        {
            "id": row["id"],
            "fields": {block: for_page(row[block]) for block in _BLOCKS if row[block]},
            **{key: dict[str, Any]() for key in ("metadata", "suggestions", "responses", "vectors")},
        }
        for row in rows
    ]
    dataset = {"name": name, "status": "draft", "guidelines": words["lead"], "allow_extra_metadata": False}
    return {
        ".argilla/dataset.json": json.dumps(dataset),
        ".argilla/settings.json": json.dumps(_settings(rows, labels, words, question, readers), indent=1),
        "records.json": json.dumps(records, indent=1),
    }


def label_studio(
    rows: Sequence[Row], labels: Mapping[str, str], words: Mapping[str, str], *, question: str
) -> dict[str, str]:
    """Rows to label as `tasks.json` and `interface.xml` of Label Studio. A row's id stands under `row_id`: a task has an `id` of its
    own."""
    view = ET.Element("View")
    for block in _shown(rows):
        part = ET.SubElement(view, "View")
        ET.SubElement(part, "Header", value=words[block], size="5")
        ET.SubElement(part, "Text", name=block, value=f"${block}", valueType="text")
    ET.SubElement(view, "Header", value=question, size="4")
    choices = ET.SubElement(
        view, "Choices", name="your_label", toName="query", choice="single-radio", required="true", showInline="true"
    )
    for number, (key, word) in enumerate(labels.items(), start=1):
        ET.SubElement(choices, "Choice", value=for_page(word), alias=key, hotkey=str(number))
    ET.SubElement(view, "TextArea", name="note", toName="query", placeholder=words["note"], rows="2")
    ET.indent(view, " ")
    blocks = _shown(rows)
    tasks = [{"data": {"row_id": row["id"], **{block: for_page(row[block]) for block in blocks}}} for row in rows]
    return {
        "tasks.json": json.dumps(tasks, ensure_ascii=False, indent=1),
        "interface.xml": ET.tostring(view, encoding="unicode") + "\n",
    }


def _shown(rows: Sequence[Row]) -> list[str]:
    """The blocks of which some row has a text."""
    return [block for block in _BLOCKS if any(row[block] for row in rows)]


def _settings(
    rows: Sequence[Row], labels: Mapping[str, str], words: Mapping[str, str], question: str, readers: int
) -> dict[str, Any]:
    label = {"type": "label_selection", "options": [{"value": key, "text": word} for key, word in labels.items()]}
    return {
        "guidelines": words["lead"],
        "fields": [
            _property(block, words[block], {"type": "text", "use_markdown": False}, required=block == "query")
            for block in _shown(rows)
        ],
        "questions": [
            _property("your_label", question, label, required=True),
            _property("note", words["note"], {"type": "text", "use_markdown": False}, required=False),
        ],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": readers},
        "mapping": None,
    }


def _property(name: str, title: str, settings: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "title": title, "required": required, "settings": settings}
