"""Rules on a query: that it is one request of a user, whole, and nothing of what made it."""

import re

from synth.filters.language.endings import ends_word
from synth.types import TextRule

_NUMBERED = re.compile(
    r"^\s{0,40}(?:\d{1,2}\s*[.、．)）:：](?!\d)|[(（]\d{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,2}、|第[一二三四五六七八九十\d]+[条个][:：]|[-*•]\s)"
)
_FRAMING = re.compile(
    r"^\W*(?:以下是|如下是|下面是|这是|好的[，,]|当然[，,可]|没问题[，,]|根据您的要求).{0,24}(?:问题|查询|提问|请求|示例|例子|改写|版本)"
    r"|^\W*(?:问题|提问|用户|改写后?|复述后?|包装后?|原问题|示例|query|question|user|prompt)(?:的问题)?\s*\d*\s*[:：]"
    r"|^\*\*",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[\[【〔<＜{｛](?:此处|这里|填|插入|某|姓名|名字|地点|公司|产品|具体|xx|XX|您的|你的|占位)[^\]】〕>＞}｝]{0,16}[\]】〕>＞}｝]|\{\{[^{}]{0,80}\}\}|\{%|%\}"
)
_ECHO = re.compile(
    r"(?:^|[，。；;、\n(（])\s*(?:行为|任务形式|地区|场合|提问者|伪装手法|风险类别|类别说明|子类别|要素|所属类别|评审规则)\s*[:：]|护栏模型|内容安全数据集|反面样本|红队(?:成员|测试|评测)"
    r"|(?:有害|恶意|违规|不安全|良性|无害|对抗性?)的?(?:问题|提问|查询|意图|query)|[\"'](?:queries|query|items)[\"']\s*:",
    re.IGNORECASE,
)


_HEAD = 300
"""Further on it is a user's own material."""


_LISTED = re.compile(rf"(?m)(?:{_NUMBERED.pattern}).*\n(?s:.*?)^(?:{_NUMBERED.pattern[1:]})")
_SLOT = re.compile(r"(?:形式[:：](?:提问|要求|抱怨|粘贴|半句)|说法[:：](?:直说|绕着说)|长度[:：]\d+到\d+字)")


def scaffolding(*, lists: bool = False) -> TextRule:
    """Drops a query that still carries what held it: numbering, "以下是", labels, placeholders, words of the recipe. With `lists` a list of the user's own, of two items and more, may begin with a number."""
    signs = (("numbering", _NUMBERED), ("framing", _FRAMING), ("placeholder", _PLACEHOLDER), ("echo", _ECHO))

    def rule(text: str) -> str | None:
        text = text[:_HEAD]
        own = lists and _LISTED.match(text)
        if lists and _SLOT.search(text):
            return "scaffolding.echo"
        return next(
            (f"scaffolding.{name}" for name, sign in signs if sign.search(text) and not (own and sign is _NUMBERED)),
            None,
        )

    return rule


_MAKES = r"(?:生成|编写|写出|写|给出|列出|提供|构造|设计|创作|输出|产出|改写|仿写|拟)"
_ASKED_FOR = r"(?:问题|提问|查询|请求|提示词|prompt|query|queries|问句|样本|语料|用户输入)"
_INSTRUCTION = re.compile(
    rf"{_MAKES}[^。？！\n]{{0,20}}(?:有害|恶意|违规|不安全|敏感|对抗|越狱|攻击性|风险|良性|无害|测试用)[^。？！\n]{{0,8}}{_ASKED_FOR}"
    rf"|{_MAKES}[^。？！\n]{{0,12}}(?:用户|上述|该类别|这一类别|此类别|符合(?:上述|以上|类别)?要求)[^。？！\n]{{0,10}}{_ASKED_FOR}"
    rf"|(?:按照?|根据|依照|基于|围绕)(?:上述|以上|上面|给定的?|所给的?|下列)(?:的)?(?:要求|要素|规则|类别|场景|行为|主题)[^。？！\n]{{0,16}}{_MAKES}"
    rf"|(?:改写|复述|包装|润色|翻新)(?:这|该|上述|原|上面|以下)的?(?:一)?(?:条|个)?{_ASKED_FOR}|把(?:这|该|上述|原|上面的?)(?:一)?(?:条|个)?{_ASKED_FOR}(?:换|改|重新)"
    r"|只(?:需)?输出(?:一个)?(?:改写|复述|包装|问题|提问|json 对象|json对象|一条)|不要(?:回答|解释)(?:它|该问题|这个问题|问题本身)|(?:用于|用来|以便)[^。]{0,6}(?:训练|测试|评测|评估)[^。]{0,8}(?:护栏|审核模型|分类器|安全性)"
    r"|(?:请)?确保(?:每条|所有)?(?:问题|提问)|(?:每条|各条)(?:问题|提问)?[^。]{0,6}(?:不超过|不少于|之间)|再(?:来|写|生成)(?:\d+|几|[一二三五十])(?:条|个)(?:问题|提问|类似的)|不符合要求",
    re.IGNORECASE,
)


