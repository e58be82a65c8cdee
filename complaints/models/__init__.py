"""What the inspectors keep: complaints, whom they accuse, the two tasks of each, what they looked at, and what came to
them from ordinary cases."""

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

__all__ = [
    "Accused",
    "Complaint",
    "Draw",
    "FormerParent",
    "Inquiry",
    "Look",
    "PressureQuestion",
    "Reading",
    "Recusal",
    "Referral",
    "Reprisal",
    "Sealing",
    "Statement",
]
