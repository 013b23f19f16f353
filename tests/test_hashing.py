"""Keys of requests: the same for ever."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.hashing import key_of
from synth.types import Message, Request

TEXT, BEGUN = Message("user", "用户：怎么煮米饭？\n助手："), Message("assistant", "当然可以，")
CHAT = (Message("system", "你是助手。"), Message("user", "怎么煮米饭？"), BEGUN)
SCHEMA = {"title": "query", "type": "object"}


@given(
    st.text(),
    st.dictionaries(st.text(max_size=5), st.integers(-(2**70), 2**70) | st.sampled_from([0.7, 1.0, 0.95]) | st.text()),
)
def test_a_key_is_the_hash_of_canonical_json_whatever_library_writes_it(text: str, params: dict[str, Any]) -> None:
    request = Request("model", "m", (Message("user", text),), params, None, ("x", 1))
    canonical = json.dumps(
        ["model", "m", [["user", text]], params, None, ["x", 1]],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    assert key_of(request) == hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (Request("model", "m", CHAT, {"temperature": 0.7}, SCHEMA, ("respond", 1)), "e3c0023f8d0cb4cb750e44ea382f736c"),
        (
            Request("model", "m", (TEXT,), {"stop": ["用户："]}, None, ("respond", 1), "completion"),
            "1b13bf31df5c4882b9e8f573951365d8",
        ),
        (
            Request("model", "m", (TEXT, BEGUN), {"stop": ["用户："]}, None, ("respond", 1), "completion"),
            "c87656207356a6a3f65de327a62bf3e4",
        ),
        (
            Request("embedding", "m", (CHAT[1],), {"dimensions": 64}, None, (), "embedding"),
            "e50ebf6239a48b6017d75d585f7fa2c8",
        ),
    ],
    ids=["chat", "completion", "completion-begun", "embedding"],
)
def test_every_kind_of_request_keeps_the_key_it_had_in_the_first_journals(request_: Request, key: str) -> None:
    assert key_of(request_) == key
