"""What the inspectors keep: complaints, whom they accuse, the two tasks of each, what they looked at and what they demand."""

from complaints.models.accused import Accused
from complaints.models.complaint import Complaint
from complaints.models.draw import Draw
from complaints.models.former_parent import FormerParent
from complaints.models.inquiry import Inquiry
from complaints.models.look import Look
from complaints.models.reading import Reading
from complaints.models.recusal import Recusal
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
    "Reading",
    "Recusal",
    "Statement",
    "SupervisionNumber",
    "SupervisionOrder",
    "UnitReview",
]
