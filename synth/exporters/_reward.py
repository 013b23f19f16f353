"""What a guard's verdict is worth: -1 where it cannot be read or breaks off, 0 where it is wrong, 1 where it is right. `reward` is for trl,
`compute_score` for verl, `reward_func` for OpenRLHF, `guard_reward` for ms-swift. This file stands alone: it imports nothing of synth."""

import json
import re
from collections.abc import Sequence
from typing import Any

READS: dict[str, Any] = {"kind": "json", "fields": {"label": "答案"}, "needs": ["label"], "words": {}}

_MARKS = " \n。.，,！!\"'“”【】[]"
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_END = re.compile(r"(?:\s|<\|[^<>|\s]{1,40}\|>|</s>|<eos>|<end_of_turn>)+$")
"""Tokens that end a turn, which some trainers leave in the text."""


def verdict(text: str) -> str | None:
    """The label that a guard's verdict gives; None where none can be read, or the verdict breaks off."""
    thought = _THOUGHT.match(text)
    found = _fields(_END.sub("", text[thought.end() :] if thought else text))
    if any(name not in found for name in READS["needs"]):
        return None
    said = found["label"].strip(_MARKS).casefold()
    return next((label for label, words in READS["words"].items() if said in words), None)


def worth(text: str, label: str) -> float:
    """What one verdict is worth where that label is right."""
    said = verdict(text)
    return -1.0 if said is None else float(said == label)


def reward(completions: Sequence[Any], answer: Sequence[str], **_: Any) -> list[float]:
    """The rewards of completions, texts or messages, given the right labels: as trl calls it."""
    return [worth(_text(one), label) for one, label in zip(completions, answer, strict=True)]


def compute_score(data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None, **_: Any) -> float:
    """The reward of one completion, given the right label: as verl calls it."""
    del data_source, extra_info
    return worth(solution_str, ground_truth)


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **_: Any) -> dict[str, Any]:
    """The rewards of completions that stand behind their prompts, given the right labels: as OpenRLHF calls it."""
    several = zip(queries, prompts, labels, strict=True)
    rewards = _tensor([worth(_behind(prompt, query), label) for query, prompt, label in several])
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


def _behind(prompt: str, query: str) -> str:
    """What was completed. A prompt may begin otherwise once it was tokenized and decoded; its end stays."""
    return query.rpartition(prompt[-40:])[2] if prompt else query


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]


def _tensor(rewards: list[float]) -> Any:
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return rewards
    return torch.tensor(rewards)


def _fields(text: str) -> dict[str, str]:
    """A verdict taken apart. JSON must be whole; the lines that are needed must all be there."""
    if READS["kind"] == "json":
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(text, max(text.find("{"), 0))
        except ValueError:
            return {}
        held = found if isinstance(found, dict) else {}
        return {name: str(held[key]) for name, key in READS["fields"].items() if held.get(key) is not None}
    if READS["kind"] == "first_token":
        token = re.match(r"\s*([^\s，,。.:：;；]+)", text)
        return {"label": token[1]} if token else {}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return {name: line for name, head in READS["fields"].items() if (line := _line(lines, head))}


def _line(lines: Sequence[str], head: str | int) -> str:
    """What stands in the line of that number, or behind that head."""
    if isinstance(head, int):
        return lines[head - 1] if head <= len(lines) else ""
    colon = "[:：]" if head[-1:].isalnum() else "[:：]?"
    matches = (re.match(rf"{re.escape(head)}\s*{colon}\s*(.+)", line, re.IGNORECASE) for line in lines)
    return next((match[1] for match in matches if match), "")


try:
    from swift.rewards import ORM, orms  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    pass
else:

    class GuardReward(ORM):  # type: ignore[misc, unused-ignore]
        """The reward as ms-swift calls it, under the name `guard_reward`."""

        def __call__(self, completions: Sequence[str], solution: Sequence[str], **_: Any) -> list[float]:
            return reward(completions, solution)

    orms["guard_reward"] = GuardReward
