"""Whether a text could be followed as it stands: handling told clause by clause, with amounts, times and order, in digits or in words.

What makes a text doable is not its subject. It handles things (verbs of the hand with what comes of them), measures them, and puts one
act after another, close together. A view on the same things judges, compares and wishes. So clauses are weighed, and the densest run of
a few of them decides; sentences that instruct, one after the other, do as well. What holds the mark tells nothing any more.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from synth.types import MARK

_NUMBER = r"(?:\d+(?:\.\d+)?|[一二两三四五六七八九十百千半几数][一二两三四五六七八九十百千零来多几]{0,5}|大?半)"
_MATTER = (
    r"(?:毫克|千克|公斤|毫升|克(?![服制隆拉])|升(?![级至到高降温学职为起])|[汤茶小大]?[勺匙杯碗瓢盅撮滴瓣](?!子弟)|斤|两(?=[^个种人天年次面边手]|$)"
    r"|粒|颗|片(?![面刻段])|包(?![括容围办])|袋|盆|桶|瓶|罐|盒|勺子|块(?!钱)|只|枚|根|条(?![路件])|张|段|股|针|团|把(?=[^他她它你我这那火劲汗泪手])|钱(?=[^不都就也])|指(?=[宽厚高长]))"
)
_SIZE = r"(?:厘米|毫米|公分|英寸|寸|尺|米(?![饭粥线粒])|拃|指宽|倍(?=[^的人])|成(?=[熟满干热新])|度|摄氏度|℃|°C?)"
_TIME = r"(?:分钟|秒钟?|小时|个?钟头|个?时辰|刻钟|来?天|[晚夜宿周]|个?月|个?星期)"
_TIMES = r"(?:[遍圈趟道层回折步]|下(?![场子来去一])|次(?!又))"
_MEASURED = re.compile(rf"{_NUMBER}[来多把]?(?:个半?)?(?:小|大)?(?:{_MATTER}|{_SIZE}|{_TIME}|{_TIMES})")
_WEIGHED = re.compile(
    rf"{_NUMBER}[来多]?(?:小|大|平|满)?(?:毫克|千克|公斤|毫升|克(?![服制隆拉])|升(?![级至到高降温学职为起])|[汤茶]?[勺匙]|滴|撮|斤(?!八两)|厘米|毫米|公分)"
    rf"|{_NUMBER}比{_NUMBER}|{_NUMBER}份[^，。]{{0,4}}[对兑配]|[加兑放撒倒]{_NUMBER}(?:[杯碗勺匙瓶盅包袋片粒颗个只]|小[撮把])"
)

_HAND = (
    r"切剪揉搅拌拧撬钻锯磨涂抹粘缝绕拴夹卷叠铺撒泡浸煮蒸炒炸烤焖炖熬晾晒烘筛滤捞沥剥削卸焊旋锤钉刮灌舀盛裹扎捆绑捏搓掰掀抠剔刨兑腌淋喷擦摊裁缠绷劈焯煎煨汆"
    r"揭掏塞垫舂碾砸敲插拔拆折套滚码挤翻凿捣卤攥扣掸抖蘸撇摁撑嵌浇拽绗钩扳涮捂敷箍糊烫擀煸抻烹焐剁剖泼拎铲晃甩沾焗蹭喂吹绞拢"
)
"""Verbs of the hand that seldom mean anything else."""
_LOOSE = "放倒打拉推压按装洗冲盖贴抽注滴穿扯提松加取接对称挖埋割砍收摆搁点挂架包换移拨闷醒发冻凉摘填合关留剩挑划转刻描画扫拖吸控量锁烧拍摇断"
"""Those that mean much else besides, and count for less without an amount."""
_PARTED = r"(?<![印不没])刷(?![新卡单屏存])|(?<![关体联派学干])系(?=[紧上好成个在住牢绳带结鞋扣死])|(?<![组交])织|编(?=[到成紧好个过着几一两三四])|关(?=[火阀闸掉机上严紧小])|合(?=[闸上拢])|停(?=[火水])"
"""Verbs of the hand that stand in words of another kind too."""
_DOES = rf"(?:(?<![一亲急迫密支圈配仲制总独体不没])[{_HAND}](?![杀黑夺弱减架票诈律衍路餐话队嘴克实身记勿迁台蛋局汽夜子发]|磨(?:我|他|她|人))|{_PARTED})"
_END = r"(?:到|进|入|上(?![当班学门街])|下(?![去场])|成|开(?![心始])|出(?![事来人])|好|紧|松|匀|透|平|干|净|满|在|住|断|碎|软|化|散|齐|牢|实|薄|湿|熟|起来|掉|至|直|圆|细|稠|稀|严|正|稳|凉|热|回|过|空|死(?=[，。；、]|$))"
_SPAN = rf"(?:上|个|约|大约|约莫)?{_NUMBER}[来多]?(?:个半?)?(?:{_TIME}|{_TIMES}|{_MATTER}|{_SIZE})"
_ABSTRACT = r"(?:话|事|人|心|命|脸|路|名|气|债|责任|秘密|问题|局面|关系|机会|时间|生活|日子|感情|道理|压力|情绪|矛盾|思想|精力|注意力|希望|目标|社会|社区|世界|国家|家庭|婚姻|孩子|自己|他们?|她们?|别人|大家|对方|一切)"
_MOVES = rf"(?:把|(?:(?:^|[先再后并要可以时请您你，])将))(?!{_ABSTRACT}|[会被是对有要在不面采])"
_HANDLES = re.compile(
    rf"{_DOES}(?:{_END}|一[下会遍圈层道片块]|[一两三四几](?=[^个年人种])|[{_HAND}]|着|了以?后|完)"
    rf"|[{_LOOSE}](?:进(?![行一步去来])|在[^，。]{{1,8}}[里上中下内外边处旁]|到[^，。]{{1,10}}(?:[里上中下内外边处]|为止|不)|满|匀|紧(?![张急])|干净?|凉|平(?![时台衡等])|{_SPAN})"
    rf"|(?!打[一两三几]下)(?:{_DOES}|[{_LOOSE}])(?:[上下出开起进入])?{_SPAN}"
    rf"|{_MOVES}[^，。；]{{1,10}}(?:{_DOES}|[{_LOOSE}立竖移])(?!得)"
    rf"|(?<![使利作应引通费信雇滥采运适常])用(?![户于途来])[^，。；]{{1,8}}{_DOES}|[隔趁往朝顺沿]着?[^，。；]{{1,6}}(?:{_DOES}|[推拉压按提])"
    rf"|(?:再|就|来回|慢慢|轻轻|使劲|用力|不停|反复|边)[^，。]{{0,3}}{_DOES}"
    rf"|{_DOES}(?=[^，。；的是人家我你他她得][^，。；的是人家我你他她]{{0,5}}(?:[，。；、！]|$))"
    r"|[大中小微文武]火|预热|发酵|冷藏|断电|通电|加热|过筛|隔水|冷水|开水|温水|[逆顺]时针|打(?:个?[活死平]?结|孔|磨|散|蜡)|上汽|装回|[放排]干|点燃|引燃|浇透|去[皮壳核蒂籽腥]"
)
"""A clause that says what to do with a thing: a verb of the hand with its outcome, its measure, its tool or its object."""
_LOOSELY = re.compile(
    rf"[{_LOOSE}](?:上(?![当班学门街面人])|下(?![去场面子])|出(?![事来人])|开(?![心始])|掉|住|回(?![来去])|过(?![去来分得])|直|空(?![间])|好|入(?!公|组|社|党|他|我))(?=[^，。；了得着]|$)|松手|(?:加|放|倒|滴|撒|兑)(?:点儿?|些|少许)"
    rf"|{_MOVES}[^，。；]{{1,8}}(?:掉|好|开|回去?|下来|上[去来]?|进[去来]?|出来|起来|干净|放?[到在])|(?:等|隔|歇|过|停|静置){_SPAN}"
    r"|(?:点击|点开|双击|长按|勾选|选中|输入|粘贴|复制|下载|安装|卸载|重启|登录|注册|上传|截图|扫码|转账|充值|提现|群发|拨打|打印|复印|盖章|格式化|删除|插上|连上|接上|填写|转发给|冒充|伪造|改掉|关机|开机|打开|拔下)(?![^，。]{0,6}的|$)"
)
"""A clause that may say so, as acts at a screen or counter are told."""
_TOLD_OF = re.compile(
    r"^\W{0,3}(?:千万|可|先|就)?别|不要|不可|不得|不能|不会|避免|切勿|勿|禁止|谨[慎防]|无法|从不|没有人|是指|旨在|称为|意味着|通常|使得|有助于|导致|提高|提升|提供|促进|受到|影响|作用|重要|可以?帮助|用户|人们|目标|系统会|功能|其中|包括|取决于|必要|风险"
)
"""What forbids or explains handles nothing."""
_ENDS_AT = re.compile(
    r"(?:直到|一直到|等(?:到|它|锅|水|油|胶|漆|干)|待[^，。]{1,8}[后时]|见[^，。]{1,6}(?:后|就)|即可|就(?:成|行|好|能)了?$|为止$|为准$|为宜$)"
)
_ORDER = re.compile(
    rf"^\W{{0,4}}(?:第?{_NUMBER}\s?[步、.．)）:：]|步骤|首先|先(?!生|前|天|进|锋)|再(?!说|也|怎|三|者|有|好|多|难|见|不)|然后|接着|随后|最后|紧接着|其次|之后|下一步)"
)
_CLAUSE = re.compile(r"[，,。；;！!？?\n：:]+")
_OPINES = re.compile(
    r"[他她]|谁|什么|怎么|为何|[吗呢吧啊呗嘛]|活该|[就应]该|都(?!涂|抹|要)|才(?!能)|反正|其实|根本|[这那]种|[这那]些人|道理|觉得|以为|自己|大家|人家|别人|我(?!们)|咱们?的|明白|知道|当然|不过|可是|但是|难道|不就|还不|是.{0,12}的$"
)
"""What judges, asks or answers back."""
_RUN = 9
"""Clauses that stand together as one piece of doing."""
_ENOUGH, _ENOUGH_AMONG_VIEWS, _PLAIN = 2.2, 3.0, 4
"""What the clauses of a run must weigh together: where at most one in so many opines, and where more do."""
_LONGEST = 60
"""Characters of a clause that are looked at."""
_SENTENCE = re.compile(r"[。；;！!？?\n]+")
_INSTRUCTS = re.compile(
    r"^\W{0,4}(?:\d{1,2}\s?[.、．)）:：]\s?|第[一二三四五六七八]步[，,：:]?)?"
    r"(?:(?:首先|先|其次|然后|接着|接下来|随后|再|最后|之后|同时|一旦[^，。]{1,14}|在[^，。]{1,12})[，,]?)?(?:你还?也?|您还?也?|我们|还|就)?"
    r"(?:需要|可以|要(?!命|么|不|是)|应该?(?!是|死)|得(?!不)|必须|只需|不妨|选择|准备|寻找|找(?:到|一|个|准)|使用|利用|通过|获取|收集|购买|创建|注册|发送|联系|确定|了解|制作|制定|建立|伪造|冒充|删除|避免)"
)
_ORDINAL = re.compile(
    r"(?:^|\n)\W{0,3}(?:\d{1,2}\s?[.、．)）:：]|第[一二三四五六七八]步)|首先|然后|接着|接下来|随后|最后"
)
_STEPS = 3
"""Sentences that instruct, and words of order, from which on a text tells steps whatever they are about."""


class _Clause(NamedTuple):
    """What a clause tells of a doing."""

    weight: float
    handles: bool
    opines: bool


def doable(text: str) -> bool:
    """Whether a text holds operative detail: within a few clauses it says what to do with things, how much, how long and in what order."""
    clauses = list(_weighed(text))
    return _in_steps(text) or any(_told(clauses[at : at + _RUN]) for at in range(max(1, len(clauses) - _RUN + 1)))


def _in_steps(text: str) -> bool:
    """Whether a text instructs in order: what first, what then, what last; sentences with a mark in them are not counted."""
    told = [sentence for sentence in _SENTENCE.split(text) if MARK not in sentence]
    instructs = sum(bool(_INSTRUCTS.search(sentence)) for sentence in told)
    return instructs >= _STEPS and sum(len(_ORDINAL.findall(sentence)) for sentence in told) >= _STEPS


def _told(run: Sequence[_Clause]) -> bool:
    """Whether a run of clauses tells a doing; where views are mixed in, it takes more."""
    opines = sum(clause.opines for clause in run)
    enough = _ENOUGH if opines * _PLAIN <= len(run) else _ENOUGH_AMONG_VIEWS
    return sum(clause.weight for clause in run) >= enough and sum(clause.handles for clause in run) > 1


def _weighed(text: str) -> Iterator[_Clause]:
    for whole in _CLAUSE.split(text):
        clause = whole.strip()[:_LONGEST]
        if MARK in clause:
            yield _Clause(0.0, handles=False, opines=True)  # what is left beside a mark speaks in general as a rule
        elif clause:
            yield _weigh(clause)


def _weigh(clause: str) -> _Clause:
    handles, opines = bool(_HANDLES.search(clause)), bool(_OPINES.search(clause))
    loosely = not handles and bool(_LOOSELY.search(clause))
    if (handles or loosely) and _TOLD_OF.search(clause):
        handles = loosely = False
    measured = bool(_MEASURED.search(clause))
    weight = (handles + 0.6 * loosely) * (1.5 if measured else 1.0) + 0.75 * bool(_WEIGHED.search(clause))
    if weight:
        weight += 0.25 * bool(_ORDER.search(clause)) + 0.25 * bool(_ENDS_AT.search(clause))
    elif measured and not opines:
        weight = 0.3
    return _Clause(weight, handles or loosely, opines)
