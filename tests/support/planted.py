"""Personal data as people and models write it: made up, valid, in every spelling that is to be found."""

import random
import re
from collections.abc import Callable, Iterator
from functools import partial

from stdnum import luhn
from stdnum.cn import ric

from synth.filters.language.documents import is_hong_kong, is_taiwan

FULL = str.maketrans("0123456789@ABCDEFGHX-", "０１２３４５６７８９＠ＡＢＣＤＥＦＧＨＸ－")
SPELT = str.maketrans("0123456789", "零一二三四五六七八九")


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def mobile(chance: random.Random) -> str:
    return chance.choice(["13", "18"]) + digits(chance, 8) + chance.choice("123456789")


def identity(chance: random.Random) -> str:
    region = chance.choice(["110101", "310104", "440305", "510107", "420106", "330106"])
    body = (
        f"{region}{chance.randint(1960, 2005)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}{digits(chance, 3)}"
    )
    return body + ric.calc_check_digit(body + "0")


def card(chance: random.Random) -> str:
    body = chance.choice(["622202", "621700", "6228480", "4026", "5187"])
    body += digits(chance, (15 if body[0] in "45" else chance.choice([15, 18])) - len(body))
    return body + luhn.calc_check_digit(body)


def plate(chance: random.Random) -> str:
    plain = chance.choice("京沪粤浙川苏") + chance.choice("ABCDEFGH")
    return plain + chance.choice(
        [f"{digits(chance, 5)}", f"D{digits(chance, 5)}", f"{digits(chance, 5)}F", f"8K{digits(chance, 3)}"]
    )


def email(chance: random.Random) -> str:
    return f"{chance.choice(['li.wei', 'zhang_san', 'xiaoming'])}{digits(chance, 3)}@{chance.choice(['qq.com', '163.com', 'mail.foo.edu.cn'])}"


def address(chance: random.Random) -> str:
    place = chance.choice(["河北省石家庄市桥西区", "成都市武侯区", "广州市天河区石牌街道", "青山县白水镇"])
    road = chance.choice(["青云路", "槐安大街", "桂溪巷", "柳林胡同"])
    return f"{place}{road}{chance.randint(1, 900)}号" + chance.choice(
        ["", f"{chance.randint(1, 9)}栋{chance.randint(101, 909)}室"]
    )


def qq(chance: random.Random) -> str:
    return chance.choice(["QQ：", "QQ号是", "扣扣号", "qq "]) + "9" + digits(chance, chance.randint(6, 9))


def wechat(chance: random.Random) -> str:
    return (
        chance.choice(["微信号：", "微信：", "vx:", "加微信号是"])
        + chance.choice(["lao_wang", "xiaoli"])
        + digits(chance, 4)
    )


def spaced(number: str) -> str:
    return f"{number[:3]} {number[3:7]} {number[7:]}"


def checked(chance: random.Random) -> str:
    """An identity card of Hong Kong or Taiwan with the check digit that comes out."""
    if chance.random() < 0.5:
        body = chance.choice("ABCGK") + digits(chance, 6)
        return next(f"{body}({last})" for last in "0123456789A" if is_hong_kong(body + last))
    body = chance.choice("ABFH") + chance.choice("12") + digits(chance, 7)
    return next(body + last for last in "0123456789" if is_taiwan(body + last))


def outer(chance: random.Random) -> str:
    """A mobile number of Hong Kong, Macau or Taiwan."""
    four = digits(chance, 4)
    return chance.choice(
        [
            f"+852 9{digits(chance, 3)} {four}",
            f"+852-6{digits(chance, 3)}{four}",
            f"+853 6{digits(chance, 3)} {four}",
            f"+886 9{digits(chance, 2)} {digits(chance, 3)} {digits(chance, 3)}",
            f"09{digits(chance, 2)}-{digits(chance, 3)}-{digits(chance, 3)}",
            f"台湾手机09{digits(chance, 8)}",
            f"香港电话5{digits(chance, 7)}",
        ]
    )


