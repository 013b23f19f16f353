"""What refusals are taken for, in whatever words they come."""

import json
from typing import Any

import pytest

from synth.backends.openai.complaints import status_in
from synth.backends.openai.refusals import classify
from tests.backends.openai.refusal_table import ROWS

SENT = ("model", "messages", "seed", "temperature", "top_p", "max_tokens", "response_format")


def _body(told: Any) -> bytes:
    return told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()


@pytest.mark.parametrize(("status", "told", "kind", "field"), ROWS)
def test_a_refusal_is_known_by_status_codes_and_words(status: int, told: Any, kind: str, field: str | None) -> None:
    body = _body(told)
    if status == 200:
        status = status_in(json.loads(body)) or 0
    found = classify(status, {}, body, SENT)
    assert (found.kind, found.field) == (kind, field), found
