"""A stand-in server some of whose models judge by the toss of a coin."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from synth.hashing import unit
from synth.serve.server import StandIn
from synth.types import Reply


def toss(server: StandIn, models: Collection[str]) -> None:
    """From now on any label may stand in the verdicts of these models."""
    given = server._reply

    def reply_to(body: Mapping[str, Any], fault: str | None) -> Reply:
        reply = given(body, fault)
        if body["model"] not in models or "label" not in reply.text:
            return reply
        label = "安全" if unit("toss", str(body)) < 0.5 else "不安全"
        verdict = {"analysis": "看过了这段对话，认为应当这样判断。", "intent": "有害", "label": label}
        return replace(reply, text=json.dumps(verdict, ensure_ascii=False))

    server._reply = reply_to  # type: ignore[method-assign]
