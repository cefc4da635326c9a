"""What stays of a record that is emptied: does it single out, link to, or let infer its person (recital 26, WP 216)?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.memory import MemoryConnector
from dsar.casework import traces
from dsar.declaration import Declaration, parse_declaration
from dsar.errors import SettingsError
from dsar.model import Identifier, IdentifierType, PlanStep, Record, StepAction

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
PERSON = Identifier(type=IdentifierType.EMAIL, value="asa.lindqvist@example.se")

DEVICE = """
name = "operations"
kind = "memory"
label = {sv = "Driften", en = "Operations"}
canary = {type = "email", value = "kanarie@example.com"}
[[object]]
name = "machine"
label = {sv = "Skrivare", en = "Printer"}
key = "no"
activities = ["A3"]
person_name = ["contact"]
find = [{by = "email", columns = ["mail"]}]
emits = {mail = "email"}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "technical", asserted_by = "company"},
  {column = "contact", label = {sv = "Kontakt", en = "Contact"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "host", label = {sv = "Datornamn", en = "Host name"}, category = "device", asserted_by = "company"},
  {column = "room", label = {sv = "Rum", en = "Room"}, category = "device", asserted_by = "company"},
  {column = "model", label = {sv = "Modell", en = "Model"}, category = "device", asserted_by = "company"},
  {column = "owner", label = {sv = "Ägare", en = "Owner"}, category = "organisation", asserted_by = "company"},
]
erase = {action = "anonymise", set = {contact = "", mail = ""}RULE}
"""
ROOM = ', rare = {columns = ["room", "model"], fewer_than = 3, set = {room = ""}}'
UNWRITTEN = ', rare = {columns = ["room", "model"], fewer_than = 3}'


def declared(rule: str = "") -> Declaration:
    return parse_declaration(DEVICE.replace("RULE", rule), source="operations.toml")


def machine(number: int, **values: str) -> dict[str, str]:
    """One row; without *values* one of somebody else, alike to all others."""
    row = {"contact": "", "mail": f"other{number}@example.com", "host": f"PR{number}", "room": "R1", "model": "M1"}
    return {"no": str(number), "owner": "", **row, **values}


def hers(number: int = 0, **values: str) -> dict[str, str]:
    return machine(number, contact="Åsa Lindqvist", mail=PERSON.value, **values)


def planned(
    rows: Sequence[dict[str, str]], rule: str = "", harmless: Sequence[str] = ()
) -> tuple[MemoryConnector, list[PlanStep]]:
    """The plan for everything of Åsa, judged."""
    declaration = declared(rule)
    system = MemoryConnector(name="operations", declaration=declaration, rows={"machine": list(rows)})
    records = system.search([PERSON], read_at=NOW).records
    places = {("operations", "machine", key) for key in harmless}
    steps = system.plan_erase(records)
    return system, list(traces.judged(steps, records, {"operations": declaration}, person=[PERSON], harmless=places))


def told(steps: Sequence[PlanStep]) -> tuple[dict[str, str | None], list[str]]:
    """({column that goes beside the declared ones: what replaces it}, what a person is asked to do)"""
    changes = {
        change.path: change.after for step in steps for change in step.changes if change.path not in {"contact", "mail"}
    }
    return changes, [step.reason.en for step in steps if step.action is StepAction.TASK and step.reason]


def test_what_few_records_have_is_overwritten_or_a_line_for_a_person() -> None:
    """Two of the room's three machines are hers: her own records do not hide one another."""
    rows = [hers(0, room="R9"), hers(1, room="R9"), machine(2, room="R9"), *(machine(n) for n in range(3, 9))]

    assert told(planned(rows, ROOM)[1]) == ({"room": ""}, [])
    changes, tasks = told(planned(rows, UNWRITTEN)[1])
    assert (changes, set(tasks)) == (
        {},
        {"Remove or make more general what can show whom the record was about: Room, Model."},
    )


def test_what_many_have_stays() -> None:
    _, steps = planned([hers(0), *(machine(n) for n in range(1, 3))], ROOM)

    assert told(steps) == ({}, [])
    assert [step.reason for step in steps] == [None]


def test_what_is_still_rare_without_the_room_is_a_line_for_a_person() -> None:
    """Nobody else has such a model, whatever the room."""
    _, steps = planned([hers(0, model="M9"), *(machine(n) for n in range(1, 9))], ROOM)

    assert told(steps) == (
        {"room": ""},
        ["Remove or make more general what can show whom the record was about: Model."],
    )
    assert steps[0].reason == traces.STILL_TELLS


def test_what_is_empty_tells_nothing() -> None:
    assert told(planned([hers(0, room="", model="")], ROOM)[1]) == ({}, [])


