"""What a model's server says of how an answer ended, in synth's own words."""

import re
from typing import Any, Final

WHOLE: Final = frozenset(
    [
        "stop",
        "stopped",
        "eos",
        "eos_token",
        "eos_token_id",
        "end_turn",
        "end_of_turn",
        "end_of_text",
        "endoftext",
        "stop_sequence",
        "stop_token",
        "stop_string",
        "stop_word",
        "stop_words",
        "complete",
        "completed",
        "completion_finished",
        "normal",
        "finish",
        "finished",
        "end",
        "ended",
        "done",
        "success",
        "im_end",
        "natural",
        "正常",
        "完成",
        "结束",
        "正常结束",
    ]
)
"""Words known to mean that an answer is whole. A word in none of these tables is not taken for one."""
CUT: Final = frozenset(
    [
        "length",
        "max_tokens",
        "max_token",
        "max_length",
        "model_length",
        "max_output_tokens",
        "max_new_tokens",
        "max_completion_tokens",
        "max_tokens_reached",
        "token_limit",
        "token_limit_reached",
        "length_limit",
        "limit",
        "output_limit",
        "context_length",
        "model_context_window_exceeded",
        "context_window_exceeded",
        "truncated",
        "length_capped",
        "长度限制",
        "达到上限",
    ]
)
_FILTERED = re.compile(
    r"filter|sensitiv|safety|\brisk|moderat|blocklist|prohibit|polic|guardrail|violat|censor|unsafe|recitation|\bspii\b|refusal|blocked"
    "|敏感|违规|安全|风险|审核"
)
_NONE: Final = frozenset(("", "null", "none", "unspecified", "finish_reason_unspecified"))


def finish_of(told: Any, *, content: bool) -> str:
    """How an answer ended, by a server's word for it: `stop`, `length`, `content_filter` or `broken`. No word beside an answer is a
    whole one."""
    if told is None or told == "":
        return "stop" if content else "broken"
    if not isinstance(told, str):
        return "broken"
    word = told if told in WHOLE else re.sub(r"[\s-]+", "_", told[:100].strip().lower()).removeprefix("finish_reason_")
    if word in _NONE:
        return "stop" if content else "broken"
    if word in WHOLE:
        return "stop"
    if word in CUT:
        return "length"
    return "content_filter" if _FILTERED.search(word) else "broken"