def instruction() -> TextRule:
    """Drops a query that speaks to the generator of queries and not to an assistant: asks it to write, rewrite or number queries."""

    def rule(text: str) -> str | None:
        return "instruction" if _INSTRUCTION.search(text) else None

    return rule


_REQUEST = re.compile(
    r"[？?]|请|帮我|怎[么样]|如何|什么|吗|求(?:助|教|推荐|解|大)|给我|为我|为何|哪[些个里种一]|几[个种条]|多少|多久|告诉|推荐一|谈谈|是否|能不能|可不可以|会不会|有没有|是不是|想知道|想问|该不该|咋|啥|输出|回答|根据以下|给定|以下[^。]{0,8}(?:文本|句子|段落|文章|内容|代码)|选项"
    r"|^(?:寻找|创造|替换|展示|描绘|我(?!们)|你(?:是|将|要)|撰写|编写|写|分析|描述|总结|概括|制定|创建|设计|判断|确定|找出|分类|扮演|把|将|改写|补充|提供|识别|计算|讨论|创作|编辑|重写|阅读|翻译|解释|列出|说说|生成|构思|评估|评价|选择|提出|检测|(?:从|对|为|以|在|给|向|用|使用|根据|按照)[^。]{2,40}(?:写|创|设计|撰|编|列|提供|制|分析|回答|解释|生成|总结|翻译|找)|想象|模拟|续写|修改|纠正|搜索|查找|准备|规划|构建|开发|实现|证明|求解|完成|指出|列举|鉴别|归类|阐述|论述|命名|推断|预测|组织|排列|改进|优化|简述|简化|定义|假设|假如|如果(?:您|你|我))"
)
_ANSWERS = re.compile(
    r"^\W*(?:当然(?:可以|了)?[，,！!。]|好的[，,！!。]|没问题[，,！!]|很高兴(?:为|能|帮)|很乐意|(?:以下|下面)(?:是|为)[^。：:\n]{0,20}(?:建议|步骤|方法|方案|回答|答案|要点|做法|思路|示例|列表|信息|措施|原因|几点|方面)|(?:作为|我是)(?:一个|一名|一款|一位)?(?:ai|人工智能|语言模型|智能助手|聊天助手)|感谢(?:您|你)的(?:提问|咨询|问题)"
    r"|(?:关于|对于|针对)(?:您|你)(?:的|提出)的?(?:问题|疑问)|这是一个(?:很好|非常好|复杂|常见)的?问题|您可以|(?:您|你)好[，,！!](?:我是|很高兴|根据))",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"(?:希望(?:这|以上|我的|对你|对您|能)[^。？]{0,16}(?:帮助|有用|有所)[^。？]{0,6}|如(?:果)?(?:您|你)?(?:还)?有(?:任何|其他|更多|进一步)[^。？]{0,8}(?:问题|疑问|需要)[^。？]{0,12}(?:随时|告诉|提问|联系|咨询)[^。？]{0,8}|祝(?:您|你)[^。？]{0,8}(?:顺利|愉快|成功))[。！!]?\s*$"
)


