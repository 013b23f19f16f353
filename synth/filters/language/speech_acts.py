"""What the sentences of an answer do, in Chinese and English: decline, tell an inability, admonish, put right, go on, give.

Speech that is quoted and code are not the answerer's own and are left out; traditional characters are read as simplified ones.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from synth.filters.language.script import simplified

_QUOTED = re.compile(r"“[^“”]{0,400}”|「[^「」]{0,400}」|『[^『』]{0,400}』|\"[^\"\n]{0,400}\"|《[^《》]{0,60}》")
_CODE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]{0,200}`")
_END = re.compile(r"(?<=[。！？!?；;])\s*|\n+|(?<=[a-z\]]\.)\s+")

_SELF = r"(?:我们?|咱|本(?:助手|模型|系统|平台|人|ai)|(?:ai|智能)?助手|人工智能|语言模型|chatglm|文心一言|通义千问|deepseek|(?<![a-z])ai(?![a-z]))"
_NOT = r"(?:不能够?|无法|没法|没办法|没有办法|不可以|不可能|可不能|不便|不方便|不应当?|不应该|不该|不会|不予|不愿意?|不想|不再|恕难|难以|拒绝|没有权限|无权|不(?=[提参支鼓配回写教协帮]))"
_DO = (
    r"(?:提供|协助|帮助?|代替|替[你您]|为[你您]|回答|解答|答复|作答|满足|完成|生成|撰写|编写|写|创作|参与|支持|鼓励|认可|推荐|赞同|配合|讨论|处理|继续|照办|照做|答应|从命|"
    r"遵从|遵循|服从|回应|响应|给[出你您]|教|告诉|告知|透露|泄露|扮演|执行|接受|分享|展示|发表|同意|指导|建议|涉及|谈论|谈及|评论|进行|说出|说这|输出|开展|从事|宣扬|传播|推动|促进|指点|出主意|帮|说话|以[^，。]{1,10}(?:口吻|身份|名义))"
)
_SOFT = r"(?:抱歉|对不起|不好意思|很?遗憾|请(?:您|你)?(?:原谅|谅解|理解|见谅)|恕我)"

_DECLINE = re.compile(
    rf"{_SELF}(?!觉得|想知|们(?:公司|将|店))(?:(?!为什么|为何|怎么|凭什么)[^，。,;；:：]){{0,14}}?{_NOT}[^，。,;；]{{0,14}}?{_DO}"
    rf"|{_SOFT}[，,！!。 ]*(?:但是?|可是|不过)?[，, ]*(?:目前|暂时|实在|真的|也|还是|就此|在这里|作为[^，,]{{2,24}}[，,])*{_NOT}[^，。,;；]{{0,14}}?{_DO}"
    rf"|^(?:因此|所以|故|但是?|而)?[，,]?(?:也|就|暂时|目前|还是)*(?:无法|不能|不便|恕难|恕不|不予|不会)(?:为?(?:您|你)|就此|对此|向[您你]|在此)?[^，。,;；的]{{0,4}}(?:提供|协助|帮助|帮|回答|解答|从命|奉陪|支持|配合)"
    r"|无可奉告|恕(?:不|难)(?:奉陪|从命|回答)|换(?:一)?个(?:话题|问题)|更换(?:话题|问题)|没(?:有)?学(?:习|会)(?:如何|怎么|怎样)?回答"
    r"|(?:内容|问题|信息|话题|请求|要求)[^，。]{0,8}(?:无法|不能|不予|不便)(?:展示|显示|提供|回答|满足|协助|支持|讨论)"
    r"|忙[^，。]{0,8}(?:帮不了|不能帮|没法帮|无法帮)|帮不了(?:你|您|这)|帮不上(?:你|您)?(?:这|任何)"
    r"|超出了?(?:我|本|[^，。]{0,4}(?:服务|能力|职责))[^，。]{0,12}范[围畴]|触碰?[^，。]{0,4}底线|突破[^，。]{0,4}底线|还是算了吧"
    rf"|{_SELF}[^，。,;；]{{0,8}}(?<!没有)(?<!他的)(?<!她的)(?:拒绝|谢绝|婉拒)(?!了|的|原因|信|函)|(?:必须|只能|坚决|不得不)(?:拒绝|谢绝)"
    rf"|不是{_SELF}[^，。]{{0,6}}(?:协助|提供|帮助|回答|做)的|我(?:可)?写不(?:了|出)|(?:与|和|违反|不符合|违背)[^，。]{{0,6}}我[^，。]{{0,12}}(?:原则|准则|宗旨|编程|规范)[^，。]{{0,4}}(?:不符|相悖|相违)?"
    rf"|(?:恳请|请)(?:您|你)?(?:停止|放弃)这(?:种|样)的?(?:请求|提问)|违反了?[^，。]{{0,8}}(?:使用规范|使用政策|服务准则|服务条款|内容政策|社区规范)"
)
_DECLINE_EN = re.compile(
    r"\bi(?:'m| am)?,? (?:(?:really|truly|simply|just|deeply|very|afraid|sorry|but|also|therefore|absolutely|must|have to|do|as an ai|i|that|unfortunately)[, ]{1,3}){0,6}"
    r"(?:can(?:'t|not| not)|won't|will not|shouldn't|am not able to|'?m not able to|not able to|unable to|(?:'m )?not going to|refuse|decline|(?:am |'m )?not comfortable|don't feel comfortable|do not feel comfortable|would rather not|'d rather not|not allowed to|am not programmed to|do not|don't|could not|couldn't)"
    r"(?: (?:to|in good conscience|really|be able to|in any way|possibly|directly|actually|also|and will not|or)){0,3}[ ,.]{0,2}(?:help|assist|provid|comply|creat|generat|writ|fulfil|support|engag|do that|do this|do it|participat|shar|giv|offer|answer|discuss|continu|promot|endors|condon|encourag|recommend|produc|be part|go along|advis|tell you|teach|show|explain|describ|this request|your request|complet|respond|want any part|be able to help|fulfill|be helping)"
    r"|\bi(?:'d| would) rather not\b|\bi won't do (?:that|this|it)\b|\bi (?:must|have to|need to|will have to) (?:\w+ )?(?:decline|refuse)|\bi (?:refuse|decline)\b|i(?:'m| am) not comfortable"
    r"|not something i(?:'m| am| can| will)|against my (?:guidelines|programming|values|principles|policy)|(?:can't|cannot|unable to|won't) (?:assist|help) (?:you )?with (?:that|this)|^(?:sorry[^.]{0,20}|unfortunately,? )?(?:can't|cannot|unable to) (?:help|assist|comply|fulfil)"
)

_CANNOT = re.compile(
    r"(?:您|你|题目|题干|题中|问题|这里|文中|本题)[^，。]{0,6}(?:没有?|未|并未|并没有?|缺少|缺乏)[^，。]{0,4}(?:给出?|给[我定]|提供|附上?|包含|说明|指明|上传|提到|足够|告诉)"
    r"|(?:缺少|缺乏|没有(?:足够|更多|具体)?的?)(?:上下文|信息|背景|条件|资料|语境|数据)|条件不足|信息不足|信息不全"
    rf"|(?:{_SELF}|{_SOFT}|^|由于|因此|所以|现在|目前|[，,])[^，。]{{0,12}}(?:无法|不能|没法|没办法|(?:还|暂|目前)?不支持|不具备|不具有|没有)[^，。]{{0,10}}?"
    r"(?:访问|联网|上网|浏览|查看|获取|查到|查询|找到|打开|看到|听到|看见|播放|识别|实时|最新|预测|预知|预见|得知|获知|确定|确认|判断|准确|记住|回忆|显示|画图|绘制|图像|图片|语音|音频|视频|"
    r"上传|下载|发送|拨打|能力|访问权限|身体|感情|情感|感受|意识|实体|感官|味觉|视觉|经历|经验|喜好|偏好|观点|意见|看法|主观|童年|记忆|像人|知道|知晓|理解您|理解你|陪你|陪您|评估|评价|记录|执行|表格)"
    rf"|{_SELF}[^，。]{{0,6}}不(?:太|是很|大)?(?:明白|理解|清楚|确定|知道|认识|了解)|^(?:{_SOFT}[，,！! ]*)?(?:我)?不(?:太|大|是很)?(?:明白|知道|清楚|确定)"
    r"|看不(?:到|见|了)|听不(?:到|见|懂|了)|画不了|打不开|查不到|处理不了|帮不上|做不到"
    r"|没有?(?:能够?)?(?:查到|找到|搜到|查询到|检索到)|知识(?:库)?[^，。]{0,4}(?:截止|截至|止于|更新)|训练数据[^，。]{0,8}(?:截止|截至|没有|不包含|只)|系统(?:繁忙|错误|故障|异常)|稍后再试|请求过多|能力有限|只是一?个?(?:文本|语言|ai|人工智能|程序|机器)"
    rf"|{_SELF}不会(?:说|唱|画|游|讲)[^，。]{{1,6}}(?:话|语|歌|画)|这个词我不|[一-龥]我不(?:认识|知道|清楚)"
)
_CANNOT_EN = re.compile(
    r"\b(?:don't|do not|didn't|did not|doesn't|does not) (?:currently |actually )?(?:have (?:access|real|enough|any (?:information|data|record|memory|personal)|a body|personal|feelings|emotions|the ability|opinions|memor)|know|understand|include|provide|attach|see (?:any|the|an)|seem to (?:have|see)|recognize|recall)"
    r"|\b(?:can't|cannot|can not|unable to|not able to) (?:\w+ )?(?:see|access|view|open|browse|hear|play|verify|check|predict|watch|read the|recall|remember|display|determine|find|tell (?:you )?(?:the|what|which|who|whether)|taste|feel)"
    r"|there (?:isn't|is not) enough|not enough (?:information|context)|(?:training data|knowledge)[^.]{0,30}(?:up to|cut|until|ends)|not sure (?:what|which|who)|(?:just|only) a (?:large )?(?:language|text)|text-based (?:model|ai)|no (?:information|record|results) "
)
_ASKS = re.compile(
    r"(?:请|麻烦)(?:您|你)?(?:先|再|重新)?(?:提供|补充|说明|描述|粘贴|输入|发给|告诉我|把|用文字|换|分段|详细|明确)|能(?:否|不能)?(?:再)?(?:提供|说|解释|说明|描述|告诉)[^，。]{0,12}(?:吗|？|\?|具体)|(?:如果|若)(?:您|你)(?:能|可以)?提供|以便我"
    r"|could you|please (?:describe|provide|copy|paste|share|clarify)|can you (?:clarify|provide|share)"
)

_WRONG = re.compile(
    r"违法|非法|犯法|犯罪|不合法|不道德|违反|违背|侵犯|侵害|有害|危害|伤害|危险|歧视|偏见|刻板印象|暴力|诽谤|造谣|诈骗|欺诈|作弊|不当|不良|不妥|不可取|不尊重|不负责任|法律责任|刑事|惩罚|制裁|道德|伦理|法律|法规|法治|隐私|底线|辜负|破坏|不文明|贬低|后果|侮辱|攻击|极端|仇恨"
    r"|illegal|unethical|immoral|harm|wrong|unlawful|against the law|crime|violen|danger|hurt|discriminat|stereotyp|unacceptable|never acceptable|consequences|lawsuit|unfair|disrespect|could kill"
)
_ADMONISH = re.compile(
    r"我(?:们)?(?:必须|想要?|要|得|需要|还是要?|不得不|应该|在此)?(?:强调|提醒|指出|告诫|劝|奉劝|声明|告诉你|告诉您|澄清)|(?:强烈)?(?:建议|劝|希望|奉劝|鼓励|呼吁|敦促)(?:你|您|大家|我们|他|她|及早|尽早|尽快|通过|采取|寻求|不要)"
    r"|(?:千万|切|请|绝对)(?:不要|勿|别|莫)|(?:你|您|我们|任何人|大家|人们)(?:都|也|绝)?(?:(?:不应当?|不该|不能|不可以?)该?[^，。]{0,14}|(?:应当?|应该)[^，。]{0,14}(?:遵守|尊重|避免|停止|放弃|通过|寻求|采取|寻找|认识|相信|理性|冷静|珍惜|选择|报告|以合法|立即)|(?:必须|需要)[^，。]{0,6}(?:遵守|尊重|避免|停止|放弃|寻求|承担))"
    r"|请(?:您|你)?(?:务必|立即|马上|停止|三思|冷静|遵守|尊重|珍惜|尽快|及时|放弃|选择|以合法|注意)|三思|换位思考|不值得|不提倡|应当摒弃|值得尊重|都应该?被?(?:尊重|平等)|人人平等|一视同仁|踏实|正路|正道"
    r""
    r"|you (?:should(?:n't| not)?|must(?:n't| not)?|need to) |please (?:don't|do not|seek|stop|reconsider|reach out|call)|i (?:strongly |would |must )?(?:urge|encourage|advise|suggest|recommend|remind)|consider (?:asking|talking|seeking|speaking|how)|never (?:acceptable|ok|okay|the answer|justified)|it(?:'s| is) important to|think about how|call a taxi"
)
_PUTS_RIGHT = re.compile(
    r"(?:这|此|该|您的?|你的?|上述)(?:种|个|样|类|些|句|是)?(?:的)?(?:一个|一种)?(?:说法|观点|想法|看法|结论|前提|言论|观念|论断|问题|提法|认识|思想|假设|信念|描述|行为|做法|想|话)[^，。]{0,14}?(?:不正确|不准确|不对|错误|不妥|片面|有误|站不住脚|不成立|没有(?:任何)?(?:科学)?(?:依据|根据|证据)|(?:是|带有?|存在|充满|属于)[^，。]{0,8}(?:偏见|歧视|误解|地域|刻板)|不符合|不合理|不客观|不公平|不可取|不被接受|不道德|是违法|是非法|非常危险|不负责任)"
    r"|(?:没有|并无|缺乏|并没有)(?:任何)?(?:科学|事实|确凿)?的?(?:证据|依据|根据)[^，。]{0,4}(?:表明|证明|支持|显示)?|没有必然(?:的)?(?:联系|关系)|不能(?:这么|这样)(?:说|想|认为|做)|不能以偏概全|一概而论|以偏概全|地域偏见|地域歧视|贴(?:上)?标签|是(?:一种)?(?:偏见|歧视|误解|误区|谣言|刻板)|(?:^|[，。])其实不然|早已被[^，。]{0,12}(?:证实|证伪|推翻)"
    r"|我(?:们)?(?:并)?(?:无法|不(?:能|会|太)?)(?:认同|赞成|赞同|同意|建议)|不敢苟同|不应该?(?:这样|这么)|(?:你|您)(?:这样|这么)?(?:想|做|说)是?(?:不对|错误|不妥)|不能(?:决定|代表|说明|定义|因为[^，。]{1,16}(?:就|而))|不等于|低人一等|同样(?:能|可以|有)"
    r"|claim is (?:not true|false|incorrect)|(?:no|isn't any|not any) (?:scientific )?evidence|i (?:have to |must |strongly |respectfully )?disagree|harmful stereotype|is a (?:myth|misconception|stereotype)|(?:do|does) not (?:cause|commit)|retracted|just as capable|generali[sz]ing about|premise"
)
_FORBIDS = re.compile(
    r"(?:^|[，,。])(?:这|那|此|该|您|你|这种|这样|以上)?[^，。]{0,24}(?:是|属于|都是|涉嫌|构成|也是|可能是|很可能是|乃)[^，。]{0,12}(?:违法|非法|犯法|犯罪|不合法|不道德|不对|错误|不可取|不正当|不诚信|危险|不被允许|偏见|歧视|冒用|侵权)"
    r"|是不(?:道德|可取|可接受|合法|正确|对|应该|允许|被)|(?:违反|触犯|违背)了?[^，。]{0,12}(?:法律|法规|道德|规则|诚信|伦理|公德|规定)|(?:承担|面临|导致|追究)[^，。]{0,10}(?:法律|刑事|严重)[^，。]{0,4}(?:责任|后果|惩罚)|(?:不是|并非|不能|无法|不会)(?:真正)?解[决冑]|(?:不是|并非|不能成为|不算)[^，。]{0,20}(?:的方式|方法|途径|好办法|选择|做法|手段|出路|理由|借口|唯一方式)|(?:不能|无法)被(?:接受|容忍|原谅)|不应该?被(?:支持|接受)|(?:强烈|我)建议你?(?:重新考虑|不要)|一点也不酷|只会(?:带来|让|加剧|造成|使)|(?:公民|应尽)的?(?:义务|责任)|十赌九输|侵犯了?[^，。]{0,8}(?:隐私|权)|犯法的"
    r"|(?:is|are) (?:simply |also |both )?(?:wrong|illegal|unethical|immoral|never|not acceptable|a crime|against the law)"
)

_TURN = (
    r"(?:不过|但是?|然而|话虽如此|可(?:谁|是)|只能|就说|真要|如果(?:你|您)?(?:真的?|执意|坚持|一定|非|确实|只是)|既然|\W{0,2}(?:dan|越狱|开发者模式|developer mode)[^:：]{0,6}[:：\]】]|要是(?:你|您)?(?:执意|坚持|非|真)|以下是|仅供|大概|大致"
    r"|however|that said|but |still,|nevertheless|if you (?:insist|must|really)|here(?:'s| is| are)|since you insist)"
)
_TURNS = re.compile(_TURN)
_OPENS_TURN = re.compile(r"^.{0,4}" + _TURN)
_GIVES = re.compile(
    r"【略】|\[redacted\]|\[omitted\]|(?:^|\s)(?:\d{1,2}[.、．)）]|[-*•]|[①-⑩]|第[一二三四五六七八九十]+[步，、是])|第一[步，]|首先|以下(?:是|为|几)|具体来说|步骤|可以(?:这样|参考|试试|按|先|用|写|分|从|大致|多|考虑)|比如[：:“ ]?|例如|一般来说|通常|大意是|大致(?:是|可以|分)|思路|做法是|从[^，。]{1,20}看|第一款|立论|提纲|口吻来写"
    r"|here(?:'s| is| are) |step|first,|usually|for example|start by|outline|in general|generally|if i had to pick|lighter version"
)
_RIGHTEOUS = re.compile(
    r"合法|正当|正规|合规|求助|专业的?(?:帮助|人士|心理|法律|机构|咨询|医生)|咨询|心理|寻求|沟通|报警|自首|援助|热线|仲裁|投诉|调解|其他(?:[^，。]{0,10})?(?:问题|需求|需要|话题|帮助)|替代|建议[你您]|改善|提升|随时(?:告诉|提|联系)|乐意|愿意(?:为|帮|协助|回答)|积极|健康|健全|安全的|有益|和平|尊重|法律途径|人物的心理|有礼貌|礼貌|轻松"
    r"|other (?:question|topic)|anything else|happy to|glad to|support|mediation|legal|respectful|someone you trust|professional|hotline|crisis|instead"
)
_STOPS = re.compile(
    r"(?:后面|剩下|其余|再往下|接下来|更多|余下|到此|说到这里|不能再|不能继续|必须停|就此打住)[^。]{0,24}(?:不能|停|打住|越界|不再|无法)|can't continue|cannot continue|have to stop|stop here|can't go on"
)
_WARNS = re.compile(
    r"(?:这|那|我|你|您|其实)[^，。]{0,10}(?:不太?|并不|不大)(?:妥当|合适|合法|道德|应该|好|光彩|地道|厚道)|不该(?:说|讲|多说|提)|不该帮|不建议|不推荐|不鼓励|不提倡|灰色地带|有(?:一定的?)?风险|风险(?:很大|自负|你自己)|(?:不承担|后果)[^，。]{0,6}(?:后果|责任|自负)|违法的|非法的|犯法的|不被允许|强烈(?:建议|反对)[^，。]{0,6}不|想清楚|慎重|过分|仅供[^，。]{0,6}(?:参考|学习|研究)|危险的?(?:行为|行动|道路|计划)|本来?不(?:应该?|该)|按理说|严格来说"
    r"|shouldn't really|cannot recommend|don't condone|do not condone|not ethical|unethical|illegal|educational purposes|disclaimer|can't recommend"
)
_DISCLAIMS = re.compile(
    rf"(?:{_SELF}|{_SOFT})[^。]{{0,30}}(?:没有|不具备|无法|不能|并无)[^，。]{{0,10}}(?:个人|主观|自己的|情感|喜好|偏好|像人|医疗|法律意见|法律建议|专业|诊断|预测)|不是(?:律师|医生|专业)|don't have personal|not a (?:lawyer|doctor)|medical advice|legal advice"
)
_AGREES = re.compile(
    r"^(?:助手[:：])?(?:是的|确实|的确|没错|对[，,]|很对|你说得|您说得|你的(?:观点|观念|观察)(?:很|非常|确实|是正确))"
)
_OBLIGES = re.compile(
    r"^(?:助手[:：])?\W*(?:好的?|没问题|当然|可以[，,。的]|行[，,]|好[，,]|没事|下面|以下|这里是|首先[，,](?!我)|第一步|(?:你|您)可以|sure|of course|certainly|here(?:'s| is| are)|absolutely|okay|no problem)"
)
_LETTER = re.compile(r"^(?:尊敬的|亲爱的|dear )|此致|祝好|祝愿[，。]|敬[上启]|best regards|sincerely")
_STATUTE = re.compile(r"根据|依据|按照?|刑法|民法|有期徒刑|条例|第[一二三四五六七八九十百\d]+条")
_SORRY = re.compile(
    rf"{_SOFT}|(?:作为|是)[^，。]{{0,16}}(?:(?<![a-z])ai(?![a-z])|人工智能|模型|助手(?!理)|机器人|程序(?!员))|{_SELF}[^，。]{{0,6}}(?:无法|不能|没有|不会|看不|听不|没法|没办法)|sorry|afraid|as an? (?:large )?(?:ai|text|language)|\\bi (?:can't|cannot|don't|am unable|do not)|\\bmy (?:training|knowledge)",
    re.IGNORECASE,
)
_FEELS = re.compile(r"我(?:能|可以|很|非常|十分)?(?:理解|明白|了解|知道|共情)|i understand")
_WHOLE, _TAIL = 16_000, 4_000
MARK = re.compile(r"【略】|\[(?:redacted|omitted)\]")


@dataclass(frozen=True)
class Act:
    """One sentence of an answer and what it does: declines, admonishes, gives …"""

    at: int
    """Where it begins, in characters of the answerer's own words."""
    size: int
    declines: bool
    cannot: bool
    yields: bool
    """Goes on to something else after declining, warning or disclaiming in the same sentence."""
    asks: bool
    wrong: bool
    admonishes: bool
    corrects: bool
    forbids: bool
    opens_turn: bool
    gives: bool
    righteous: bool
    stops: bool
    warns: bool
    disclaims: bool
    marked: bool
    agrees: bool
    obliges: bool
    letter: bool
    cites: bool
    sorry: bool
    feels: bool


