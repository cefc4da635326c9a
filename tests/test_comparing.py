"""What staff see beside a candidate, and what is proposed to be taken out of free text."""

from datetime import UTC, datetime

from hypothesis import given as for_all
from hypothesis import strategies as st
from test_search import ask, given, memory

from connectors.memory import MemoryConnector
from dsar.casework.comparing import Mention, Side, foreign_mentions, know, sides
from dsar.casework.context import CaseSubject
from dsar.declaration import parse_declaration
from dsar.model import IdentifierType
from dsar.search import search

FATIMA = CaseSubject(
    name="Fatima Hassan",
    identifiers=(),
    proven=(given("email", "fatima@example.se"),),
    followed=(given("phone", "070-174 06 33"),),
)
NOTES = """
name = "desk"
kind = "memory"
label = {sv = "Ärenden", en = "Tickets"}
[[object]]
name = "ticket"
label = {sv = "Ärende", en = "Ticket"}
key = "id"
activities = ["A4"]
person_name = ["name"]
find = [{by = "email", columns = ["mail"]}, {by = "name", columns = ["text"]}]
emits = {mail = "email"}
fields = [
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "text", label = {sv = "Text", en = "Text"}, category = "note", free_text = true},
]
"""


def test_both_sides_of_a_candidate_are_laid_beside_each_other() -> None:
    crm = memory("crm", {"no": "K1", "name": "Fatima Hassan", "mail": "fatima@example.se", "phone": "070-174 06 33"})
    old = memory("old", {"no": "O1", "name": "Ingrid Falk", "phone": "070-174 06 33", "mail": "ingrid@example.se"})
    records = ask([crm, old], given("email", "fatima@example.se")).records
    (candidate,) = (record for record in records if record.key == "O1")

    shown = sides(know(FATIMA, records), candidate)

    assert Side(type=IdentifierType.NAME, person=("Fatima Hassan",), record=("Ingrid Falk",), agrees=False) in shown
    assert {side.type.value: side.agrees for side in shown} == {
        "name": False,
        "email": False,
        "phone": True,
    }


def test_what_free_text_says_of_others_is_proposed_to_be_taken_out() -> None:
    text = "Fatima (fatima@example.se, 070-174 06 33) bad oss ringa Ingrid Falk på 031-390 06 10 eller i@example.org"
    rows = {
        "ticket": [
            {"id": "T1", "mail": "fatima@example.se", "name": "Fatima Hassan", "text": text},
            {"id": "T2", "mail": "ingrid@example.se", "name": "Ingrid Falk", "text": "Fatima Hassan ringde"},
        ]
    }
    desk = MemoryConnector(name="desk", declaration=parse_declaration(NOTES, source="desk"), rows=rows)
    who = [given("email", "fatima@example.se"), given("name", "Fatima Hassan")]
    records = search({"desk": desk}, who, now=datetime(2026, 11, 25, tzinfo=UTC)).records
    (ticket,) = (record for record in records if record.key == "T1")

    assert set(foreign_mentions(know(FATIMA, records), ticket)) == {
        Mention(path="text", text="+46313900610"),
        Mention(path="text", text="i@example.org"),
        Mention(path="text", text="Ingrid Falk"),
    }


@for_all(text=st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    rows = {"ticket": [{"id": "T1", "mail": "fatima@example.se", "name": "Fatima Hassan", "text": text}]}
    desk = MemoryConnector(name="desk", declaration=parse_declaration(NOTES, source="desk"), rows=rows)
    records = desk.search([given("email", "fatima@example.se")], read_at=datetime(2026, 11, 25, tzinfo=UTC)).records

    assert all(mention.path == "text" for mention in foreign_mentions(know(FATIMA, records), records[0]))
