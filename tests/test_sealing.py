"""What is kept sealed belongs to one row: moved to another one of the same case it does not open."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import intervening, views
from dsar.casework.context import (
    LetterContent,
    contact_of,
    content_of,
    reason_of,
    seal_contact,
    seal_content,
    seal_reason,
)
from dsar.errors import WrongKeyError
from dsar.model import Identifier, IdentifierType
from dsar.store.tables import Challenge, EventRow, LetterRow

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

LETTER = LetterContent(subject="Your data", text="Dear John", html="<p>Dear John", recipient="john@example.com")
CONTACT = Identifier(type=IdentifierType.EMAIL, value="john@example.com")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.receive("John Whitfield <john.whitfield@example.com>", "I want a copy of all data you have about me.\n")
        yield opened


def letter(row_id: int, sealed: bytes) -> LetterRow:
    return LetterRow(
        id=row_id,
        case_id=1,
        kind="access_answer",
        language="en",
        composed_on=NOW.date(),
        inputs_sha256="",
        template_sha256="",
        sealed_content=sealed,
    )


def test_a_letter_opens_in_its_own_row_only(office: Office) -> None:
    """Another letter's text under an approved letter would be sent to whom nobody meant."""
    case = office.only_case()
    sealed = seal_content(office.app, case, 1, LETTER)

    assert content_of(office.app, case, letter(1, sealed)) == LETTER
    with pytest.raises(WrongKeyError):
        content_of(office.app, case, letter(2, sealed))


def challenge(digest: str, sealed: bytes) -> Challenge:
    return Challenge(case_id=1, digest=digest, contact_index="", sealed_contact=sealed, created_at=NOW, expires_at=NOW)


def test_the_contact_point_of_a_code_opens_beside_that_code_only(office: Office) -> None:
    """An answer is accepted from this address and no other."""
    case = office.only_case()
    sealed = seal_contact(office.app, case, "a" * 64, CONTACT)

    assert contact_of(office.app, case, challenge("a" * 64, sealed)) == CONTACT
    with pytest.raises(WrongKeyError):
        contact_of(office.app, case, challenge("b" * 64, sealed))


@pytest.mark.parametrize(("name", "at"), [("hold_ended", NOW), ("hold_set", NOW + timedelta(seconds=1))])
def test_a_reason_opens_in_its_own_event_only(office: Office, name: str, at: datetime) -> None:
    case = office.only_case()
    detail = seal_reason(office.app, case, "hold_set", "IMY, DI-2026-1", at=NOW)

    assert reason_of(office.app, case, EventRow(at=NOW, actor="bo", name="hold_set", detail=detail)) == "IMY, DI-2026-1"
    with pytest.raises(WrongKeyError):
        reason_of(office.app, case, EventRow(at=at, actor="bo", name=name, detail=detail))


def test_the_timeline_tells_the_reasons_and_the_look_is_recorded(office: Office) -> None:
    case = office.only_case()
    intervening.hold(office.app, case, on=True, reason="IMY, DI-2026-1", actor="bo", now=NOW)

    entries = views.timeline(office.app, case, actor="anna", now=NOW)

    assert {entry.event.name: entry.reason for entry in entries if entry.reason} == {"hold_set": "IMY, DI-2026-1"}
    again = views.timeline(office.app, case, actor="anna", now=NOW)
    assert ("anna", "looked_at_reasons") in {(entry.event.actor, entry.event.name) for entry in again}


def test_the_reasons_of_a_purged_case_are_gone(office: Office) -> None:
    case = office.only_case()
    intervening.hold(office.app, case, on=True, reason="IMY, DI-2026-1", actor="bo", now=NOW)
    case.purged_at = NOW

    assert [entry.reason for entry in views.timeline(office.app, case, actor="anna", now=NOW) if entry.reason] == []
