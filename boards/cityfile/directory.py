"""Who is who and where in one city file: the look-ups that checking and loading share."""

from __future__ import annotations

from boards.cityfile.entries import CityFile, DepartmentEntry, SectionEntry, ThreadEntry
from boards.grammar import NameBook, departments, find_mentions


class Directory:
    """Departments, sections, people and threads of a city file by their keys."""

    def __init__(self, city: CityFile) -> None:
        self.departments: dict[str, DepartmentEntry] = {each.key: each for each in city.department}
        self.sections: dict[str, SectionEntry] = {each.key: each for each in city.section}
        self.threads: dict[str, ThreadEntry] = {each.key: each for each in city.thread}
        self.desks = [each.key for each in city.department if each.is_desk]
        self.cast = {each.key for each in city.person}
        self.staff = {who for each in city.department for _role, who in each.staff.roles()}
        self.badges = {who for who in self.staff if who not in self.cast}
        self.members = {each.key for each in city.person if each.nickname} | set(city.citizens)
        self.names = NameBook([(each.key, name) for each in city.department for name in each.names()])

    def people(self) -> set[str]:
        """Everybody a step may name: the cast's keys, badge numbers, nicknames."""
        return self.cast | self.badges | self.members

    def above(self, department: str) -> list[str]:
        """A department and those above it, nearest first; a cycle or an unknown parent ends the list."""
        line: list[str] = []
        while department in self.departments and department not in line:
            line.append(department)
            department = self.departments[department].parent
        return line

    def serves(self, who: str, department: str | None) -> bool:
        """Whether `who` acts for the department: serves there, or leads it from above."""
        if department not in self.departments:
            return False
        return who in self.departments[department].staff.acting() or self.leads(who, department)

    def leads(self, who: str, department: str | None) -> bool:
        """Whether `who` is a leader of the department or of one above it."""
        return any(who in self.departments[each].staff.leader for each in self.above(department or ""))

    def leaders(self, department: str | None) -> tuple[str, ...]:
        """The leaders of exactly this department."""
        return self.departments[department].staff.leader if department in self.departments else ()

    def has_role(self, who: str, role: str) -> bool:
        """Whether `who` is appointed as `role` anywhere."""
        return any((role, who) in each.staff.roles() for each in self.departments.values())

    def publishes(self, who: str, section: SectionEntry) -> bool:
        """Whether `who` may hang notices and guides in the section."""
        home = section.default_department
        below = any(
            home in self.above(each.key) and who in each.staff.acting() for each in self.departments.values()
        )
        return below or self.leads(who, home) or self.has_role(who, "moderator")

    def first_lead(self, thread: ThreadEntry) -> str | None:
        """Who leads the thread's case at first: the first department mentioned, the one of its place, the section's."""
        mentioned = departments(find_mentions(f"{thread.title}\n{thread.body}", self.names))
        if mentioned:
            return mentioned[0]
        section = self.sections.get(thread.section)
        if section is None:
            return None
        if section.by_place and thread.place:
            for each in self.departments.values():
                if any(place in thread.place for place in each.places):
                    return each.key
        return section.default_department
