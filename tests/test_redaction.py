"""Passages about other people are proposed, decided by a person, and then gone from every form of the answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import both, record, value
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office

from dsar.casework import answering, approving, obstacles, redacting, searching
from dsar.errors import CoverageError, UsageError
from dsar.model import Identifier, IdentifierType, Record
from dsar.redaction import Ground, Kind, Passage, own_of, propose, told, without

MINE = Identifier(type=IdentifierType.EMAIL, value="anna.oberg@example.se")


def note(text: str, **changes: object) -> Record:
    """A record that holds one free text."""
    return record(value(text, path="body", category="note", free_text=True), **changes)


def found(text: str, *more: Record) -> list[tuple[Kind, str]]:
    records = (note(text), *more)
    own = own_of(records, names=("Anna Öberg",), identifiers=(MINE,), company="Xelent Office Sweden AB")
    return [(each.kind, each.text) for each in propose(records, own)]


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("Anna Öberg undrar; kollegan Åsa Lindqvist rekommenderade oss.", [(Kind.NAME, "Åsa Lindqvist")]),
        ("Skriv till asa.l@example.se i stället.", [(Kind.EMAIL, "asa.l@example.se")]),
        (
            "Nås på 070-174 06 05, frågade om installation åt sonen Oskar",
            [(Kind.PHONE, "070-174 06 05"), (Kind.NAME, "Oskar")],
        ),
        ("Maken har pnr 19900101-2385.", [(Kind.NUMBER, "19900101-2385")]),
        ("Levereras till grannen på Storgatan 12, 432 41 Varberg.", [(Kind.ADDRESS, "Storgatan 12, 432 41 Varberg")]),
        ("Fakturan till ÖBERG, ANNA och Eva von Berg-Lund", [(Kind.NAME, "Eva von Berg-Lund")]),
        ("Anna Öberg (anna.oberg@example.se) ringde. Bytte toner på Canon MX 3071.", []),
        ("Prefers English. Invoice by e-mail.", []),
        ("Ringde om papperstrassel. Vill helst bli kontaktad per e-post.", []),
    ],
)
def test_what_is_somebody_elses_is_proposed_and_nothing_else(text: str, proposed: list[tuple[Kind, str]]) -> None:
    assert found(text) == proposed


def test_the_persons_own_number_from_another_record_is_not_proposed() -> None:
    assert found("Nås på 070-174 06 05.", record(value("+46701740605", path="phone"))) == []


def test_fields_that_are_no_free_text_are_left_alone() -> None:
    assert propose((record(value("Eva Berg")),), own_of((), names=(), identifiers=(), company="")) == ()


@given(text=st.text(max_size=300))
def test_a_proposal_is_words_that_stand_there(text: str) -> None:
    assert all(passage in text for _kind, passage in found(text))


def passage(text: str, **changes: object) -> Passage:
    held = note("")
    given_ = {"system": held.system, "object": held.object, "key": held.key, "path": "body", "kind": Kind.NAME}
    return Passage(text=text, **(given_ | changes))  # type: ignore[arg-type]


def test_what_is_removed_is_gone_wherever_it_stood() -> None:
    (cleared,) = without((note("Eva Berg ringde. Eva Berg kommer. Eva!"),), [passage("Eva"), passage("Eva Berg")], "sv")
    assert cleared.values[0].value == "[utelämnat: namn] ringde. [utelämnat: namn] kommer. [utelämnat: namn]!"


def test_the_answer_tells_how_much_of_what_was_left_out_and_why() -> None:
    (line,) = told([passage("Eva")], (note("Eva och Eva"),), {note("").system: both("Affärssystem", "Business system")})
    assert line.what.sv == "2 namn i fritext (Affärssystem)"
    assert "artikel 15.4" in line.ground.sv


def test_what_is_no_longer_there_is_not_told() -> None:
    assert told([passage("Eva")], (note("borta"),), {}) == ()


# --------------------------------------------------------------------------------------------------- in a case

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
REQUEST = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nHälsningar\nAnna Öberg"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Anna Öberg has asked; a note about her names her colleague Åsa Lindqvist with her address."""
    with open_office(tmp_path) as opened:
        opened.receive("Anna Öberg <anna.oberg@example.org>", REQUEST, at=NOW)
        opened.session.run_due()
        case = opened.only_case()
        searching.decide(opened.app, case, [], accepted=False, actor="anna", now=NOW)
        yield opened