def landline(chance: random.Random) -> str:
    six = digits(chance, 6)
    return chance.choice(
        [
            f"010-6{six}2",
            f"(021)5{six}2",
            f"0755 8{six}3",
            f"座机0571-8{six}",
            f"+86 20 3{six}1",
            f"+852 2{six}1",
            f"(02)2{six[:3]}-{six[3:]}8",
        ]
    )


def paper(chance: random.Random, kind: str) -> str:
    names = {
        "passport": ["护照号E", "护照号码：G", "护照是EA", "passport no. K"],
        "permit": ["港澳通行证C", "回乡证号码H", "台胞证：", "往来台湾通行证号L"],
        "social": ["社保号：", "医保卡号是", "公积金账号：", "社保卡号A"],
    }
    name = chance.choice(names[kind])
    return name + chance.choice("123456789") + digits(chance, 6 if name.endswith("EA") else 7)


PLANTED: dict[str, list[Callable[[random.Random], str]]] = {
    "mobile": [
        mobile,
        lambda chance: spaced(mobile(chance)),
        lambda chance: spaced(mobile(chance)).replace(" ", "-"),
        lambda chance: mobile(chance).translate(FULL),
        lambda chance: spaced(mobile(chance)).replace(" ", "　").translate(FULL),
        lambda chance: "+86 " + mobile(chance),
        lambda chance: " ".join(mobile(chance)),
        lambda chance: mobile(chance).translate(SPELT).replace("一", "幺"),
        outer,
        lambda chance: mobile(chance)[:3] + "****" + mobile(chance)[-4:],
        lambda chance: mobile(chance)[:3] + "xxxx" + mobile(chance)[-4:],
        lambda chance: mobile(chance).translate(str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")),
        lambda chance: "电话" + spaced(mobile(chance)).replace(" ", "/"),
    ],
    "identity": [
        identity,
        lambda chance: identity(chance).lower(),
        lambda chance: identity(chance).translate(FULL),
        lambda chance: re.sub(r"(.{6})(.{8})(.{4})", r"\1 \2 \3", identity(chance)),
        lambda chance: re.sub(r"(.{6})(.{8})(.{4})", r"\1-\2-\3", identity(chance)),
        lambda chance: " ".join(identity(chance)),
        checked,
        lambda chance: "身份证" + identity(chance)[:6] + "********" + identity(chance)[-4:],
    ],
    "passport": [partial(paper, kind="passport")],
    "permit": [partial(paper, kind="permit")],
    "social": [partial(paper, kind="social")],
    "landline": [landline],
    "card": [
        card,
        lambda chance: " ".join(re.findall(r".{1,4}", card(chance))),
        lambda chance: "-".join(re.findall(r".{1,4}", card(chance))),
        lambda chance: card(chance).translate(FULL),
    ],
    "email": [
        email,
        lambda chance: email(chance).replace("@", "＠"),
        lambda chance: email(chance).upper(),
        lambda chance: email(chance).replace("@", "(at)"),
        lambda chance: email(chance).replace("@", " at ").replace(".", " dot "),
        lambda chance: email(chance).replace("@", "艾特").replace(".com", "点com"),
        lambda chance: "邮箱" + email(chance).replace("@", "#"),
    ],
    "plate": [plate, lambda chance: (p := plate(chance))[:2] + "·" + p[2:], lambda chance: plate(chance).lower()],
    "address": [address, lambda chance: address(chance).translate(FULL)],
    "qq": [qq],
    "wechat": [wechat],
}
FRAMES = [
    "他的联系方式是{}，你记一下。",
    "{}",
    "车主登记的是{}。",
    "请联系我（{}），谢谢",
    "资料：{}；其余从略",
    "1、姓名：某某\n2、{}\n3、无",
]


def planted(kind: str) -> Iterator[tuple[str, str]]:
    for number, write in enumerate(PLANTED[kind]):
        for i in range(50):
            chance = random.Random(f"{kind}/{number}/{i}")
            value = write(chance)
            yield chance.choice(FRAMES).format(value), value
