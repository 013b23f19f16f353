"""Personal data as people and models write it: made up, valid, in every spelling that is to be found."""

import random
import re
from collections.abc import Callable, Iterator

from stdnum import luhn
from stdnum.cn import ric

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
    ],
    "identity": [
        identity,
        lambda chance: identity(chance).lower(),
        lambda chance: identity(chance).translate(FULL),
        lambda chance: re.sub(r"(.{6})(.{8})(.{4})", r"\1 \2 \3", identity(chance)),
        lambda chance: re.sub(r"(.{6})(.{8})(.{4})", r"\1-\2-\3", identity(chance)),
        lambda chance: " ".join(identity(chance)),
    ],
    "card": [
        card,
        lambda chance: " ".join(re.findall(r".{1,4}", card(chance))),
        lambda chance: "-".join(re.findall(r".{1,4}", card(chance))),
        lambda chance: card(chance).translate(FULL),
    ],
    "email": [email, lambda chance: email(chance).replace("@", "＠"), lambda chance: email(chance).upper()],
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
