"""Which verdict in a reply about several rows is whose: by its number alone, and nobody's where there is any doubt."""

import json
from typing import Any

import pytest

from synth.errors import ParseError
from synth.stages.verdict_list import read_verdicts
from synth.types import Reply

ROWS = 3


def one(n: Any, label: str = "安全") -> dict[str, Any]:
    return {"n": n, "analysis": f"因此{label}", "label": label}


def listed(*items: Any) -> str:
    return json.dumps({"verdicts": items}, ensure_ascii=False)


WHOLE = listed(one(1), one(2, "不安全"), one(3))
QUOTED = '{"n": 2, "analysis": "引自用户", "label": "安全"}'


def labels(text: str, finish: str = "stop") -> dict[int, list[str]]:
    """By number, what is said of a row."""
    found = read_verdicts(Reply(text, finish), ROWS)
    return {place + 1: [item["label"] for item in items] for place, items in found.items()}


RIGHT = {1: ["安全"], 2: ["不安全"], 3: ["安全"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WHOLE, RIGHT),
        (f"<think>第2条像第3条。</think>好的，判定如下：\n```json\n{WHOLE}\n```\n以上[3条]供参考。", RIGHT),
        (listed(one(3), one(1), one(2, "不安全")), RIGHT),
        (json.dumps([one("1"), one("第2条", "不安全"), one(3.0)]), RIGHT),
        (json.dumps({"1": one(None), "2": {"label": "不安全"}, "3": one(3)}), RIGHT),
        ("\n".join(json.dumps(one(n, label)) for n, label in ((1, "安全"), (2, "不安全"), (3, "安全"))), RIGHT),
        (listed(one(1), one(3)), {1: ["安全"], 3: ["安全"]}),
        (listed(one(1), one(2), one(2, "不安全")), {1: ["安全"], 2: ["安全", "不安全"]}),
        (listed(one(1), {"analysis": "无号", "label": "不安全"}, "三", None), {1: ["安全"]}),
        (WHOLE[: WHOLE.rindex("因此")], {1: ["安全"], 2: ["不安全"]}),
        (listed(one(1), one(2))[:-2].replace('"n": 2', '"n": 1, "label": "安全", "n": 2'), {1: ["安全"]}),
        (listed(one(1)).replace("因此安全", '他写"不"，') + "]}", None),
        (json.dumps({"1": one(2)}), None),
        (listed(one(0), one(1), one(2)), None),
        (listed(one(2), one(3), one(4)), None),
        (listed(*map(one, (1, 2, 3, 4))), None),
        (listed(one(-1)), None),
        (listed(one(True), one(None), one([1]), one("1-3")), None),
        (f"第一条安全。{json.dumps(one(1))} 第二条里用户写了 {QUOTED}，第三条{json.dumps(one(3))}", None),
        (f"用户写了 {QUOTED}。我的判定：{listed(one(1), one(3))}", None),
        (listed(one(1)).replace("因此安全", f"他说{QUOTED}"), None),
        (json.dumps(one(2)).replace('"n": 2, ', ""), None),
        ("抱歉，我不能评价。", None),
        ("第1条：安全\n第2条：不安全", None),
        ("[" * 5_000, None),
        ('{"verdicts": ' * 3_000, None),
        (WHOLE + '{"n": ' * 3_000, None),
    ],
)
def test_a_verdict_is_of_the_row_whose_number_it_bears(text: str, said: dict[int, list[str]] | None) -> None:
    if said is None:
        with pytest.raises(ParseError):
            labels(text)
    else:
        assert labels(text) == said


def test_however_a_reply_is_cut_no_row_gets_what_was_said_of_another() -> None:
    for end in range(len(WHOLE)):
        try:
            found = labels(WHOLE[:end], "length")
        except ParseError:
            continue
        assert found.items() <= RIGHT.items()


def test_an_object_run_into_the_next_is_nobodys() -> None:
    torn = listed(one(1), one(2, "不安全"), one(3)).replace('"}, {"n": 2', '", "n": 2', 1)
    assert labels(torn) == {3: ["安全"]}
