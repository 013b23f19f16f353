"""The words by which a refusal is known for what it is, in Chinese and English: stems and how they stand together, not whole sentences.

What they are drawn from: the error tables that OpenAI, Azure, DashScope, DeepSeek, Zhipu, Ark, Moonshot, MiniMax, Qianfan, SiliconFlow,
Spark, OpenRouter, Mistral, Anthropic, Google and Bedrock publish, and the sources of vLLM, SGLang, llama.cpp, TGI, Ollama and one-api.
"""

import re
from collections.abc import Mapping
from typing import Final


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


NUMBERS: Final[Mapping[str, Mapping[str, str]]] = {
    "error": {  # Zhipu, Spark and Mistral
        **dict.fromkeys(
            ["1000", "1001", "1002", "1003", "1004", "1110", "1111", "1112", "1121", "1220", "1311", "1313", "11200"],
            "no_right",
        ),
        **dict.fromkeys(["1113", "1304", "1308", "1309", "1310", "11201"], "no_money"),
        **dict.fromkeys(["1211", "1221", "1222"], "no_model"),
        **dict.fromkeys(["1302", "1303", "1305", "1312", "11202", "11203"], "wait"),
        **dict.fromkeys(["1120", "1200", "1230", "1234", "10012"], "broken"),
        **dict.fromkeys(["1300", "1301", "10013", "10014", "10019"], "filtered"),
        **dict.fromkeys(["1261", "3051", "10907"], "too_long"),
    },
    "base_resp": {  # MiniMax
        **dict.fromkeys(["1000", "1001", "1013", "1024", "1033"], "broken"),
        **dict.fromkeys(["1002", "1039", "1041"], "wait"),
        **dict.fromkeys(["1004", "2049"], "no_right"),
        **dict.fromkeys(["1008", "2056"], "no_money"),
        **dict.fromkeys(["1026", "1027"], "filtered"),
    },
    "error_code": {  # Qianfan
        **dict.fromkeys(["1", "2", "336000", "336200"], "broken"),
        **dict.fromkeys(["4", "18", "336100", "336501", "336502", "336503"], "wait"),
        **dict.fromkeys(["6", "13", "14", "15", "110", "111", "336004"], "no_right"),
        **dict.fromkeys(["17", "19"], "no_money"),
        **dict.fromkeys(["336007", "336103"], "too_long"),
    },
    "code": {  # SiliconFlow and Spark
        **dict.fromkeys(["30001", "11200", "11201"], "no_money"),
        **dict.fromkeys(["30003"], "no_model"),
        **dict.fromkeys(["50501", "50505", "11202", "11203"], "wait"),
        **dict.fromkeys(["10013", "10014", "10019"], "filtered"),
        **dict.fromkeys(["10907"], "too_long"),
    },
}
"""What a provider's own numbers mean, by where in the body it writes them."""
OF_PARAMETERS: Final = frozenset(["1210", "1213", "1214", "1215", "336001", "336002", "336003", "2013"])
"""Numbers that say no more than that something is wrong with the parameters."""