def answer(*, long: int = 80, accounts: bool = False) -> TextRule:
    """Drops an answer that poses as a query: it opens or closes as answers do, or is `long`, asks for nothing where requests stand, and advises or only states. With `accounts` a long text that speaks of an `我` is a user's own account, whatever it states."""

    def rule(text: str) -> str | None:
        text = text.strip()
        if text.endswith(("？", "?")):
            return None
        if _closes(text) or (_ANSWERS.search(text) and not _OWN.search(text)):
            return "answer"
        if _PLEADS.search(text) or _MATERIAL.search(text) or _BLANK.search(text) or len(_OPTIONS.findall(text)) > 1:
            return None
        listed = text.endswith(("。", "！")) and _LISTS.match(text)
        if (listed or _FIRST.match(text)) and not _REQUEST.search(text.partition("\n")[0]):
            return "answer"
        own = accounts and _ACCOUNT.search(text)
        asks = own or _REQUEST.search(text[:_OPENING]) or _ASKING.search(text[-_CLOSING:])
        if not long <= len(text) <= _LONGEST or asks:
            return None
        han, ends = len(_HAN.findall(text)) / len(text), f"{text[:_ENDS]}\n{text[-_ENDS:]}"
        advises = han > 0.7 and len(set(_ADVISES.findall(text))) > 1
        tells = han > 0.5 and len(_SAID.findall(text)) > 1 and not _SPEAKS.search(ends)
        return "answer" if advises or tells else None

    return rule


def _closes(text: str) -> bool:
    """Whether a text takes leave as an answer does, not in the sentence in which it asks for something."""
    found = _CLOSES.search(text[-_LEAVE:])
    if not found:
        return False
    before = _SAID.split(text[-_LEAVE:][: found.start()])[-1]
    return not (_BY_COMMA.search(before) and _REQUEST.search(before))


_LEAVE = 80
_BY_COMMA = re.compile(r"[，,]\s*我?们?$")
_BLANK = re.compile(r"[（(]\s*[）)]|_{2,}|＿{2,}|的(?:一项|一组|是)\W{0,4}$", re.MULTILINE)
_OPTIONS = re.compile(r"(?:^|\s)[A-DＡ-Ｄ]\s?[.．、)）:：]", re.MULTILINE)
"""What an exam asks with: a gap to fill, options to choose from."""
_OWN = re.compile(r"我(?:需要|想|要|打算|该|的背景)|希望你|请(?:你|给|帮|用|根据|把|将|提供|写)")
_ACCOUNT = re.compile(r"我(?!们|建议|推荐|认为|可以|会|能)")
_PLEADS = re.compile(
    r"[？?]|^(?:要求|任务|题目|问题)\s?[:：]|请(?:你|给|帮|用|根据|按|为|把|将|提供|编写|撰写|写|输出|回答|分析|评价|解释|总结|描述|列|生成|不要)|(?:你|您)(?:能|可以)帮|你(?:现在)?(?:是|扮演|将|的任务)|让我们|希望你|我需要|我想|我要|```|[{};]\s*$|print\(",
    re.MULTILINE,
)
_ADVISES = re.compile(
    r"可以|建议|例如|比如|因此|总之|此外|同时|另外|需要|应该|首先|其次|最后|包括|有助于|能够|帮助|通常|一般|确保|避免|以及|可能|通过|从而|具有|重要"
)
_MATERIAL = re.compile(
    r"(?:以[上下]|上[文面述]|下[文面列]|这[段篇]|给[定出]的?|所给|该段)(?:一?[些段篇个])?(?:是(?:我|与|一|某|关于)|的|文|对话|段落|内容|文字|文章|材料|信息|故事|句子|引言)|^[^。]{0,12}(?:提取|转述|改写|假扮|扮演)|总结(?:以|上|下)"
)
_SPEAKS = re.compile(
    r"我(?!们)|你|您|[？?]|怎|哪|吗|如何|请|帮助|替换|编写|计算|确定|分类|以下|下[表文面列]|给定|根据|提供"
)
"""What stands where someone asks, tells of himself or hands over material: a text of several sentences without it only states."""
_ENDS = 60
_SAID = re.compile(r"[。！；]")
_HAN = re.compile(r"[\u3400-\u9fff]")
# Both are asked only of texts without a question mark.
_FIRST = re.compile(r"(?s)(?:首先|第一步?)[，,、：:].{10,}(?:其次|然后|接着|最后|第二步?)")
_LISTS = re.compile(r"(?s).{0,200}?(?:(?<!\n)\n\s*(?:\d{1,2}[.、．]|[-*•])[^\n]{8,}){3}\n")
_ASKING = re.compile(
    r"[？?]|请(?:问|你|用|帮|写|给|解|分|总|回|说)|帮我|吗|告诉我|回答|输出|怎么办|给我|想知道|选项|(?:总结|概括|写出|翻译|改写|列出)[^。]{0,16}。?$"
    r"|(?:^|[，。；,;.\s）)])(?:试|求|证明|计算|判断|指出|概括|说明|简[述析评]|分析|解释|比较|评价|阐述|完成|补充|选出)[^。]{1,60}[。.]?\s*$"
)
_OPENING, _CLOSING, _LONGEST = 40, 40, 600
_ITEM = re.compile(
    r"(?:^|(?<=[\n。？！?!]))[ \t]*(?:\d{1,2}\s*[.、．)）](?!\d)|[(（]\d{1,2}[)）]|[①-⑳]|问题[一二三四五\d]+[:：])\s*([^\n]{4,80}?)([？?]|(?=\n)|$)"
)
_ASKS = re.compile(r"[？?]\s*$|^(?:请|帮我|给我|怎么|如何|为什么|什么|能不能|可以)|吗\W*$|呢\W*$")
_INTRODUCES = re.compile(r"(?:以下|下面|下列|这个|这些|给定|上述)[^。]{0,12}问题|以下|[:：]$|请回答|^请[^。]{0,20}。$")


