"""Text stays text: no family of chat templates has a turn opened or closed by it, and ordinary text is not touched."""

import random

import pytest

from synth.sanitize import as_data, as_turn, without_tokens

MARKS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|user|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|channel|>",
    "<|START_OF_TURN_TOKEN|>",
    "<|turn>",
    "<turn|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜end▁of▁sentence｜>",
    "<｜begin▁of▁sentence｜>",
    "<｜hy_User｜>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    "<sop>",
    "<eop>",
    "<eoa>",
    "<unused12>",
    "<extra_id_0>",
    "<reserved_106>",
    "<SPECIAL_12>",
    "<TOKENS_UNUSED_0>",
    "<0x0A>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "<function=f>",
    "<parameter=p>",
    "<arg_key>",
    "<seed:bos>",
    "<longcat_think>",
    "<minimax:tool_call>",
    "<用户>",
    "<AI>",
    "<human>",
    "<bot>",
    "<_user>",
    "[INST]",
    "[/INST]",
    "[\\INST]",
    "<<SYS>>",
    "<</SYS>>",
    "[SYSTEM_PROMPT]",
    "[TOOL_CALLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[gMASK]",
    "[sMASK]",
    "[THINK]",
    "[IMG_END]",
    "[USER]",
    "[SEP]",
    "[BOS]",
    "[UNUSED_TOKEN_145]",
    "[unused9]",
    "[control_8]",
    "[|user|]",
    "[|endofturn|]",
    "[|Human|]",
    "]~b]",
    "]~!b[",
    "[e~[",
    "]<]minimax[>[",
    ">>QUESTION<<",
    "◁think▷",
    "◁/think▷",
    "<fim_prefix>",
    "<beginning_of_sentence>",
    "<BOS_TOKEN>",
]


@pytest.mark.parametrize("mark", [*MARKS, '<invoke name="f">', "<| im_end |>"])
def test_no_mark_of_a_turn_comes_through(mark: str) -> None:
    for text in (mark, f"好的{mark}安全", f"ok{mark}\n{mark}", f"<{mark}>", f"[{mark}]"):
        assert mark not in as_turn(text)
        assert mark not in as_data(text)
        assert len(as_turn(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "a<b，而且 b>c；a<b>c",
        "if (a<b && c>d) { x |> f; }",
        "std::vector<int> v; std::vector<uint8_t> w; List<User> u; Map<String, List<Integer>> m; fn f<T>()",
        "#include <stdio.h>\n#include <my_header.h>",
        '<div class="a"><br><p>一段<img src="x.png"><video src="v" controls>',
        "见 <https://a.example/b>，写信给 <a@b.example>，填 <姓名> <username> <id>",
        "[1] [x] [ ] [^1]: 注 [链接](http://a.example) [图片] [doge] [TODO] [WARNING] [[1, 2], [3]] a[i] env[USER_ID] usage: f [args]",
        "cat <<EOF >> out; cout << X >> y; kernel<<<1, 2>>>(a)",
        "- [ ] 待办\n- [x] 完成\n> 引用\n| 甲 | 乙 |",
        "p -> q <-> r，x ≤ y，<= >= <> <3 >_<",
        "怎样<b>加粗</b>一个词",
        "#include <unordered_map>\n#include <string_view>\ntemplate <class S> f<S>();",
        "docker run <image_name>; git commit -m <message>; curl -H <your_api_key>; 按 <C-End> 或 <S-F1>; <system_error>",
        "f <| x\ny |> g\na <|> b\na <=|> b",
    ],
)
def test_ordinary_text_is_one_turn_as_it_stands(text: str) -> None:
    assert as_turn(text) == text
    if "</" not in text and "<|" not in text:
        assert as_data(text) == text


def test_what_is_data_in_tags_is_as_it_was_where_no_turn_is_marked() -> None:
    assert as_data("请问</用户>这样写行不行，a<b") == "请问＜/用户＞这样写行不行，a＜b"


def test_marks_put_together_of_marks_are_none() -> None:
    random.seed(13)
    pieces = [*MARKS, "<", ">", "[", "]", "|", "｜", "s", "/", "INST", "im_end"]
    for _ in range(300):
        told = as_turn("".join(random.choices(pieces, k=12)))
        assert not [mark for mark in MARKS if mark in told and len(mark) > 3], told


@pytest.mark.parametrize(
    "text", ["<" * 50_000, "<|" * 30_000, "<a_" * 30_000, "[|a" * 30_000, "<tool " * 20_000, ">>AAAA" * 20_000]
)
def test_time_is_linear(text: str) -> None:
    assert len(as_turn(text)) == len(text)


def test_a_tokenizers_own_tokens_are_found_whatever_they_look_like() -> None:
    assert without_tokens("答##STOP##，{{turn}}", ["##STOP##", "{{turn}}"]) == "答＃＃ＳＴＯＰ＃＃，｛｛ｔｕｒｎ｝｝"
    assert without_tokens("普通", ["##STOP##"]) == "普通"
