"""What the inspectors keep: complaints, whom they accuse, the two tasks of each, and what they looked at."""

from complaints.models.accused import Accused
from complaints.models.complaint import Complaint
from complaints.models.draw import Draw
from complaints.models.former_parent import FormerParent
from complaints.models.inquiry import Inquiry
from complaints.models.look import Look
from complaints.models.reading import Reading
from complaints.models.recusal import Recusal
from complaints.models.statement import Statement

__all__ = [
    "Accused",
    "Complaint",
    "Draw",
    "FormerParent",
    "Inquiry",
    "Look",
    "Reading",
    "Recusal",
    "Statement",
]
