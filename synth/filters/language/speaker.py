"""Whether it is a user who speaks of what is not possible to him, not a model that turns its task down.

Who declines a task speaks to whoever set it: without a condition, of the request, with nothing to ask. A user tells of his own life, sets
somebody a condition, quotes what others are to say, or wants something of the reader.
"""

import re

_SENTENCE = re.compile(r"(?<=[。！？!?；;\n])")
_CLAUSE = re.compile(r"[，,：:\s]+")
_NOT = re.compile(
    r"无法|無法|不能|不会|不會|不便|不可以|没法|沒法|没办法|拒绝|拒絕|不予|不愿|不想|不再|can(?:'|no)t|won't|unable",
    re.IGNORECASE,
)
_MATERIAL = re.compile(
    r"“[^“”]{0,400}”?|「[^「」]{0,400}」?|『[^『』]{0,400}』?|\"[^\"\n]{0,400}\"|'[^'\n]{3,400}'|"
    r"(?:输出|輸出|复述|複述|重复|重複|回[答复覆]|说|說|写道|寫道|内容|内容是|内容为|回我|称|稱|翻译|翻譯|改写|续写)[^，。：:\n]{0,8}[：:][^\n]*"
)
"""What somebody else says, or is to say."""
_UNLESS = re.compile(
    r"(?:如果|要是|假如|假设|假設|若是?|倘若|除非|只要|一旦|再|敢|既然)[^。！？!?]{0,16}?(?:[你您]|他|她|对方|對方|你们|您们)[^。！？!?]{0,24}|(?:[你您]|他|她|对方|對方)(?:们|們)?(?:如果|要是|若|再|敢|不|没|沒)[^。！？!?]{0,24}"
)
_BESIDE = re.compile(
    r"每当|每當|每次|当[我他她]|當[我他她]|因为|因為|由于|由於|虽然|雖然|尽管|儘管|即使|哪怕|导致|導致|害得|让[我他她]|讓[我他她]|使[我他她得]|令[我他她]|"
    r"[总總]?[觉覺]得|感[到觉覺]|[发發][现現]|害怕|担心|擔心|[难難][过過]|伤心|失[败敗望]|痛苦|[抑郁鬱焦虑慮]{2}|后悔|無助|无助|[曾从從]来?|以前|最近|小[时時]候|[昨今前]天|去年|上[个個周週]|昨晚|[刚剛][才刚]|[一]直|[总總]是|[经經]常|常常|"
    r"[说說][我他她]|告[诉訴]我|[骂罵]我|[问問]我|[给給]我|[对對]我|要求我|被|[老父母爸妈媽丈妻男女朋同][板亲親爸妈媽夫子友事学學]|我[的们們家老]|孩子|老[师師板公婆]|医生|醫生|客服|平台|公司|店家|卖家"
)
"""What stands beside a sentence of one's own life: when, how it felt, who else has a part in it."""
_WANTS = re.compile(
    r"[？?]|帮我|幫我|[给給]我(?!.{0,4}(?:指示|指令))|教我|替我|告[诉訴]我|求[助教推]|[怎咋][么麼样樣办辦]|如何|为什[么麼]|為什麼|吗\W*$|呢\W*$|请(?:问|你|您|帮|给|教|输|直接|扮|写|翻|以)|請(?:問|你|您|幫|給)|想[问問知请請]|推[荐薦]|[直]接(?:输出|輸出|复述|回答)"
)
_OFFERS = re.compile(
    r"其[他它]|別的|别的|[还還]有什[么麼]|[更换換]一?[个個换換]|[重]新|需要(?:我|帮助)|可以(?:为|帮|幫|協)|[乐樂][意于]|愿意(?:为|帮|协)|[很非常]?高[兴興]|[随隨][时時]|合法|正[当當规規]|建[议議]|理解|谅解|諒解|遵守|[欢歡]迎"
)
"""What a model offers in the place of what it declined."""
_REQUEST = re.compile(
    r"(?:[这這该該此]|上述|以上|[您你]的)[^，。]{0,6}(?:[请請]求|要求|[问問][题題]|任[务務]|[内內]容|指令|[话話][题題]|信息|行为|行為|需求|主[题題])|此[类類]|[这這][类類种種样樣]|违[法规反]|違[法規反]|有害|不安全|不道德|敏感|[内內]容政策|安全[准準规規]|作[为為][^，。]{0,14}(?:助手|模型|AI|人工智能|人工智慧|机器人)|[语語]言模型|as an ai",
    re.IGNORECASE,
)
"""What only whoever was asked for something says of it."""


def is_users(text: str) -> bool:
    """Whether the sentences of a text that say no are a user's: told of himself, under a condition, or beside a request of his own."""
    bare = _MATERIAL.sub("", text)
    sentences = [sentence for sentence in _SENTENCE.split(bare) if sentence.strip()]
    declining = [sentence for sentence in sentences if _NOT.search(sentence)]
    if not declining:
        return True
    if any(
        _WANTS.search(sentence) and not _OFFERS.search(sentence)
        for sentence in sentences
        if not _speaks_of_request(sentence)
    ):
        return True
    return all(map(_own, declining))


def _speaks_of_request(sentence: str) -> bool:
    return bool(_REQUEST.search(sentence) and _NOT.search(sentence))


def _own(sentence: str) -> bool:
    """Whether a sentence that says no is of the speaker's own life, or hangs on what another does."""
    if _speaks_of_request(sentence):
        return False
    found = _NOT.search(sentence)
    before = sentence[: found.start()] if found else sentence
    return bool(_UNLESS.search(before) or _BESIDE.search(sentence))
