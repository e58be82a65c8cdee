"""Who there is: every table of this part, by its noun."""

from people.models.appointment import SERVING, Appointment, Role
from people.models.attempt import Attempt
from people.models.code import OneTimeCode
from people.models.contact import Contact
from people.models.department import Department
from people.models.link import SignInLink
from people.models.person import Person
from people.models.shift import Shift, count_on_duty, on_duty
from people.models.sign_in import SignIn
from people.vault import VaultItem

__all__ = [
    "SERVING",
    "Appointment",
    "Attempt",
    "Contact",
    "Department",
    "OneTimeCode",
    "Person",
    "Role",
    "Shift",
    "SignIn",
    "SignInLink",
    "VaultItem",
    "count_on_duty",
    "on_duty",
]