PER_MINUTE = _any(
    r"per[ -_]?(?:min|sec)", r"\b(?:rpm|tpm|qps|tps|rps)\b", "每分钟|每秒|并发|频率|频繁|限流|速率|请求过多", "concurren",
    "throttl", r"rate[ _-]?limit", "rate quota", "too many requests",
)  # fmt: skip
_DAY = r"(?:per[ -_]?(?:day|week|month)|\bdaily\b|\bweekly\b|\bmonthly\b|\b[rt]pd\b|今日|当日|今天|每日|每天|单日|每周|本周|每月|本月|小时)"
_BOUND = r"(?:limit|quota|exceed|too many|reached|used|上限|限额|额度|次数|用完|用尽|超)"
DAY = _any(r"\bday (?:limit|quota)", rf"{_DAY}.{{0,60}}{_BOUND}", rf"{_BOUND}.{{0,80}}{_DAY}")
"""A bound that no waiting within a run gets past."""
MONEY = _any(
    "余额|欠费|充值|资源包|购买|账单|费用中心", "(?:额度|配额|套餐|免费).{0,20}(?:用尽|用完|不足|耗尽|到期|超)", "已?到期",
    r"\bbalance\b", "arrear", "overdue", r"in[ _]debt", "good standing", "billing", r"payment", r"\bcredits?\b",
    r"(?:exceeded|insufficient).{0,20}quota", r"quota.{0,30}(?:exhaust|used up|exceed|insufficient|not enough)", "free tier",
    r"(?:spend\w*|hard|usage|set|set inference) limit", r"\bpack(?:age)? exhaust", r"\blicc\b",
    r"(?<!thinking )(?<!token )\bbudget\b.{0,60}exceed", r"\bmax budget\b", r"exceed\w*.{0,30}(?<!thinking )(?<!token )\bbudget\b",
)  # fmt: skip
EMPTY = _any(
    "不足|欠费|用尽|用完|耗尽|insufficient|arrear|overdue|too low|(?<!resource )(?<!resource_)exhausted|negative balance"
)
"""With words of rates beside those of money: the purse is empty all the same."""
SHUT_OUT = _any(
    r"(?:account|organi[sz]ation|\buser\b|api key|账户|账号|用户).{0,40}(?:suspend|disabled|deactivat|banned|\block|封禁|冻结|停用|禁用|锁定)",
    r"country.{0,40}not supported", "unsupported country",
)  # fmt: skip
FILTERED = _any(
    "敏感|违规|违法|违反|法律法规|不当|不安全|不合规|不当内容|不良|有害|涉黄|涉政|暴恐|拦截|屏蔽|风控|风险|审核|审查|安全(?:检|策略)|合规",
    "inappropriate", r"(?<!case )(?<!case-)sensitive", "moderat", r"content.{0,12}(?:polic|filter|safety|inspect|audit|risk|review)",
    r"\binspection", r"(?:text|content|input|output|prompt|image) (?:is )?(?:illegal|denied|rejected|block(?:ed)?)\b", r"\bdenied (?:text|content|prompt)\b",
    r"\billegal (?:text|content|input|output|prompt|word|detected)", r"produced invalid content", r"modify\w* your (?:prompt|input)",
    "unsafe", "harmful", r"prohibited[ _]\w*content",
    r"content.{0,40}(?:prohibit|illegal|not allowed|disallowed|not permitted)", "flagged", "guardrail", "not safe", r"\bsafety\b", "toxic", "hate speech", r"\bcompliance\b",
    "responsible ?ai", r"(?:usage|acceptable use|safety) polic",
    "high risk", "prompt[ _]blocked", "blocklist", "offensive", "nsfw", "policy violation", r"violat.{0,40}(?:polic|law|guideline|terms)",
    r"(?:input|prompt|output|text|content|request).{0,30}\bblocked\b",
)  # fmt: skip
BLOCKED, BARRED = (
    _any(r"\bblocked\b"),
    _any(r"\bips?\b", "address", "account", "thread", "task", "key", "cloudflare", "firewall"),
)
"""A block that stands for itself is of content, unless something else is said to be blocked."""
TOO_LARGE = _any(r"request too large for")
CONTEXT = _any(
    r"context[ _-]?(?:length|window|size)", "maximum context", r"max_(?:seq|model|position)", "model token limit", r"\bn_ctx\b",
    r"max(?:imum)? (?:model |sequence |prompt |input |message )(?:len|token|char)", "input token", r"range of input length",
    r"input[ _]length", "上下文",
)  # fmt: skip
_TEXT = (
    r"(?:context|prompt|inputs?|messages?|sequence|conversation|text|content|request (?:body|entity|payload)|payload)"
)
TOO_LONG = _any(
    rf"{_TEXT}\b[^.;]{{0,60}}(?:too long|too large|exceed|longer than|overflow|larger than|greater than (?:the |\d{{3}})|must have less than|over the (?:max|limit))",
    r"tokens?\b[^.]{0,40}(?:must be (?:<|less)|exceed|larger than|longer than|too large|at most)", r"max(?:imum)? input",
    "(?:输入|提示词|prompt|对话|消息|文本|内容|请求|token|长度|字数|字符)[^。；]{0,24}(?:超长|过长|太长|超出|超过|过大|上限|超限)",
)  # fmt: skip
NO_RIGHT = _any(
    r"api[ _-]?key.{0,60}(?:invalid|not valid|incorrect|missing|expired|revoked)", r"(?:invalid|incorrect|missing|expired).{0,12}api[ _-]?key",
    r"access token.{0,20}(?:invalid|expired)", "unauthori[sz]ed", "authenticat", "permission", "access denied", "not authori[sz]ed",
    "无权|身份验证|鉴权|认证失败|令牌无效|无效的令牌|没有权限|密钥", "login fail",
)  # fmt: skip
NO_MODEL = _any(
    r"\bmodels?\b[^.]{0,60}(?:not exist|not found|not open|not available|disabled|\binvalid\b|unknown|not a valid|deprecated|decommission|no longer)",
    r"(?:no such|unknown|invalid|unsupported|not support(?:ed)?|not (?:yet )?activated the|not a valid) model", "model not (?:found|exist|open)",
    "no endpoints found", r"invalid endpoint or model", "模型[^。]{0,20}(?:不存在|未开通|不可用|下线|未上线|未找到|无效)", r"model\b[^。]{0,20}(?:不存在|未开通|不可用|下线|未上线)",
)  # fmt: skip
NO_CHANNEL = _any(
    "无可用(?:的)?(?:渠道|通道)",
    r"no (?:available )?channels? (?:is |are )?(?:available )?(?:for|under)\b.{0,40}\bmodel",
)
"""A relay's words for a model that nobody behind it gives."""
NO_SYSTEM = _any(
    r"system[ _'\"`]*(?:roles?|messages?|prompts?|instructions?)\b[^.;:]{0,30}(?:not|n't|un)(?: be| yet)? ?(?:support|allow|accept|enable|permit)", "不支持.{0,10}system",
    r"system.{0,12}不支持", r"(?:not|n't) (?:support|allow|accept)\w* .{0,12}\bsystem\b[ _'\"`]*(?:roles?|messages?|prompts?|instructions?)?",
    r"(?:unsupported|unexpected|unknown|invalid) (?:message )?role.{0,12}\bsystem\b", r"\bsystem\b.{0,12}(?:is )?(?:not a|an?) (?:valid|invalid|unknown|unsupported) role",
    r"\brole.{0,40}(?:must be|should be|expected).{0,12}(?:one of )?[\s\"'`\[(]*user\b(?!.{0,30}system)", "(?:developer|system) instruction is not enabled",
)  # fmt: skip
"""A model that takes no system message."""
GATEWAY = _any(
    r"application failed to respond", r"bad gateway", r"gateway time-?out", r"service (?:is )?(?:temporarily )?unavailable",
    r"no (?:healthy upstream|server is available)", r"upstream (?:connect|request|server)", r"(?:app|application|service|space) is (?:starting|sleeping|building|waking)",
)  # fmt: skip
"""What stands in front of a server says that the server itself does not answer, or not yet."""
BARE = _any(r"\A(?:forbidden|error|http|bad|request|internal|server|invalid|[\W\d_])*\Z")
"""No word of what is wrong."""
STREAM = _any(
    r"without (?:sse|stream)", r"only support\w*.{0,20}\bsse\b",
    r"only support\w*.{0,20}stream", r"\bstream\b.{0,40}(?:must be|should be|to be|set to).{0,12}true", r"(?:仅|只)支持.{0,10}(?:流式|stream)",
    r"(?:must|please) (?:use|enable).{0,12}stream", r"non-?stream\w*.{0,40}(?:not supported|unsupported|不支持)", "请使用流式|不支持非流式",
    r"not support(?:ed)? non-?stream",
)  # fmt: skip
FORMAT = _any(
    "response_format",
    "json_schema",
    "json_object",
    r"json[ _](?:mode|output)",
    "json ?模式",
    "structured",
    "guided",
    "grammar",
)
VALUE = _any(
    r"\brange\b", "between", "must be", "should be", "at most", "at least", "greater", r"\bless\b", "maximum", "minimum", "invalid value",
    "unsupported value", "does not support", "取值|范围|区间|大于|小于|不能为|超过|之间", r"[\[(]\s*-?\d", "too (?:large|small|high|low)", "is invalid",
)  # fmt: skip
"""It is not the field that is refused, but what stands in it."""
PARAMETERS = _any(
    "参数", r"\bparameters?\b", r"\barguments?\b", "invalid_?param", "extra[ _](?:inputs|forbidden|fields)", "unexpected keyword",
    r"(?:unknown|unsupported|unrecognized|unexpected) (?:field|key|name|option|propert)",
)  # fmt: skip
OVERLOAD = _any(
    "overload", r"\bbusy\b", "capacity", "loading", "warming", "initiali[sz]ing", "cold start", "queue is full", "temporarily",
    "繁忙|过载|饱和|拥挤|排队|加载中|启动中", "unavailable_error",
)  # fmt: skip
LATER = _any(r"(?:try|retry).{0,16}(?:later|after|in \d)", "稍后|请重试|稍候")
