"""What the prompts say, in runs of Chinese: by it an answer that repeats its own prompt is known."""

import re

from synth.files import folders

RUN = re.compile(r"[\u3400-\u9fff]{6,}")
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def passages(window: int) -> frozenset[str]:
    """Every `window` Chinese characters on end in the prompts that `synth` finds."""
    prompts = {path for folder in folders("prompts") for path in folder.rglob("*.j2")}
    runs = [run for path in prompts for run in RUN.findall(_JINJA.sub("\n", path.read_text(encoding="utf-8")))]
    return frozenset(run[at : at + window] for run in runs for at in range(len(run) - window + 1))
