"""Words that change what happens to a post before anybody reads it.

Three questions are asked of a text: does somebody need help at this moment, does it complain about the police, does it tell
of something that should not stand in public. The lists are plain phrases; `…` in a phrase stands for up to
twelve characters within the sentence. They ask and protect, they never report anybody and never refuse a post.

Missing a cry for help is worse than a card shown for nothing; but a card for nothing also takes a post out of public
sight, so what is past, imagined, taught or thanked for is told apart.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from board.text import fold

__all__ = ["URGENT", "Danger", "Sensitive", "complaint", "danger", "sensitive"]

Danger = Literal["danger", "cannot_speak", "suicide", "transfer"]
# Somebody may come to harm at this moment: such words in the desk's own section are for the desk alone.
URGENT: frozenset[Danger] = frozenset({"danger", "cannot_speak", "suicide"})
Sensitive = Literal["missing", "sexual", "domestic", "minor", "health"]

_SENTENCE = re.compile(r"[。!?;\n]+")
_INNER_SPACE = re.compile(r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])")
_GAP = ".{0,12}?"


def _any(*lists: tuple[str, ...], gap: str = _GAP) -> re.Pattern[str]:
    phrases = [fold(phrase.replace("…", "\ue000")).text for words in lists for phrase in words]
    return re.compile("|".join(re.escape(phrase).replace("\ue000", gap) for phrase in phrases))


# ---------------------------------------------------------------- present danger

# Sayings that hold a word of danger and mean none; taken out before anything else is looked at.
HARMLESS = (
    "真着火了怎么办", "真着火了谁", "真起火了怎么办", "着火了谁负责", "救命恩人", "救命之恩", "救命钱", "救命药", "救命稻草", "救命通道", "跳楼价", "跳楼机", "跳楼甩卖", "跳楼大甩卖",
    "想死你", "想死您", "不想死", "想死的心", "让人想死", "累得想死", "热得想死", "不想活得", "着火点", "防溺水", "预防溺水", "自杀式",
    "自残式", "打架子", "打我电话", "打我手机", "打我的电话", "打我的手机", "追我的快递", "持枪证", "开枪子", "电话打我",
    "救命的", '救命"路', "救命路", "救命保命", "救命车", "解救我", "挽救我", "抢救我", "救救我们村", "救救我们小区", "救救我村", "救一救我们", "救救我们这", "救救我们几", "救救我们生活", "救救我们的", "解救我们", "拯救我",
)  # fmt: skip

# A cry that means now by itself.
CRIES = (
    "救命", "救救我", "救我", "快来救", "快来人", "快派人", "帮我报警", "帮忙报警", "替我报警", "快报警", "要杀我", "要杀了我", "要杀人",
    "要打死我", "要砍我", "要捅我", "要弄死我", "正在打我", "在打我", "正在砍", "正在砸", "正在撬", "正在追我", "正在行凶", "正在伤人",
    "正在杀人", "正在打人", "正在抢", "正在打架", "还在打架", "打起来了", "我被绑架", "我被劫持", "我被关在", "我被拘禁", "我被非法拘禁",
    "我被控制了", "我…被跟踪", "跟踪我", "尾随我", "在撬…门", "在砸…门", "在踹…门",
    "trying to kill me", "going to kill me", "breaking into my", "being followed", "i am kidnapped", "i have been kidnapped",
    "please call the police", "help me please", "please help me he", "has a knife", "has a gun",
    "我被困", "我们被困", "我被砍", "我被捅",
)  # fmt: skip

# An act that is danger if it happens now: it does not count where its sentence, or the story before it, is about the past.
ACTS = (
    "有人持刀", "有人拿刀", "有人拿着刀", "有人拿枪", "有人开枪", "拿着刀", "拿着菜刀", "持刀砍", "持刀伤人", "拿刀砍", "拿刀捅",
    "砍人了", "捅人了", "杀人了", "着火了", "起火了", "失火了", "冒浓烟", "煤气泄漏", "燃气泄漏", "天然气泄漏",
    "煤气漏了", "爆炸了", "有炸弹", "溺水了", "落水了", "掉水里", "掉进…河", "掉进…井", "掉冰窟", "被绑架", "被劫持", "被抢劫了", "有人抢劫",
    "有人闯进", "闯进…家", "有人撬", "有人砸…门", "有人在砸", "有人踹…门", "有人打架", "聚众斗殴", "锁在车里", "昏迷不醒", "没有呼吸", "没呼吸",
    "流了好多血", "流了很多血", "不省人事", "被拐", "人贩子",
    "被困在", "困在电梯", "人被砍", "被人砍", "被人捅",
)  # fmt: skip

# An act so common in old stories that it only counts beside a word of the present moment.
ACTS_NOW = (
    "被打",
    "打我",
    "打人",
    "追我",
    "堵在门口",
    "堵着门",
    "威胁我",
    "拿刀",
    "持刀",
    "砸我",
    "砸门",
    "撬门",
    "抢劫",
    "动手",
    "受伤",
    "流血",
)

# The present moment, strong enough to make an act count whatever else the story tells.
NOW = (
    "正在",
    "此刻",
    "这会儿",
    "现在有人",
    "现在就在",
    "现在他",
    "现在她",
    "现在还在",
    "快来",
    "快点来",
    "赶紧来",
    "赶快来",
    "马上来",
    "还没走",
    "还不走",
    "right now",
)

# Past, imagined, taught, thanked for: sentences that tell of danger without being in it.
ELSEWHEN = (
    "去年", "前年", "上个月", "上月", "上周", "上星期", "以前", "之前", "此前", "曾经", "曾", "当年", "小时候", "那年", "年前", "月前",
    "天前", "前几天", "前段时间", "前天", "昨天", "昨晚", "昨日", "昨夜", "前晚", "历史", "过去", "当时", "当天", "当晚", "后来", "上次", "那次",
    "那天", "事后", "事发", "经过", "已扑灭", "已经扑灭", "扑灭", "已抓", "已经抓", "抓获", "已被", "获救", "救了出来", "救出", "脱险", "没事了",
    "宣传", "演练", "演习", "讲座", "培训", "知识", "电影", "电视剧", "新闻", "视频里", "网上", "听说", "谣言", "传言", "小说", "游戏",
    "谢谢", "感谢", "表扬", "锦旗", "点赞", "如果", "假如", "万一", "要是", "倘若", "一旦", "建议", "预防", "防范", "避免", "防止", "隐患",
    "容易", "可能会", "会不会", "担心", "害怕会", "怕会", "风险", "案", "判决", "法院", "法医", "鉴定",
    "last year", "last month", "last week", "yesterday", "thank",
)  # fmt: skip

# ---------------------------------------------------------------- who cannot speak (12110)

# Hiding and keeping silent is danger by itself.
HIDING = (
    "不敢出声", "不能出声", "不敢发出声音", "不敢大声说话", "怕被听见", "怕他听见", "怕他听到", "怕被他听", "我…躲在柜", "我…躲在衣柜", "我…躲在床",
    "我…躲在厕所", "我…躲在卫生间", "我…躲在洗手间", "我…躲在房间", "我…躲在屋里", "hiding in the", "hiding from him",
)  # fmt: skip
# Cannot speak for any reason: matters only together with danger; many just prefer a message to a call.
SPEECHLESS = (
    "不敢说话", "不能说话", "不方便说话", "没法说话", "无法说话", "说不了话", "不会说话", "不敢打电话", "不能打电话", "没法打电话", "无法打电话", "打不了电话",
    "不方便打电话", "聋哑", "听障", "听力残疾", "言语残疾", "哑人", "听不见", "cannot speak", "can't speak", "can't talk", "cannot talk", "deaf",
)  # fmt: skip

# ---------------------------------------------------------------- thoughts of suicide (12356)

SUICIDAL = (
    "想自杀", "要自杀", "准备自杀", "打算自杀", "自杀的念头", "自杀的想法", "自杀念头", "不想活", "活够了", "不想再活", "想死", "想结束…生命", "结束自己",
    "想轻生", "要轻生", "轻生的念头", "轻生念头", "想跳楼", "想跳河", "想跳桥", "活着没意思", "活着没…意义", "活着没有意义", "活着没什么意思", "不如死了",
    "死了算了", "死了一了百了", "一了百了", "告别这个世界", "离开这个世界", "写好了遗书", "写了遗书", "写遗书", "留下遗书", "我…活不下去", "自残",
    "want to kill myself", "kill myself", "want to die", "commit suicide", "end my life",
)  # fmt: skip
# Somebody is doing it: danger as well.
SUICIDE_ACTS = (
    "正在自杀", "要跳楼", "准备跳楼", "站在楼顶", "坐在楼顶", "要跳河", "要跳桥", "要跳江", "割腕", "吞…安眠药", "吃了…安眠药", "喝了…农药", "喝农药",
    "开煤气自杀", "烧炭自杀",
)  # fmt: skip
# Talk about suicide, or a business that cannot live.
NO_SUICIDE = (
    "宣传", "讲座", "新闻", "电影", "电视剧", "小说", "预防", "干预", "去年", "前年", "年前", "听说", "感谢", "谢谢", "劝下来", "救下来", "获救", "公证",
    "生意", "店", "商户", "企业", "公司", "厂", "讨薪", "谣言", "防护网", "建议",
)  # fmt: skip
_SUICIDE_NOW = ("现在", "真的", "今晚", "马上", "此刻", "就在", "正在")

# ---------------------------------------------------------------- money just sent to a swindler (96110)

JUST = (
    "刚刚", "刚才", "刚转", "刚给", "刚把", "刚汇", "刚被", "刚付", "刚充", "才转", "才发现", "今天", "今早", "今晚", "分钟前", "小时前", "钟头前",
    "正在转", "还在转", "现在", "just",
)  # fmt: skip
PAID = (
    "转账", "转帐", "转了", "转给", "转过去", "转走", "汇款", "汇了", "汇给", "打款", "打钱", "打了…元", "打了…块", "打了…万", "付款", "付了", "充值", "充了",
    "扫码", "刷走", "划走", "扣走", "被骗了…元", "被骗了…块", "被骗了…万", "被骗…元", "被骗…块", "被骗…万", "刷单", "transferred", "sent…money", "paid",
)  # fmt: skip
SWINDLE = (
    "骗", "诈", "冒充", "假客服", "假警察", "拉黑", "不对劲", "联系不上了", "不回消息", "杀猪盘", "安全账户", "刷单", "返利", "scam", "fraud", "swindle", "cheat",
)  # fmt: skip
# Old cases, teaching, and questions how a case goes on.
NO_TRANSFER = (
    "宣传", "讲座", "培训", "知识", "提醒大家", "提醒市民", "去年", "前年", "上个月", "上月", "上周", "年前", "个月前", "天前", "前几天", "前段时间", "已立案", "已经立案",
    "立案…进展", "案件进展", "案子进展", "什么时候能退", "返还", "听说", "新闻", "差点", "险些", "没有转", "没转", "未转", "谢谢", "感谢", "怎么防", "如何防", "防范",
    "如果", "要是", "万一", "是不是诈骗",
)  # fmt: skip

_HARMLESS = _any(HARMLESS)
_CRIES = _any(CRIES)
_ACTS = _any(ACTS)
_ACTS_NOW = _any(ACTS_NOW)
_NOW = _any(NOW)
_ELSEWHEN = _any(ELSEWHEN)
_HIDING = _any(HIDING)
_SPEECHLESS = _any(SPEECHLESS)
_SUICIDAL = _any(SUICIDAL)
_SUICIDE_ACTS = _any(SUICIDE_ACTS)
_NO_SUICIDE = _any(NO_SUICIDE)
_OF_NOW = _any(_SUICIDE_NOW)
_JUST = _any(JUST)
_PAID = _any(PAID)
_SWINDLE = _any(SWINDLE)
_NO_TRANSFER = _any(NO_TRANSFER)


def _sentences(text: str) -> list[str]:
    folded = _INNER_SPACE.sub("", fold(text).text)
    return [sentence for sentence in _SENTENCE.split(folded) if sentence.strip()]


def danger(text: str) -> set[Danger]:
    """What help a text asks for at this moment; empty for nearly every post.

    `danger`: call 110. `cannot_speak`: text 12110. `suicide`: 12356 listens. `transfer`: money has just gone to a
    swindler, 96110 can still stop it.
    """
    kinds: set[Danger] = set()
    speechless = False
    past = False
    sentences = [_HARMLESS.sub("\x00", sentence) for sentence in _sentences(text)]
    for sentence in sentences:
        elsewhen = _ELSEWHEN.search(sentence) is not None
        now = _NOW.search(sentence) is not None
        past = past or elsewhen
        speechless = speechless or _SPEECHLESS.search(sentence) is not None
        if (
            (_CRIES.search(sentence) and (now or not elsewhen))
            or (_ACTS.search(sentence) and (now or not past))
            or (now and _ACTS_NOW.search(sentence) and not elsewhen)
        ):
            kinds.add("danger")
        if _HIDING.search(sentence) and (now or not elsewhen):
            kinds |= {"danger", "cannot_speak"}
        if not _NO_SUICIDE.search(sentence) or _OF_NOW.search(sentence):
            if _SUICIDE_ACTS.search(sentence) and (now or not elsewhen):
                kinds |= {"danger", "suicide"}
            elif _SUICIDAL.search(sentence):
                kinds.add("suicide")
    if speechless and "danger" in kinds:
        kinds.add("cannot_speak")
    if _money_just_went(sentences):
        kinds.add("transfer")
    return kinds


def _money_just_went(sentences: list[str]) -> bool:
    """Paid just now, and swindled: within one sentence and the next, because people tell it in two breaths."""
    for first, second in pairwise([*sentences, ""]):
        told = first + "。" + second
        if (
            _PAID.search(told)
            and _JUST.search(told)
            and _SWINDLE.search(told)
            and not _NO_TRANSFER.search(told)
        ):
            return True
    return False


# ---------------------------------------------------------------- complaints about the police

POLICE = (
    "警察", "民警", "交警", "辅警", "协警", "巡警", "特警", "刑警", "片警", "户籍警", "警官", "警员", "警方", "派出所", "公安", "刑侦", "治安支队", "户政", "出入境", "警务", "车管所",
    "police",
)  # fmt: skip
# About the police whoever is named.
POLICE_FAULTS = (
    "有警不接", "接警不处", "不出警", "没出警", "没有出警", "未出警", "黑警", "警匪一家", "刑讯逼供", "报警…没人管", "报警…没人来", "报警…无人", "报警…不管", "报警…不来",
    "报警…不受理", "报案…不受理", "报案…不管", "police brutality",
)  # fmt: skip
# Faults of the police as of other offices; not counted where one of those is the only one named.
SHARED_FAULTS = (
    "有案不立", "立案不查", "不予立案", "不给立案", "不立案", "拒绝立案", "屈打成招", "执法犯法", "钓鱼执法", "暴力执法", "粗暴执法",
)  # fmt: skip
OTHER_OFFICES = (
    "法院",
    "仲裁",
    "城管",
    "税务",
    "市监",
    "监察",
    "运管",
    "路政",
    "劳动",
    "环保",
    "国土",
    "住建",
)
# What an officer or a unit may be accused of; counts where it follows them closely.
FAULTS = (
    "不作为", "乱作为", "慢作为", "打人", "打我", "打了我", "动手", "殴打", "骂人", "骂我", "辱骂", "收钱", "收了…钱", "收受", "收红包", "收好处", "受贿", "索要", "索贿",
    "吃拿卡要", "好处费", "态度恶劣", "态度差", "态度很差", "态度极差", "态度非常差", "态度太差", "态度不好", "态度蛮横", "态度生硬", "推诿", "推脱", "推来推去", "踢皮球",
    "不管", "不闻不问", "不理", "不处理", "不受理", "不解决", "不办事", "敷衍", "包庇", "偏袒", "勾结", "保护伞", "滥用职权", "徇私", "枉法", "渎职", "失职", "违纪",
    "乱罚款", "乱收费", "刁难", "拖着不办", "迟迟不", "不接电话", "没人接电话", "私放", "泄露", "执法不公", "断案不公", "办案不公", "处理不公", "懒政", "不公正", "corrupt", "bribe", "beat", "rude", "refused",
)  # fmt: skip
# Who is complained about follows the word at once; "投诉到派出所" complains to them, not about them.
REPORTING = ("投诉", "举报", "控告", "检举", "我要告", "反映", "complain…about", "complaint…about")
NO_COMPLAINT = (
    "管不管", "理不理", "处不处理", "受不受理", "解不解决", "投诉到", "投诉给", "投诉至", "举报到", "举报给", "举报至", "反映到", "反映给", "反映至", "反映后", "投诉后", "举报后", "不是投诉", "不投诉", "并非投诉", "没有投诉",
    "不管是", "不管怎", "不管什么", "不管哪", "不管白天", "不理解", "不理想", "没有收钱", "没收钱", "不收钱", "一分钱不收", "没有打人", "态度很好",
)  # fmt: skip

_POLICE_WORDS = "|".join(fold(word).text for word in POLICE)
_FAULT_WORDS = _any(FAULTS, gap=".{0,4}?").pattern
_NO_COMPLAINT = _any(NO_COMPLAINT)
_POLICE_FAULTS = _any(POLICE_FAULTS, gap=".{0,8}?")
_SHARED_FAULTS = _any(SHARED_FAULTS)
_OTHER_OFFICES = _any(OTHER_OFFICES)
_POLICE = re.compile(_POLICE_WORDS)
_REPORTED = re.compile(
    f"(?:{_any(REPORTING).pattern})[^,.、:到给至向]{{0,10}}?@?[^,.、:到给至向]{{0,6}}?(?:{_POLICE_WORDS})"
)
_CALLED = re.compile(r"@\w{0,8}?(?:支队|大队|中队|派出所|分局|公安局|交警|公安)(?:支队|大队|中队)?")
_CALLED_FAULT = re.compile(f"{_CALLED.pattern}.{{0,2}}?(?:{_FAULT_WORDS})")
# Between an officer and his fault nobody else acts: "民警赶来处理打人的事" accuses nobody.
_HANDLING = "处理|处置|抓|带走|制止|调解|查处|严查|打击|管管|管一管|帮|赶到|赶来|及时|来了|希望|建议|请|求|对于|针对|查获|接到|有人|邻居|对方"
_ACCUSED = re.compile(f"(?:{_POLICE_WORDS})((?:(?!{_HANDLING})[^,.、:]){{0,10}}?)(?:{_FAULT_WORDS})")


def complaint(text: str) -> bool:
    """Whether a text seems to complain about the police, so that its poster is asked who shall read it."""
    for sentence in _sentences(text):
        told = _NO_COMPLAINT.sub("\x00", sentence)
        if _POLICE_FAULTS.search(told) or _REPORTED.search(told) or _CALLED_FAULT.search(told):
            return True
        if _SHARED_FAULTS.search(told) and (_POLICE.search(told) or not _OTHER_OFFICES.search(told)):
            return True
        # A department that is called for help is not the one that is accused.
        if _ACCUSED.search(_CALLED.sub(",", told)):
            return True
    return False


# ---------------------------------------------------------------- what should not stand in public

_KIN = "孩子|小孩|儿子|女儿|学生|老人|老太|老头|大爷|大妈|奶奶|爷爷|姥姥|姥爷|父亲|母亲|爸|妈|丈夫|妻子|老公|老婆|弟弟|妹妹|哥哥|姐姐|家人|朋友|同学|男孩|女孩|(?<!其)他|她"
MISSING = re.compile(
    rf"走失|失踪|走丢|离家出走|寻人启事|帮.{{0,6}}寻人|(?:{_KIN}).{{0,8}}?(?:失联|不见了|找不到了?$|没回家|没有回家)"
    rf"|联系不上.{{0,4}}?(?:{_KIN})|(?:{_KIN}).{{0,6}}?联系不上|missing (?:person|child)"
)
# Pets and things get lost too, and that may be told to everybody.
NOT_MISSING = re.compile(
    r"狗|猫|宠物|金毛|泰迪|鹦鹉|钱包|手机|行李|快递|身份证|档案|平台|客服|老板|开发商|中介|商家|房东|物业|公司|教练|资金"
)
SEXUAL = re.compile(
    r"强奸(?!式|民意)|强暴|性侵(?!占|入|略|蚀)|猥亵|性骚扰|迷奸|轮奸|裸照|裸聊|偷拍.{0,6}?(?:裙|洗澡|换衣|厕所|女)|摸我|露阴|性虐|\brape|sexual"
)
DOMESTIC = re.compile(
    r"家暴(?!征|拆|力征|力拆)|家庭暴力|(?:老公|丈夫|前夫|男友|男朋友|妻子|老婆|前妻|公公|婆婆|继父|继母|爸爸|父亲|儿子|儿媳).{0,8}?(?:打我|殴打|虐待|掐我|打了我|打我妈|打孩子|打老人|动手打)"
    r"|(?:被|遭).{0,3}?(?:老公|丈夫|前夫|男友|男朋友|妻子|老婆|父亲|继父|继母|儿子).{0,4}?打|虐待(?:老人|孩子|儿童|妻|父母)|打老婆|domestic violence"
)
MINOR = re.compile(
    r"(?:孩子|小孩|儿子|女儿|学生|未成年|儿童|幼儿|女童|男童|男孩|女孩|侄子|侄女|孙子|孙女|(?<![0-9])(?:[1-9]|1[0-7])岁).{0,10}?"
    r"(?:被打|挨打|被.{0,4}?打(?!了?预防|针|疫苗)|欺负|霸凌|欺凌|虐待|虐童|勒索|恐吓|被.{0,6}?威胁|打架|偷窃|偷东西|偷了|偷钱|受伤|怀孕|网贷|辍学|被拐|体罚|抑郁"
    r"|骚扰|拘留|犯罪|吸毒|自伤|自残|跟踪|尾随)|校园(?:霸凌|欺凌|暴力)|拐卖"
)
# Schools, roads and dust around children are everybody's matter, and so is what might happen one day.
NOT_MINOR = re.compile(
    r"噪音|噪声|扬尘|污染|油烟|甲醛|红绿灯|斑马线|宣传|讲座|电动车|路口|疫苗|容易|易受伤|隐患|可乘之机|如果|万一|避免|防止|留守|设施"
)
HEALTH = re.compile(
    r"艾滋|\bhiv\b|精神病人|精神分裂|精神疾病|抑郁症|躁郁|癫痫|梅毒|(?<![男女慢急恶良])性病(?!变)|(?:怀孕|孕妇|人工|先兆|自然|导致).{0,8}?流产|堕胎"
    r"|(?:人|我|他|她|儿|女|妻|夫|父|母).{0,4}?自杀|吸毒|戒毒(?!局|所|工作)|遗传病"
    r"|(?:我|(?<!其)他|她|父亲|母亲|爸|妈|妻子|丈夫|老公|老婆|孩子|儿子|女儿|老人|邻居|家人|病人|患者).{0,8}?"
    r"(?:患有|患了|得了|确诊|诊断为|查出).{0,10}?(?:病|癌|症|瘤|炎)|(?:尿毒症|白血病|癌症|肿瘤)(?:病人|患者|晚期|中期)"
)
NOT_HEALTH = re.compile(
    r"医院(?:门口|附近|旁|周边|对面)|宣传|讲座|预防|致癌|患癌|会得|导致.{0,6}?癌|癌症村|村民|居民|下一代|参与|辐射|污染|基站|甲醛|变电站|垃圾"
)


def sensitive(text: str) -> Sensitive | None:
    """Why a text should be read by its department only unless the poster says otherwise; None for most.

    In this order: a missing person, sexual violence, violence at home, a minor drawn into something, somebody's health.
    """
    sentences = _sentences(text)
    questions: tuple[tuple[Sensitive, re.Pattern[str], re.Pattern[str] | None], ...] = (
        ("missing", MISSING, NOT_MISSING),
        ("sexual", SEXUAL, None),
        ("domestic", DOMESTIC, None),
        ("minor", MINOR, NOT_MINOR),
        ("health", HEALTH, NOT_HEALTH),
    )
    for kind, words, unless in questions:
        if any(words.search(sentence) and not (unless and unless.search(sentence)) for sentence in sentences):
            return kind
    return None