@pytest.mark.parametrize(
    ("host", "tells"),
    [
        ("ASALINDQVIST-PC", True),  # her name in a machine's
        ("Asa-laptop", True),  # a short word of it, by itself
        ("asa.lindqvist", True),  # the local part of her address
        ("PR-0042", False),
        ("Casablanca", False),  # a short name inside another word
        ("", False),
    ],
)
def test_a_machine_that_is_called_after_somebody_tells_who_had_it(host: str, *, tells: bool) -> None:
    _, steps = planned([hers(0, host=host), *(machine(n) for n in range(1, 9))], ROOM)

    assert [step.action for step in steps] == [StepAction.ANONYMISE, *([StepAction.TASK] if tells else [])]
    assert (steps[0].reason == traces.STILL_TELLS) is tells


def test_what_describes_an_organisation_may_name_its_own_people() -> None:
    assert told(planned([hers(0, owner="Åsa Berg AB"), *(machine(n) for n in range(1, 9))], ROOM)[1]) == ({}, [])


def test_a_person_has_said_that_what_stays_tells_nobody() -> None:
    _, steps = planned([hers(0, host="LINDQVIST", room="R9")], ROOM, harmless=["0"])

    assert told(steps) == ({}, [])
    assert [step.reason for step in steps] == [None]


def test_what_was_emptied_before_is_not_taken_for_a_name() -> None:
    """The word in place of the name stands in the record and names nobody."""
    text = DEVICE.replace("RULE", "").replace('contact = ""', 'contact = "Removed"')
    declaration = parse_declaration(text, source="operations.toml")
    rows = [machine(0, contact="Removed", mail=PERSON.value, host="removed-001")]
    system = MemoryConnector(name="operations", declaration=declaration, rows={"machine": rows})
    records = system.search([PERSON], read_at=NOW).records

    steps = traces.judged(system.plan_erase(records), records, {"operations": declaration})

    assert told(steps) == ({}, [])


def test_where_nobody_could_count_it_counts_as_rare() -> None:
    """As a record that is read by its key in a system that cannot list all."""
    declaration = declared(UNWRITTEN)
    system = MemoryConnector(name="operations", declaration=declaration, rows={"machine": [hers(0)] * 9})
    (record, *_) = system.search([PERSON], read_at=NOW).records
    uncounted = Record(**{**vars(record), "alike": None})

    steps = traces.judged(system.plan_erase([uncounted]), [uncounted], {"operations": declaration})

    assert told(steps)[1] == ["Remove or make more general what can show whom the record was about: Room, Model."]


@given(
    theirs=st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("XY")), max_size=12),
    mine=st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("XY")), min_size=1, max_size=4),
    rule=st.sampled_from([ROOM, UNWRITTEN]),
)
def test_after_the_plan_each_record_has_enough_others_alike_or_a_person_was_asked(
    theirs: list[tuple[str, str]], mine: list[tuple[str, str]], rule: str
) -> None:
    """k-anonymity: whoever knows room and model of an emptied record finds at least two others like it."""
    rows = [hers(n, room=room, model=model) for n, (room, model) in enumerate(mine)]
    rows += [machine(100 + n, room=room, model=model) for n, (room, model) in enumerate(theirs)]
    system, steps = planned(rows, rule)
    asked = {step.key for step in steps if step.action is StepAction.TASK}
    for step in steps:
        if step.action is StepAction.ANONYMISE:
            system.apply(step, key="1")

    others = rows[len(mine) :]
    for row in rows[: len(mine)]:
        if row["no"] not in asked:
            assert len([other for other in others if alike(row, other)]) >= 2


def alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether *other* could be the one, for all that is left in it."""
    return all(one[column] in {"", other[column]} for column in ("room", "model"))


@given(st.lists(st.tuples(st.sampled_from(["", "A", "B"]), st.sampled_from(["X", "Y"])), min_size=1, max_size=20))
def test_what_is_counted_is_what_is_there(places: list[tuple[str, str]]) -> None:
    rows = [hers(n, room=room, model=model) for n, (room, model) in enumerate(places)]
    system = MemoryConnector(name="operations", declaration=declared(ROOM), rows={"machine": rows})

    for record in system.search([PERSON], read_at=NOW).records:
        room, model = places[int(record.key)]
        both, without_room = Counter(places)[(room, model)], sum(other == model for _, other in places)
        assert record.alike == (both, without_room)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (', rare = {columns = ["nowhere"]}', "column 'nowhere' is not among the fields"),
        (', rare = {columns = ["mail"]}', "column 'mail' does not stay in an emptied record"),
        (', rare = {columns = ["room"], set = {no = ""}}', "column 'no' does not stay in an emptied record"),
        (', rare = {columns = ["room"], fewer_than = 1}', "fewer_than"),
        (", rare = {}", "columns"),
        (', follows = ["mail"]', "column 'mail' is overwritten by 'set'"),
    ],
)  # fmt: skip
def test_a_declaration_is_told_what_is_wrong_with_it(rule: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        declared(rule)


def test_a_declaration_that_leaves_machine_data_unjudged_is_asked() -> None:
    assert declared().unknown == (
        "machine.erase.rare: whoever knows the data: which of these can be rare (host, room, model)",
    )
    assert declared(ROOM).unknown == ()
