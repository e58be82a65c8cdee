"""What hangs on the wall: every table of the board, by its noun."""

from boards.models.appeal import Appeal
from boards.models.approval import Approval
from boards.models.assist import AssistTask
from boards.models.case import Case
from boards.models.deadline import Deadline
from boards.models.handover import Handover
from boards.models.holder import Holder
from boards.models.identity import IdentityOpening
from boards.models.instruction import Instruction
from boards.models.mention import Mention
from boards.models.moderation_act import ModerationAct
from boards.models.phrase import StockPhrase
from boards.models.rating import Rating
from boards.models.receipt import Receipt
from boards.models.report import Report
from boards.models.review_mark import ReviewMark, TextPrint
from boards.models.section import DayNumber, Section
from boards.models.status import OPEN, Outcome, Satisfaction, Solved, Status, Visibility
from boards.models.tally import Tally
from boards.models.text import Text, TextRevision
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.models.watch import Watch
from boards.models.watched_word import WatchedWord

__all__ = [
    "OPEN",
    "Appeal",
    "Approval",
    "AssistTask",
    "Case",
    "CaseEvent",
    "DayNumber",
    "Deadline",
    "Handover",
    "Holder",
    "IdentityOpening",
    "Instruction",
    "Mention",
    "ModerationAct",
    "Outcome",
    "Rating",
    "Receipt",
    "Report",
    "ReviewMark",
    "Satisfaction",
    "Section",
    "Solved",
    "Status",
    "StockPhrase",
    "Tally",
    "Text",
    "TextPrint",
    "TextRevision",
    "Thread",
    "Visibility",
    "Watch",
    "WatchedWord",
]
