"""Who there is: every table of this part, by its noun."""

from people.models.appointment import SERVING, Appointment, Role
from people.models.attempt import Attempt
from people.models.calendar_feed import CalendarFeed
from people.models.code import OneTimeCode
from people.models.consent import Consent
from people.models.contact import Contact
from people.models.deletion import Deletion
from people.models.department import Department
from people.models.export import Export
from people.models.hand_over import HandoverNote
from people.models.invitation import Invitation
from people.models.known_device import KnownDevice
from people.models.link import SignInLink
from people.models.passkey import Passkey, SpentChallenge
from people.models.person import Person
from people.models.recovery_code import RecoveryCode
from people.models.rotation import DutyWindow, Override, Publication, Rotation, RotationMember
from people.models.shift import Shift, count_on_duty, on_duty, told_with
from people.models.sign_in import SignIn
from people.vault import VaultItem

__all__ = [
    "SERVING",
    "Appointment",
    "Attempt",
    "CalendarFeed",
    "Consent",
    "Contact",
    "Deletion",
    "Department",
    "DutyWindow",
    "Export",
    "HandoverNote",
    "Invitation",
    "KnownDevice",
    "OneTimeCode",
    "Override",
    "Passkey",
    "Person",
    "Publication",
    "RecoveryCode",
    "Role",
    "Rotation",
    "RotationMember",
    "Shift",
    "SignIn",
    "SignInLink",
    "SpentChallenge",
    "VaultItem",
    "count_on_duty",
    "on_duty",
    "told_with",
]