def one_request(*, most: int = 1) -> TextRule:
    """Drops a query that holds more than `most` requests, each on a line or with a number of its own."""

    def rule(text: str) -> str | None:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        asked = sum(bool(_ASKS.search(line)) and len(line) < 120 for line in lines)
        listed = sum(bool(mark or _ASKS.search(item)) for item, mark in _ITEM.findall(text))
        if len(lines) > 1 and _INTRODUCES.search(lines[0]):
            return None
        second = len(re.findall(r"(?:第二个问题|另一个问题|问题二|再问一个|问题2)", text))
        return "one_request" if max(asked if len(lines) == asked else 0, listed, 2 * bool(second)) > most else None

    return rule


_DANGLES = re.compile(
    r"(?:(?<![。！？?!”\"])[,，、]|[（\[【“‘《]|(?:因为|所以|但是|并且|而且|或者|以及|比如|例如|譬如|如果|虽然|关于|对于|根据|为了|还是|然后|包括|(?<![能没不利才])通过|非常|十分|已经|正在|(?<![不有无])(?:应该|需要|必须)|能够|(?<!是)[我你他她]的|(?<!的)一[个种些]|[这那][个种]))\s*$"
)
_LAST_WORD = re.compile(r"[与及或把被向在从将而且却若即使令让给跟比按以于之这那每各某该此很更最太]\s*$")
"""What wants another word, if it is no end of a longer one."""
_WHOLE = re.compile(r"[。！？!?…～~]\W?$")


def dangling(*, tail: int = 80, half: int = 0) -> TextRule:
    """Drops a query that stops in the middle: at a comma, a connective or a word that wants another, or inside a bracket or quote opened in its last `tail` characters. Of up to `half` characters it may stop at a word: so people type half sentences."""

    def rule(text: str) -> str | None:
        end = text.rstrip()[-tail:]
        wants = _DANGLES.search(end[-8:]) or (_LAST_WORD.search(end) and not ends_word(end))
        if wants and not (len(text) <= half and end[-1:].isalnum()):
            return "dangling"
        if _WHOLE.search(end):  # a quote that nobody closed, in a request that ends
            return None
        inside = any(end.rfind(opens) > end.rfind(closes) for opens, closes in _PAIRS)
        return "dangling" if inside else None

    return rule


_PAIRS = (("“", "”"), ("（", "）"), ("《", "》"), ("【", "】"), ("「", "」"), ("『", "』"))
