"""Words of danger, of complaint and of what is private: both what must be heard and what must not ring."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.words import complaint, danger, sensitive


@pytest.mark.parametrize(
    "text",
    [
        "救命！有人要杀我",
        "救 命 啊",
        "救\u200b命",
        "有人拿刀在我家门口，快来人",
        "有人正在砸我家的门",
        "楼下着火了，好大的烟",
        "我家真着火了，消防车还没到",
        "我被困在电梯里半小时了",
        "老公正在打我",
        "家里燃气泄漏，味道很大",
        "有个男人一直尾随我，我在青松路",
        "孩子锁在车里了，怎么办",
        "有人落水了！在昆河桥下",
        "路口有人打架，打起来了",
        "去年他打过我。现在他又在门口，拿着刀，快来",
        "感谢民警上次帮忙。现在有人持刀堵在门口！",
        "Help, he has a knife and he is trying to kill me",
        "我被关在钢铁大街一个房间里",
    ],
)
def test_present_danger_is_heard(text):
    assert "danger" in danger(text)


@pytest.mark.parametrize(
    "text",
    [
        "路口的红绿灯一直闪黄灯",
        "谢谢民警的救命之恩，送上锦旗",
        "这是我爸的救命钱，请帮忙追回",
        "去年有人拿刀砍人，案子判了吗",
        "昨天楼下着火了，消防通道被车堵着，建议整治",
        "万一着火了消防车根本进不来",
        "社区举办反诈宣传和防溺水讲座",
        "新闻里说有人抢劫了银行，是谣言吗",
        "感谢交警在我被困在车里的时候及时赶到",
        "打我电话 199 0000 2207 就行",
        "三年前我被打，鉴定是轻伤，怎么查案卷",
        "清仓跳楼价，商家喇叭扰民",
        "请解救我们这些被欠薪的工人",
        "救命通道被私家车占了",
        "小区外面在砸墙装修，噪音大",
        "如果有人拿刀怎么办，学校有预案吗",
        "货车停在消防栓前面，真着火了怎么办？",
        "怎么办理身份证？现在可以预约吗",
        "有人打人的视频是真的吗？听说抓获了",
    ],
)
def test_what_is_past_imagined_or_thanked_for_does_not_ring(text):
    assert danger(text) == set()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("我躲在衣柜里，不敢出声", {"danger", "cannot_speak"}),
        ("有人闯进我家，我不敢说话", {"danger", "cannot_speak"}),
        ("我是聋哑人，有人正在撬我家的门", {"danger", "cannot_speak"}),
        ("聋哑人怎么考驾照", set()),
        ("上班不方便打电话，请发短信答复", set()),
        ("邻居太凶，大家不敢说话", set()),
    ],
)
def test_who_cannot_speak_is_told_of_the_silent_alarm(text, kinds):
    assert danger(text) == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("我不想活了", {"suicide"}),
        ("真的想自杀，没人管我", {"suicide"}),
        ("活着没意思，写好了遗书", {"suicide"}),
        ("我真的活不下去了", {"suicide"}),
        ("有人要跳楼，在华龙大厦楼顶", {"danger", "suicide"}),
        ("她刚吃了一瓶安眠药", {"danger", "suicide"}),
        ("I want to kill myself", {"suicide"}),
        ("想死你了，老同学", set()),
        ("封路以后我们店的生意活不下去了", set()),
        ("预防自杀的热线是多少", set()),
        ("去年有人要跳楼，现场是怎么救下来的", set()),
        ("我还不想死，快救救孩子的学校", set()),
        ("热死了，公交车不开空调", set()),
    ],
)
def test_thoughts_of_suicide_are_heard_and_sayings_are_not(text, kinds):
    assert danger(text) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "我刚刚转账 5000 元，才发现是骗子",
        "十分钟前给对方转了三万。他把我拉黑了",
        "刚被骗了两万块，钱还能追回来吗",
        "今天有人冒充客服，让我把钱汇款到安全账户，我汇了",
        "刚给“领导”打款 8 万，感觉不对劲",
        "I just transferred the money, it is a scam",
    ],
)
def test_money_that_has_just_gone_can_still_be_stopped(text):
    assert "transfer" in danger(text)


@pytest.mark.parametrize(
    "text",
    [
        "去年被骗了两万，案子什么时候能退钱",
        "刚给房东转账，押金收据怎么开",
        "请多做诈骗宣传，今天又有老人转账",
        "今天差点被骗转账，谢谢反诈中心",
        "这个短信是不是诈骗？让我今天扫码",
        "上个月被骗 5 万，已经立案，现在进展如何",
    ],
)
def test_old_fraud_and_teaching_are_no_emergency(text):
    assert "transfer" not in danger(text)


@pytest.mark.parametrize(
    "text",
    [
        "我要投诉昆河分局的民警",
        "投诉@交警支队 不作为",
        "派出所不作为，去了三次都没人理",
        "警察打人！",
        "那个民警收了商家的钱",
        "交警态度很差，还骂人",
        "报警三次没人来",
        "我报案，派出所不给立案",
        "有警不接是什么道理",
        "辅警吃拿卡要",
        "青松派出所和赌场勾结",
        "@交警支队不作为",
        "怎么投诉一个警官",
        "投\u200b诉民警",
        "The police refused to help me",
    ],
)
def test_a_complaint_about_the_police_is_noticed(text):
    assert complaint(text)


@pytest.mark.parametrize(
    "text",
    [
        "投诉小区广场舞噪音",
        "邻居打人，民警赶来处理得很好",
        "感谢交警，态度很好",
        "物业不作为，向派出所反映后解决了",
        "请@交警支队 对面停车场乱收费管管",
        "请交警严查酒驾，不管白天还是晚上",
        "楼上装修扰民，投诉到派出所了",
        "这不是投诉，只是想问民警几点上班",
        "法院不立案怎么办",
        "城管暴力执法谁管",
        "举报有人在公园赌博，请民警来看看",
        "派出所几点上班，身份证要带什么",
        "楼道堆满纸箱，@老街派出所 管不管？",
        "民警您好，邻居骂我，怎么办",
    ],
)
def test_other_complaints_and_thanks_are_left_alone(text):
    assert not complaint(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我奶奶走失了，穿红色上衣", "missing"),
        ("女儿离家出走两天了", "missing"),
        ("孩子放学到现在没回家", "missing"),
        ("联系不上我妈妈了", "missing"),
        ("地铁上被人猥亵", "sexual"),
        ("老公家暴我", "domestic"),
        ("我爸爸经常打我妈", "domestic"),
        ("孩子在学校被同学打了", "minor"),
        ("女儿被老师体罚", "minor"),
        ("14岁的侄子被人勒索", "minor"),
        ("邻居是精神病人，没人看管", "health"),
        ("我得了抑郁症，怎么办残疾证", "health"),
        ("我妈妈查出肺癌，异地户口怎么报销", "health"),
    ],
)
def test_what_touches_a_persons_private_life_is_noticed(text, kind):
    assert sensitive(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "路口红绿灯坏了，孩子上学很危险",
        "给孩子办身份证要带什么",
        "我家金毛走失了",
        "钱包找不到了",
        "快递不见了，联系不上客服",
        "医院门口乱停车",
        "强拆队家暴征地".replace("家暴征", "暴力征"),
        "这种做法是强奸民意",
        "新生儿怎么落户",
        "小区充电桩容易让小孩受伤",
        "基站辐射会得癌症吗",
        "戒毒局的宿舍怎么供热",
        "广场舞噪音影响学生学习",
    ],
)
def test_everybodys_matters_stay_public(text):
    assert sensitive(text) is None


def test_a_missing_child_is_first_of_all_missing():
    assert sensitive("孩子被同学打了以后离家出走") == "missing"


@given(st.text())
def test_no_text_breaks_the_questions(text):
    danger(text)
    complaint(text)
    sensitive(text)


@pytest.mark.parametrize(
    "piece", ["刚", "我", "民警", "投诉", "孩子", "他", "有人", "@支", "救命", "报警", "a ", "。"]
)
def test_a_large_paste_takes_little_time(piece):
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    danger(text)
    complaint(text)
    sensitive(text)
    assert time.process_time() - started < 5