def numbers(office: Office) -> list[int]:
    return [each.number for each in redacting.passages(office.app, office.only_case())]


def approve(office: Office) -> answering.Draft:
    case, (request,) = office.only_case(), office.requests()
    answering.show(office.app, case, request, actor="bo", now=NOW)
    return approving.approve(office.app, case, request, actor="bo", now=NOW)


def test_nothing_is_approved_while_a_passage_is_undecided(office: Office) -> None:
    with pytest.raises(CoverageError, match=r"2 passage\(s\) about other people"):
        approve(office)
    case, (request,) = office.only_case(), office.requests()
    with office.app.store.transaction() as tx:
        outcomes = tx.search_outcomes(case)
    told_to_staff = obstacles.obstacles(office.app, case, request, outcomes=outcomes, asked=())
    assert told_to_staff == ["2 passage(s) about other people are undecided ('dsar redact D-2026-00001')"]


def test_what_was_removed_is_in_no_form_of_the_answer_and_is_told(office: Office) -> None:
    redacting.decide(office.app, office.only_case(), numbers(office), removed=True, actor="anna", now=NOW)
    letter = approve(office).letter
    for annex in letter.annexes[1:]:
        assert b"asa.lindqvist@example.se" not in annex.content
        assert "Åsa Lindqvist".encode() not in annex.content
    assert "1 e-postadress i fritext" in letter.text
    assert "tingsrätt" in letter.text  # Art. 12(4)


def test_what_was_kept_is_in_the_answer(office: Office) -> None:
    redacting.decide(office.app, office.only_case(), numbers(office), removed=False, actor="anna", now=NOW)
    assert any(b"asa.lindqvist@example.se" in annex.content for annex in approve(office).letter.annexes)


def test_a_person_can_mark_what_nobody_proposed(office: Office) -> None:
    case = office.only_case()
    redacting.decide(office.app, case, numbers(office), removed=False, actor="anna", now=NOW)
    (place,) = [
        n for n, each, _ in searching.numbered_records(office.app, case) if "rekommenderade" in str(each.values)
    ]
    redacting.mark(office.app, case, place, "rekommenderade oss", Ground.SECRET, actor="anna", now=NOW)
    letter = approve(office).letter
    assert all(b"rekommenderade oss" not in annex.content for annex in letter.annexes[1:])
    assert "företagshemlighet" in letter.text


def test_words_that_do_not_stand_there_are_refused(office: Office) -> None:
    with pytest.raises(UsageError, match="no free text"):
        redacting.mark(office.app, office.only_case(), 1, "står inte här", Ground.SECRET, actor="anna", now=NOW)


def test_a_decision_voids_the_letter_that_was_shown(office: Office) -> None:
    case, (request,) = office.only_case(), office.requests()
    before = answering.show(office.app, case, request, actor="bo", now=NOW)
    redacting.decide(office.app, case, numbers(office), removed=True, actor="anna", now=NOW)
    assert answering.draft(office.app, case, request, now=NOW).row.id != before.row.id


@pytest.mark.sqlite_file
def test_passages_stand_sealed_in_the_database(office: Office, tmp_path: Path) -> None:
    redacting.decide(office.app, office.only_case(), numbers(office), removed=True, actor="anna", now=NOW)
    office.app.store.engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("dsar.db*"))
    assert "Åsa Lindqvist".encode() not in stored
