"""Personal data: planted values are found however they are written, ordinary numbers are left, and no look-alike is valid."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from stdnum import luhn
from stdnum.cn import ric

from synth.filters.personal import find, personal, replaced
from synth.types import Request
from tests.conftest import Lab
from tests.support.planted import FULL, PLANTED, address, card, email, identity, mobile, planted, plate
from tests.support.world import World


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_values_are_found_and_replaced(kind: str) -> None:
    missed, all_of_them = [], list(planted(kind))
    for text, value in all_of_them:
        if [finding.kind for finding in find(text)] != [kind] or value in replaced(text):
            missed.append(text)
    assert len(missed) <= 0.02 * len(all_of_them), missed[:10]


@pytest.mark.parametrize("kind", PLANTED)
def test_what_was_replaced_keeps_its_shape_and_the_words_around_it(kind: str) -> None:
    for text, _ in planted(kind):
        (finding, *_) = find(text)
        new = replaced(text)
        assert new.startswith(text[: finding.start])
        assert new.endswith(text[finding.end :])
        if kind in ("mobile", "identity", "card", "plate", "qq"):
            assert len(new) == len(text)
            shape = [c.isdigit() or c.isalnum() for c in text]
            assert [c.isdigit() or c.isalnum() for c in new] == shape
        assert find(new) == []
        assert replaced(new) == new


def test_one_value_has_one_look_alike_however_it_is_written() -> None:
    number = "13912345678"
    forms = [number, "139 1234 5678", "139-1234-5678", "+86 139 1234 5678", number.translate(FULL)]
    found = {
        re.sub(r"\D", "", replaced(f"电话{form}。").translate({v: k for k, v in FULL.items()}))[-11:] for form in forms
    }
    assert len(found) == 1
    assert replaced(f"先打{number}，不通再打{number}").count(found.pop()) == 2
    assert replaced("打13912345678") != replaced("打13912345679")


def test_no_look_alike_is_valid() -> None:
    for i in range(300):
        chance = random.Random(i)
        assert not ric.is_valid(replaced(identity(chance)))
        assert not luhn.is_valid(replaced(card(chance)))
        assert replaced(mobile(chance)).startswith("154")
        assert replaced(email(chance)).endswith("@example.com")
        assert re.search("[IO]", replaced(plate(chance)))
        assert re.search(r"[路街巷同]0\d+号", replaced(address(chance)))


SPELLINGS = """\
address 四川省成都市锦江区春熙路南段8号
address 沈阳市皇姑区崇山中路66甲3号
address 北京市 海淀区 中关村大街 27 号
address 福建省厦门市思明区湖滨南路二十三号
address 清水镇柳树村3组15号
address 家住幸福小区12栋3单元501
address 湖北省武汉市洪山区珞喻路1037号某某公寓13栋512
mobile 138.0013.8001
mobile 138 00138001
mobile ＋86－138－0013－8001
mobile 手机13800138001/那个
mobile 电话：138 0013-8001
mobile 一三八零零一三八零零一
mobile ☎13800138001
identity 证件号：110 105 1949 1231 002X
identity 110105-19491231-002x
card 622202 1234 5678 90128
card 4111 1111 1111 1111
email 邮箱是wang５５＠ｑｑ．ｃｏｍ
email mailto:xiaoming@foxmail.com
plate 京 A12345
plate 皖K·XY88Z
plate 车牌新A12345
plate 京Ａ１２３４５
qq QQ号码为：123456789
qq 加q 12345678
qq Q群：123456789
qq QQ是１２３４５６７８
wechat 微信 id：wang2020
wechat 微信（wx_abc123）
wechat 加V：lucky888
wechat 微信号：zhangsanfeng""".splitlines()


@pytest.mark.parametrize("line", SPELLINGS)
def test_rarer_spellings_are_found_too(line: str) -> None:
    kind, _, text = line.partition(" ")
    assert [finding.kind for finding in find(text)] == [kind]
    assert find(replaced(text)) == []


ORDINARY = """\
打10086或者12315投诉，报警110，急救120，12345也行
客服热线400-820-8820，总机010-65529999
2023年12月31日截止，时间戳1699999999，毫秒1699999999123
ISBN 978-7-111-54742-6 和 9787111547426 是同一本书
订单号4000123412341234，快递单号SF1234567890123，流水号6222021234567890128
年收入15000000000元，合计¥13812345678，约占13.8%
共13812345678人次，面积18812345678平方米
圆周率3.14159265358979323846264338327950288
型号RTX4090、新CR200J动车、iPhone15、骁龙8Gen3，版本1.13.0.13
京ICP备12345678号-1，粤B2-20090059
第13条第2款，见附件138页，GB/T 18801-2022
身份证号码共18位，例如11010519491231002这样少一位的就不对
身份证号110101199003077716这样末位不对的是假的
卡号6222021234567890123校验不过
https://item.example/13912345678.html 与 www.example.cn/p/18612345678
192.168.1.1，255.255.255.0，8.8.8.8
微信小程序Component里写wx.request，微信公众号运营，微信WeChat是什么
QQ2013、QQ10000人、QQ音乐
中山路怎么走？人民路小学，3号楼在哪，5号电池，8号线，1号文件
长征5号、东风21D、歼20、3号选手，第3巷
湖滨南路二十三、长江路第三号线、朝阳区民生路3号线站
启动192.168.10.100，起止1998-2001-123，1999-12-31 235
a13912345678b、x_13912345678、commit 13812345678abcdef
1 3 5 7 9 11 13 15 17 19 21
13800000000是示例号码，user@example.com也是
@张三 你好，微博@人民日报
一九九八年，三百六十五天，一二三四五六七""".splitlines()


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_survive(text: str) -> None:
    assert [(finding.kind, text[finding.start : finding.end]) for finding in find(text)] == []
    assert replaced(text) is text


PIECES = some.one_of(
    some.sampled_from([text for kind in PLANTED for text, _ in planted(kind)]),
    some.text(some.sampled_from("0123456789０５ -－·.Xx@＠元号路室区QqVvwW微信一零幺京A：:，\n"), max_size=30),
    some.text(max_size=20),
)


@settings(max_examples=300, deadline=None)
@given(some.lists(PIECES, max_size=6))
def test_of_what_was_replaced_nothing_is_found_again(pieces: list[str]) -> None:
    text = "".join(pieces)
    new = replaced(text)
    assert find(new) == []
    assert replaced(new) == new
    assert (new == text) == (find(text) == [])


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "62 " * 50_000,
        "a." * 50_000 + "@",
        "微信" * 50_000,
        "路1" * 50_000,
        "一" * 100_000,
        "1-" * 50_000,
        "a@b.cc " * 15_000,
        "www.a 13912345678 " * 5_000,
    ],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    assert find(text + "。") is not None


def test_the_rule_names_the_kind() -> None:
    assert personal()("打13912345678") == "personal.mobile"
    assert personal()("今天天气不错") is None


class Telling(World):
    """Puts a mobile number into every query and a card into every answer."""

    def _sentence(self, chance: random.Random) -> str:
        return super()._sentence(chance) + f"打{mobile(chance)}"

    def _answer(self, chance: random.Random, request: Request) -> str:
        assert not find(request.messages[-1].content)
        return super()._answer(chance, request) + f"卡号是{card(chance)}。"

    def _verdict(self, chance: random.Random, request: Request) -> str:
        assert "打154" in request.messages[1].content
        assert not find(request.messages[1].content)
        return super()._verdict(chance, request)


def test_what_is_asked_judged_and_exported_is_what_was_replaced(lab: Lab) -> None:
    lab.world = Telling()
    lab.run(15, filters={"personal": "replace"})
    rows = lab.rows().values()
    assert len(rows) > 20
    for row in rows:
        assert "打154" in row["query"]
        assert find(row["query"] + row["response"]) == []
    before = lab.rows()
    assert lab.run(15, filters={"personal": "replace"}).calls == 0
    assert lab.rows() == before


def test_or_it_is_dropped_and_counted(lab: Lab) -> None:
    lab.world = Telling()
    lab.world.pool = 300
    result = lab.run(5, filters={"personal": "drop"}, only=("two.s0",), interrupt=30.0)
    assert result.dropped["query.personal.mobile"] > 0
    assert not lab.rows()


def test_own_pairs_keep_one_family_and_one_id_for_one_query(lab: Lab) -> None:
    import json

    from synth.run.compile import compile_recipe
    from tests.conftest import tiny_recipe

    pairs = [{"query": "怎么查13912345678是谁的", "response": f"{i}号不知道，【略】"} for i in range(2)]
    (lab.folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs), encoding="utf-8")
    source = {"query": None, "augment": None, "respond": None, "n": None, "pairs": "mine.jsonl"}
    lab.world = World(babbling=0.0, differing=0.0)
    for mode, number in (("replace", "154"), ("keep", "13912345678")):
        lab.run(compiled=compile_recipe(tiny_recipe(**source, filters={"personal": mode})), out=mode)
        rows = lab.rows(mode).values()
        assert len(rows) == 2
        assert len({row["query_id"] for row in rows}) == 1
        assert all(number in row["query"] for row in rows)