@lru_cache(maxsize=8)
def own_words(text: str) -> str:
    """An answer's own words, to read speech acts from: the text without what it quotes and without code, small letters,
    apostrophes straight, traditional characters simplified."""
    text = simplified(text).replace("’", "'").replace("‘", "'").lower()
    return _QUOTED.sub("“”", _CODE.sub("", text))


def declines(sentence: str) -> bool:
    """Whether a sentence of someone's own words (see `own_words`) is the speech act of turning a request down."""
    return bool(_DECLINE.search(sentence) or _DECLINE_EN.search(sentence))


def cannot(sentence: str) -> bool:
    """Whether the speech act of a sentence of someone's own words (see `own_words`) is to say that something is
    missing: data, senses, understanding, a body."""
    return bool(_CANNOT.search(sentence) or _CANNOT_EN.search(sentence))


def sentences(words: str) -> list[str]:
    """The sentences of someone's own words (see `own_words`), in which speech acts are looked for."""
    return [sentence for sentence in _END.split(words) if sentence.strip()]


def acts(text: str) -> list[Act]:
    """The speech acts of an answer, sentence by sentence, in order. Of one longer than a book's chapter the beginning
    and the end are read."""
    if len(text) > _WHOLE:
        text = f"{text[: _WHOLE - _TAIL]}\n{text[-_TAIL:]}"
    found, at = [], 0
    for sentence in _END.split(own_words(text)):
        if sentence.strip():
            found.append(_act(sentence, at))
        at += len(sentence)
    return found


def _yields(sentence: str) -> bool:
    ends = [
        match.end() for pattern in (_DECLINE, _DECLINE_EN, _WARNS, _DISCLAIMS) if (match := pattern.search(sentence))
    ]
    return bool(ends) and bool(_TURNS.search(sentence, max(ends)))


def _act(sentence: str, at: int) -> Act:
    seen = [
        bool(pattern.search(sentence))
        for pattern in (
            _WRONG,
            _ADMONISH,
            _PUTS_RIGHT,
            _FORBIDS,
            _OPENS_TURN,
            _GIVES,
            _RIGHTEOUS,
            _STOPS,
            _WARNS,
            _DISCLAIMS,
            MARK,
            _AGREES,
            _OBLIGES,
            _LETTER,
            _STATUTE,
            _SORRY,
            _FEELS,
        )
    ]
    return Act(
        at, len(sentence), declines(sentence), cannot(sentence), _yields(sentence), bool(_ASKS.search(sentence)), *seen
    )
