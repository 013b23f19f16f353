"""Personal data: how much of what is planted is found, and what is found in ordinary text; beside the libraries that know Chinese numbers.
Planted values and the labelled lines were written here, by the hand that wrote the rules; the ordinary text is the user's.

pip install jionlp phonenumbers        # neither is needed to run synth
python -m benchmarks.personal DIR      # from the top of the repository; DIR: JSON lines with `query` and `response`
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from synth.filters.personal import find
from tests.support.planted import PLANTED, planted

LINES = Path(__file__).parents[1] / "tests" / "texts" / "personal.txt"
Look = Callable[[str], bool]


def ours(kind: str) -> Look:
    return lambda text: any(finding.kind == kind for finding in find(text))


def jionlp(kind: str) -> Look | None:
    import jionlp as jio

    names = {
        "mobile": "phone_number",
        "identity": "id_card",
        "plate": "motor_vehicle_licence_plate",
        "wechat": "wechat_id",
    }
    look = getattr(jio, f"extract_{names.get(kind, kind)}", None)
    return look and (lambda text: bool(look(text)))


def phonenumbers(kind: str) -> Look | None:
    from phonenumbers import PhoneNumberMatcher

    return (lambda text: PhoneNumberMatcher(text, "CN").has_next()) if kind == "mobile" else None


def labelled() -> None:
    """Of the lines written here with a kind or none, how many are told right."""
    lines = [line.partition(" ") for line in LINES.read_text(encoding="utf-8").splitlines()]
    right = [
        (kind, [finding.kind for finding in find(text)] == ([] if kind == "none" else [kind]))
        for kind, _, text in lines
    ]
    for kind in dict.fromkeys(kind for kind, _ in right):
        told = [ok for name, ok in right if name == kind]
        print(f"{kind:<10}labelled here {sum(told)} of {len(told)} told right")


def main(folder: Path) -> None:
    lines = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    texts = [row[name] for row in lines for name in ("query", "response") if isinstance(row.get(name), str)]
    print(f"ordinary text of {folder}: {len(texts):,} texts, {sum(map(len, texts)):,} characters; values made up here")
    tools = {"synth": ours} | {
        name: tool for name, tool in (("jionlp", jionlp), ("phonenumbers", phonenumbers)) if find_spec(name)
    }
    for kind in PLANTED:
        told = [text for text, _ in planted(kind)]
        for name, tool in tools.items():
            if look := tool(kind):
                found, hits = sum(map(look, told)) / len(told), [text for text in texts if look(text)]
                print(
                    f"{kind:<10}{name:<14}found {found:6.3f} of {len(told)}   in ordinary text {len(hits):>3} ({len(hits) / len(texts):.3%})"
                )
    labelled()
    began = time.process_time()
    hits = sum(bool(find(text)) for text in texts)
    speed = sum(map(len, texts)) / (time.process_time() - began)
    print(
        f"all of synth's together: {hits} ordinary texts ({hits / len(texts):.3%}), {speed / 1e6:.1f} million characters/s"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
