"""The record of how a case was handled, for the supervisory authority."""

import io
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from office import Office, open_office
from servers import SmtpSink

from dsar.casework import answering, approving, identifying, intervening, proving, purging, searching, sending
from dsar.errors import NotPermittedError
from dsar.identity import CheckMethod
from dsar.letters.record import WORDS
from dsar.lifecycle import Outcome, State
from dsar.model import Disposition, LetterKind, Requester, Right
from dsar.outbox import SmtpOutbox

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
CHEF = "role = admin\nname = Åsa Chef\nemail = asa@xelent.example"
JOHN = "John Whitfield <john.whitfield@example.com>"
TEXT = "I want a copy of all data you have about me. | `x` <b>\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, more={"staff.asa": CHEF}) as opened:
        answered(opened)
        yield opened


def answered(office: Office) -> None:
    """A case whose access answer left three days after it came."""
    office.receive(JOHN, TEXT, at=NOW)
    later = NOW + 3 * DAY
    identifying.identify(office.app, 1, now=later)
    searching.collect(office.app, 1, attempt=1, now=later)
    searching.decide(office.app, office.only_case(), [], accepted=False, actor="bo", now=later)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=later)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=later)
    with SmtpSink(None) as sink:
        outbox = SmtpOutbox(sink.account(user=None, credential=None))
        with office.app.store.transaction() as tx:
            ready = tx.outgoing_in_state("ready")
        for row in ready:
            sending.dispatch_mail(office.app, row.id or 0, outbox=outbox, now=later)


def record(office: Office, *, after: timedelta = 4 * DAY) -> proving.HandlingRecord:
    return proving.handling_record(office.app, office.only_case(), actor="asa", now=NOW + after)


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "record.pdf").write_bytes(pdf)
    command = ["pdftotext", "-layout", str(folder / "record.pdf"), "-"]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_it_tells_when_the_request_came_and_when_it_was_answered(office: Office) -> None:
    (request,) = record(office).requests
    assert (request.right, request.received_at, request.received_by) == ("access", NOW, "mail server")
    assert (request.outcome, request.gross_days, request.net_days) == ("fulfilled", 3, 3)


def test_it_tells_what_came_by_its_hash_and_why_it_was_sorted_so(office: Office) -> None:
    with office.app.store.transaction() as tx:
        (stored,) = [message for _, message in tx.case_messages(1)]
    (mail,) = record(office).mails
    assert (mail.sha256, mail.role, mail.disposition) == (stored.sha256, "request", "request")
    assert any("access" in reason for reason in mail.reasons)


def test_it_tells_which_systems_were_searched_and_with_what_result(office: Office) -> None:
    (search,) = record(office).searches
    assert {name: outcome for name, outcome in search.detail.items() if not name.isdigit()} == {
        "business": "found 5",
        "webshop": "found 2",
    }


def test_it_tells_what_was_sent_who_approved_it_and_how_we_know_that_it_left(office: Office) -> None:
    answer = record(office).letters[-1]
    assert (answer.kind, answer.approved_by, answer.state, answer.evidence) == (
        "access_answer",
        "Bo Ek",
        "sent",
        "accepted",
    )
    assert sorted(answer.annexes) == ["D-2026-00001.csv", "D-2026-00001.json", "D-2026-00001.pdf"]
    assert answer.template_sha256


def test_it_tells_the_reasons_that_staff_gave_and_holds_nothing_sealed(office: Office) -> None:
    intervening.hold(office.app, office.only_case(), on=True, reason="IMY frågar", actor="asa", now=NOW + 4 * DAY)
    made = record(office)
    (event,) = [event for event in made.events if event.name == "hold_set"]
    assert (event.actor, event.reason, event.detail) == ("Åsa Chef", "IMY frågar", {})


def test_of_a_purged_case_it_tells_what_is_left(office: Office) -> None:
    purging.purge(office.app, now=NOW + 800 * DAY)
    made = record(office, after=801 * DAY)
    assert (made.mails, made.requests[0].outcome, made.letters[-1].approved_by) == ((), "fulfilled", "Bo Ek")
    assert list(proving.mails_as_they_were(office.app, office.only_case())) == []


def test_only_an_administrator_gets_it(office: Office) -> None:
    for actor in ("anna", "bo"):
        with pytest.raises(NotPermittedError):
            proving.handling_record(office.app, office.only_case(), actor=actor, now=NOW)


def test_that_it_was_made_is_itself_recorded(office: Office) -> None:
    record(office)
    with office.app.store.transaction() as tx:
        assert (tx.events(1)[-1].name, tx.events(1)[-1].actor) == ("record_exported", "asa")


def test_the_mails_go_beside_it_byte_for_byte(office: Office) -> None:
    mails = dict(proving.mails_as_they_were(office.app, office.only_case()))
    assert list(mails) == ["in-01.eml", "out-01-acknowledgement.eml", "out-02-access_answer.eml"]
    assert b"John Whitfield" in mails["in-01.eml"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("sv", ["Så hanterades ärende D-2026-00001", "uppfylld", "2 mars 2026 kl. 10:00", "Bo Ek", "svar på begäran"]),
        ("en", ["How case D-2026-00001 was handled", "fulfilled", "2 March 2026 at 10:00", "Bo Ek", "answer to an"]),
    ],
)
def test_it_reads_as_a_document(office: Office, tmp_path: Path, language: str, said: list[str]) -> None:
    content = proving.as_pdf(office.app, record(office), language)
    text = text_of(content, tmp_path).casefold()
    assert [words for words in said if words.casefold() not in text] == []
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.Root.Lang == language


def test_as_json_it_says_what_form_it_has(office: Office) -> None:
    made = record(office).as_json()
    assert (made["format"], made["version"], made["case_reference"]) == ("dsar-handling-record", 1, "D-2026-00001")


#: A closed request is told by its outcome.
NAMES: dict[str, list[str]] = {
    "right": [*Right],
    "state": [*(state for state in State if state is not State.CLOSED), *Outcome],
    "requester": [*Requester],
    "mail": [*Disposition],
    "letter": [*LetterKind],
    "method": [*CheckMethod],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names])
def test_everything_has_a_name_that_the_authority_understands(kind: str, name: str) -> None:
    assert name in WORDS[kind]
