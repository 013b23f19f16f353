"""Keys of requests: the same for ever."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synth.hashing import key_of
from synth.types import Message, Request


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
