"""What the inspectors keep: complaints, whom they accuse, the two tasks of each, what they looked at, what they demand, and
what came to them from ordinary cases."""

from complaints.models.accused import Accused
from complaints.models.complaint import Complaint
from complaints.models.draw import Draw
from complaints.models.former_parent import FormerParent
from complaints.models.inquiry import Inquiry
from complaints.models.look import Look
from complaints.models.pressure_question import PressureQuestion
from complaints.models.reading import Reading
from complaints.models.recusal import Recusal
from complaints.models.referral import Referral
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import Sealing
from complaints.models.statement import Statement
from complaints.models.supervision import OrderedCase, SupervisionNumber, SupervisionOrder
from complaints.models.unit_review import UnitReview

__all__ = [
    "Accused",
    "Complaint",
    "Draw",
    "FormerParent",
    "Inquiry",
    "Look",
    "OrderedCase",
    "PressureQuestion",
    "Reading",
    "Recusal",
    "Referral",
    "Reprisal",
    "Sealing",
    "Statement",
    "SupervisionNumber",
    "SupervisionOrder",
    "UnitReview",
]
