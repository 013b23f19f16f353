"""A text that ends without a mark: closed by a line of another kind, or broken off."""

import pytest

from synth.filters.language.endings import ends_word, wants_more
from synth.filters.query import answer, dangling
from synth.filters.response import unfinished

CLOSED = [
    "希望对您有帮助。\n\n推荐人：XXX\n联系电话：XXX\n日期：XX年XX月XX日",
    "【解析】3+2=5，所以一共有5个苹果。\n【答案】5",
    "尊敬的领导：\n您好！因家庭原因，我决定辞去现任职务，感谢公司多年培养。\n此致\n敬礼\n申请人：李明\n2024年5月6日",
    "亲爱的爸妈：\n我在这边一切都好，学习也跟得上，不用挂念。\n想你们的女儿\n小雨",
    "先求出半径，再代入公式。面积等于圆周率乘半径的平方。故选C",
    "解：设鸡有x只，则兔有(35-x)只。根据题意列方程。\n2x+4(35-x)=94\nx=23\n答：鸡有23只，兔有12只",
    "姓名：王芳\n学历：本科\n\n工作经历\n2019年至2022年任出纳，负责报销与对账。\n2022年至今任会计，负责预算。\n\n技能证书\n初级会计职称",
    "A．词语搭配得当，没有问题；\nB．语序不当，应当调换前后两句。\nD．表述正确",
    "适合一群人玩的有：1. 狼人杀 2. 猜词 3. 接龙故事 4. 真心话大冒险",
    "用循环把数字加起来，循环结束以后输出结果。\n输入 n\n和 = 0\n对 i 从 1 到 n\n    和 = 和 + i\n输出 和",
    "各位邻居：\n本周六上午九点在小区广场举办旧物交换活动，欢迎大家参加。\n联系人：物业办公室\n地址：3号楼一层",
    "因管道检修，明日八点至十二点停水，请提前储水。\n特此通知。\n幸福社区居委会",
    "先淘米，再加水，大火烧开后转小火，煮四十分钟。\n\n希望对你有帮助～\n—— 厨房小助手",
    "预算比甲套餐还少三万，甲套餐要十三万，所以客户手里的钱是13-3=10万元",
    "出门前检查：\n1. 钥匙\n2. 手机充电器\n3. 身份证\n4. 雨伞",
]

BROKEN = [
    "先淘米，再加水，大火烧开。水开以后转小火，慢慢",
    "步骤如下：\n1. 先把米淘洗干净，泡上半小时。\n2. 锅里加水烧开，把米倒进去。\n3. 转小火慢慢熬，中间记得",
    "尊敬的老师：\n感谢您的教导。这三年来，我从一个什么都不懂的孩子，变成了",
    "行程安排：\n* 上午去博物馆，看看馆里的青铜器\n* 中午在附近吃面\n* 在",
    "要点如下：\n1. 定期翻土，让根透气。\n2. 看天浇水，宁干勿湿。\n3. 提前计",
    "先把土松开，晒上半天。\n这里的垫圈和接口是在",
]


@pytest.mark.parametrize("text", CLOSED)
def test_a_closing_line_ends_an_answer(text: str) -> None:
    assert unfinished()(text) is None


@pytest.mark.parametrize("text", BROKEN)
def test_what_breaks_off_is_found(text: str) -> None:
    assert unfinished()(text) == "unfinished"


@pytest.mark.parametrize("pair", ["普及", "存在", "现在", "方向", "对比", "参与", "命令", "拖把", "终于"])
def test_a_preposition_at_the_end_of_a_word_wants_nothing(pair: str) -> None:
    assert ends_word(f"我想问{pair}")
    assert not wants_more(f"我想问{pair}")


@pytest.mark.parametrize(
    "text", ["番茄和", "茄子与", "孩子把", "手机被", "阳台及", "效果比", "所以", "这一种", "他说，"]
)
def test_a_word_that_wants_another_is_told(text: str) -> None:
    assert wants_more(text)


LONG = "我最近在准备一个社区活动的方案，邻居们的意见五花八门，有的想办读书会，有的想组织大家去郊外走走，还有人说先把健身器材修好，"


@pytest.mark.parametrize(
    "end",
    [
        "麻烦分析一下健康知识为什么难以普及",
        "请问这属于保险的一种",
        "请帮我列一下现存的三条法令",
        "他说“你们都别管，我自己来。你说我该怎么劝他？",
        "我应该选哪个方向",
        "请列举《红楼梦里的三个人物，并说明理由。",
        "到底要怎么才能通过",
    ],
)
def test_a_request_that_is_whole_does_not_dangle(end: str) -> None:
    assert dangling(half=60)(LONG + end) is None


@pytest.mark.parametrize(
    "end", ["他们总说“这种事情不", "但是", "想请你看看这个方案里的费用以及", "就想着把", "我可以在（每周五"]
)
def test_half_a_request_dangles(end: str) -> None:
    assert dangling(half=60)(LONG + end) == "dangling"


ASKS = [
    "医生，我最近总是胸口发闷，夜里醒好几次，白天没精神，血压倒是正常，家里老人也有类似的毛病，前几天做了心电图没看出什么来。",
    "家里的老猫这两天不吃东西，水也喝得少，一直趴在沙发底下，摸它也不叫，昨天吐了一次，是黄色的水，今天早上又吐了，眼睛也没神。",
    "材料一：清代江南的丝织业十分发达，机户出资，机工出力。材料二：十九世纪的英国，蒸汽机被广泛使用，工厂遍地。根据材料概括明清江南手工业的特点。",
    "某工厂有两条生产线，甲每小时做三十个零件，乙每小时做四十个零件，先一起做满八小时，然后乙线停工检修，甲线继续做五小时。求一共做了多少个零件。",
    "植物在光下把水和二氧化碳变成养分，同时放出氧气。叶绿体是进行这一过程的场所；温度也会影响它的快慢。下列说法正确的是（ ）\nA. 只在白天进行\nB. 需要叶绿体",
    "你曾经遇到过哪些挫折和困难，我希望能够帮助你克服。",
]


@pytest.mark.parametrize("query", ASKS)
def test_a_trouble_told_or_a_question_of_an_exam_is_no_answer(query: str) -> None:
    assert answer(accounts=True)(query) is None
