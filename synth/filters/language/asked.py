"""What form an answer was asked for in: another language, notation that is no language, a refrain. Told from the request, not the answer."""

import re

_LANGUAGE = re.compile(
    r"[英日法德韩俄泰意粤葡西][语語文](?!气|氣|言|章|化|明|字|学|學|件|具|艺|藝|案|本|科)|外[语語文]|(?:拉丁|西班牙|葡萄牙|阿拉伯|意大利|越南|印地|希腊|世界|法兰西|土耳其|荷兰|波兰)[语語文]|[双雙][语語]|拼音|注音"
    r"|翻[译譯]|[译譯][成为為]|[单單][词詞]|[词詞]性|[时時][态態]|[复複][数數]形式|(?<![a-z])(?:english|japanese|french|german|korean|russian|spanish|translate)",
    re.IGNORECASE,
)
_NOTATION = re.compile(
    r"代[码碼]|[编編][程写寫码碼]|解[码碼密]|加密|密[码碼文钥]|程序|程式|函[数數]|[脚腳]本|算法|正[则則]|公式|方程|表[达達]式|多[项項]式|符[号號]|表情|[颜顏]文字|字符|字母|[图圖](?:案|形|表)|化[学學][式方]|分子式"
    r"|摩[斯尔]|[进進]制|随机|隨機|序列|棋|曲[谱譜]|[简簡][谱譜]|和弦|命令|[链鏈][接結]|[网網][址站]|域名|[标標][签籤]|[缩縮][写寫]|名字|品牌|[歌乐樂][手队隊曲单單]|[计計]算|[证證]明|求[解导導]|[因分]式|[积積]分|矩[阵陣]|[数數][字列]|格式|表格|模板|[转轉][换換]"
    r"|(?<![a-z])(?:python|java|javascript|c\+\+|c#|go|rust|sql|html|css|json|xml|yaml|csv|markdown|latex|emoji|ascii|unicode|base64|hex|regex|shell|bash|linux|api|url|http|fen|pgn|dna|rna|win|git|docker|excel)(?![a-z])|[=＝]\s*[?？]|\d\s*[+×÷*/^]\s*\d|\\[a-z]{2,}",
    re.IGNORECASE,
)
_REFRAIN = re.compile(
    r"[歌诗詩][词詞]?|童[谣謠]|口[号號]|副歌|[绕繞]口令|[说說]唱|rap|[词詞]牌|念[经經]|重[复複]|[复複][述读讀]|[抄写寫]\s*\d+\s*遍|循[环環]",
    re.IGNORECASE,
)
_DIALOGUE = re.compile(
    r"[对對][话話白]|[剧劇]本|[话話][剧劇]|[台臺][词詞]|小品|相[声聲]|采[访訪]|採訪|[访訪][谈談]|[问問]答|[聊天]{2}[记記][录錄]|客服|扮演|模[拟擬]|[脚腳]本|故事|小[说說]|[续續][写寫]|[情场場]景|面[试試]|辩论|辯論|q\s?&\s?a|dialog|role.?play",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_OTHER = re.compile(r"[\u0370-\u06ff\u0e00-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_QUOTED = re.compile(r"[“\"'‘「『《（(:：][^“”\"'‘’「」『』《》（）()\n\u3400-\u9fff]{0,4}[A-Za-z\u00c0-\u024f]{2,}")
_SEVERAL, _FEW = 6, 4


def other_language(query: str) -> bool:
    """Whether an answer to a query may well be in another language: the query names one, holds material in one, or is in one."""
    words, others = len(_WORDS.findall(query)), len(_OTHER.findall(query))
    own = len(_HAN.findall(query))
    if _LANGUAGE.search(query) or _QUOTED.search(query):
        return True
    return words >= _SEVERAL or others > _FEW or own == 0 or 4 * words > own


def notation(query: str) -> bool:
    """Whether an answer to a query may well be notation, of which little is language: code, formulas, names, tables, signs."""
    return bool(_NOTATION.search(query))


def refrain(query: str) -> bool:
    """Whether an answer to a query may say the same again and again: a song, a slogan, lines to be repeated."""
    return bool(_REFRAIN.search(query))


def dialogue(query: str) -> bool:
    """Whether an answer to a query may hold both parts of a conversation: a scene, an interview, a chat, questions with answers."""
    return bool(_DIALOGUE.search(query))
