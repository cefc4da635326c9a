"""Retention: what goes when, what stays, and that nothing is left of what went (Art. 5(1)(e), promise P9)."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office
from servers import SmtpSink

from dsar.casework import (
    answering,
    approving,
    figures,
    identifying,
    intake,
    opening,
    purging,
    searching,
    sending,
    views,
)
from dsar.casework.context import case_key, mail_key
from dsar.errors import PurgedCaseError, UsageError, WrongKeyError
from dsar.lifecycle import Outcome, State
from dsar.outbox import SmtpOutbox
from dsar.store.tables import Duty

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
JOHN = "John Whitfield <john.whitfield@example.com>"
ACCESS = "I want a copy of all data you have about me.\n\nJohn Whitfield\n"
NEWS = "Unsubscribe from this newsletter here. Special offer on toner this week, 20 % off!"
LIST = {"List-Id": "<news.shop.example>"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def answered(office: Office) -> None:
    """A case whose access answer left at NOW."""
    message = office.receive(JOHN, ACCESS, at=NOW)
    opening.unwrap(office.app, message.id or 0)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    searching.decide(office.app, office.only_case(), [], accepted=False, actor="bo", now=NOW)
    answering.show(office.app, office.only_case(), request, actor="bo", now=NOW)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=NOW)
    with SmtpSink(None) as sink:
        outbox = SmtpOutbox(sink.account(user=None, credential=None))
        with office.app.store.transaction() as tx:
            ready = tx.outgoing_in_state("ready")
        for row in ready:
            sending.dispatch_mail(office.app, row.id or 0, outbox=outbox, now=NOW)
    (request,) = office.requests()
    assert request.state == State.CLOSED


def purged(office: Office, *, after: timedelta) -> list[tuple[str, str]]:
    """(what, of) that goes that long after NOW."""
    return [(each.what, each.reference) for each in purging.purge(office.app, now=NOW + after)]


def kept_blobs(folder: Path) -> list[bytes]:
    """Every sealed value and wrapped key that the databases hold."""
    found: list[bytes] = []
    for file in sorted(folder.glob("dsar*.db")):
        with sqlite3.connect(file) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  # our own tables
                    found += [value for value in row if isinstance(value, bytes) and len(value) > 24]
    return found


def lying_about(folder: Path, blobs: Sequence[bytes]) -> int:
    """How many of *blobs* can be found in any file below *folder*, by a stretch of each that is unlike any other."""
    content = b"\0".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
    return sum(blob[4:36] in content for blob in blobs)


# ------------------------------------------------------------------------------------------------ what goes when


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        (30, []),
        (31, [("findings", "D-2026-00001")]),
        (91, [("findings", "D-2026-00001"), ("export", "D-2026-00001")]),
        (730, [("findings", "D-2026-00001"), ("export", "D-2026-00001")]),
        (732, [("findings", "D-2026-00001"), ("export", "D-2026-00001"), ("case", "D-2026-00001")]),
    ],
)
def test_an_answered_case_goes_in_steps(office: Office, days: int, gone: list[tuple[str, str]]) -> None:
    """Search results after 30 days, the data sent after 90, mails and letters after 24 months, counted from the end."""
    answered(office)
    assert purged(office, after=days * DAY) == gone


def test_a_case_stays_while_one_of_its_mails_waits_for_a_person(office: Office) -> None:
    """What nobody has read yet may ask for something."""
    answered(office)
    with office.app.store.transaction() as tx:
        ours = tx.outgoing_of_case(1)[-1].message_id
    late = office.receive(JOHN, "One more thing, now that it is over ...\n", in_reply_to=ours, at=NOW + DAY)
    assert late.status == "person"

    assert ("case", "D-2026-00001") not in purged(office, after=732 * DAY)


def test_the_register_line_goes_after_five_years_and_the_statistics_stay(office: Office) -> None:
    answered(office)
    (before,) = figures.request_times(office.app)
    purged(office, after=732 * DAY)
    assert purged(office, after=(5 * 365 + 3) * DAY) == [("register", "D-2026-00001")]
    assert figures.request_times(office.app) == [before._replace(reference="past-1")]
    assert office.only_case().reference == "past-1"
    assert purged(office, after=(6 * 365) * DAY) == []


def test_mail_that_was_no_request_goes_after_thirty_days(office: Office) -> None:
    message = office.receive("News <news@shop.example>", NEWS, subject="News", headers=LIST, at=NOW)
    assert message.status == "sorted"
    assert purged(office, after=30 * DAY) == []
    assert purged(office, after=31 * DAY) == [("noise", f"M-{message.id}")]
    with pytest.raises(UsageError):
        views.find_message(office.app, f"M-{message.id}")


def test_old_mail_that_is_found_late_is_kept_as_long_as_other_mail(office: Office) -> None:
    """Whoever looks through what was filed must be able to find a request among it."""
    message = office.receive(
        "News <news@shop.example>", NEWS, subject="News", headers=LIST, at=NOW, arrived=NOW - 400 * DAY
    )
    assert purged(office, after=30 * DAY) == []
    assert purged(office, after=31 * DAY) == [("noise", f"M-{message.id}")]


def test_mail_that_waits_for_a_person_never_goes(office: Office) -> None:
    message = office.receive("X <x@y.example>", "Kan ni göra det som vi pratade om?", at=NOW)
    assert message.status == "person"
    assert purged(office, after=4000 * DAY) == []


@pytest.mark.parametrize("outcome", Outcome)
def test_a_case_goes_whatever_its_outcome(office: Office, outcome: Outcome) -> None:
    answered(office)
    office.force(office.requests()[0], outcome=outcome)
    purged(office, after=800 * DAY)
    assert office.only_case().purged_at is not None


def test_a_case_that_was_no_request_goes_like_other_noise(office: Office) -> None:
    answered(office)
    office.force(office.requests()[0], outcome=Outcome.NOT_A_REQUEST)
    assert purged(office, after=31 * DAY)[0] == ("mistaken", "D-2026-00001")


def test_a_case_with_an_open_request_stays_whole(office: Office) -> None:
    answered(office)
    office.force(office.requests()[0], state=State.REVIEW, closed_at=None)
    assert purged(office, after=50 * DAY) == []


def test_what_a_hold_keeps_stays_whole(office: Office) -> None:
    """Art. 17(3)(e): IMY or a court looks at it."""
    answered(office)
    with office.app.store.transaction() as tx:
        tx.case_by_id(1).legal_hold = True
    assert purged(office, after=4000 * DAY) == []


def test_looking_first_changes_nothing_and_tells_what_would_go(office: Office) -> None:
    answered(office)
    told = [(each.what, each.reference) for each in purging.due(office.app, now=NOW + 91 * DAY)]
    assert told == [("findings", "D-2026-00001"), ("export", "D-2026-00001")]
    assert purged(office, after=91 * DAY) == told


# ------------------------------------------------------------------------------------------------ what is left


@pytest.mark.sqlite_file
def test_nothing_sealed_is_left_of_a_purged_case(office: Office, tmp_path: Path) -> None:
    """No sealed value and no wrapped key of it lies in any file: database, log, key store, temporary files."""
    office.receive("X <x@y.example>", "Kan ni göra det som vi pratade om?", at=NOW)  # waits, and makes the mailbox key
    standing = set(kept_blobs(tmp_path))
    answered(office)
    of_case = [blob for blob in kept_blobs(tmp_path) if blob not in standing]
    assert lying_about(tmp_path, of_case) == len(of_case) > 10

    purged(office, after=800 * DAY)

    left = [blob for blob in kept_blobs(tmp_path) if blob not in standing]
    assert left == []
    assert lying_about(tmp_path, of_case) == 0


def test_the_keys_of_a_purged_case_are_gone(office: Office) -> None:
    answered(office)
    case = office.only_case()
    with office.app.store.transaction() as tx:
        (message,) = [message for _, message in tx.case_messages(1)]
    purged(office, after=800 * DAY)
    for key in (case_key(case), mail_key(message.sha256)):
        assert office.app.vault.wrapped_by(key) == frozenset()
        with pytest.raises(WrongKeyError):
            office.app.vault.seal(key, "x", b"x")


def test_a_mail_of_two_cases_stays_readable_in_the_one_that_stays(office: Office) -> None:
    answered(office)
    with office.app.store.transaction() as tx:
        (message,) = [message for _, message in tx.case_messages(1)]
        other = tx.case_by_id(1).model_copy(update={"id": None, "reference": "D-2026-00002", "legal_hold": True})
        office.app.vault.create_key(case_key(other))
        other = tx.add_case(type(other).model_validate(other.model_dump()))
        office.app.vault.share_key(mail_key(message.sha256), wrapped_by=case_key(other))
        tx.join_case(other.id or 0, message.id or 0, role="request", sealed_triage=b"-")
    purged(office, after=800 * DAY)
    assert office.app.vault.wrapped_by(mail_key(message.sha256)) == {case_key(other)}
    assert intake.read(office.app, message).subject == "Mina uppgifter"


def test_what_proves_the_handling_stays_and_names_nobody(office: Office) -> None:
    """Times, outcome, who approved, and the hash of what was sent: law 7.2."""
    answered(office)
    purged(office, after=800 * DAY)
    with office.app.store.transaction() as tx:
        (letter,) = tx.letters_of_case(1)
        approval = tx.approval_of(letter.id or 0)
        hashes = [annex.sha256 for annex in tx.annexes(letter.id or 0)]
        report = tx.verify_chain()
    assert approval is not None
    assert (approval.actor, letter.status, len(hashes)) == ("bo", "sent", 3)
    assert (letter.sealed_content, report.broken_at) == (b"", None)


def test_the_data_sent_go_before_the_letter_that_told_of_them(office: Office) -> None:
    answered(office)
    purged(office, after=91 * DAY)
    with office.app.store.transaction() as tx:
        (letter,) = tx.letters_of_case(1)
        annexes = {annex.sealed_content for annex in tx.annexes(letter.id or 0)}
        mails = {row.kind: bool(row.sealed_mime) for row in tx.outgoing_of_case(1)}
    assert (letter.status, bool(letter.sealed_content), annexes) == ("sent", True, {b""})
    assert mails["access_answer"] is False
    assert mails["acknowledgement"] is True


def test_whoever_asks_for_a_purged_case_is_told_what_is_left(office: Office) -> None:
    answered(office)
    purged(office, after=800 * DAY)
    with pytest.raises(PurgedCaseError, match="removed on 2028-05-1"):
        views.find_case(office.app, "D-2026-00001")
    case = views.find_case(office.app, "D-2026-00001", purged_too=True)
    view = views.head(office.app, case, actor="anna", now=NOW)
    assert (view.name, view.addresses, view.requests[0].outcome) == (None, (), "fulfilled")
    assert views.timeline(office.app, case, actor="anna", now=NOW)


def test_the_audit_trail_cannot_be_searched_for_a_person_once_the_case_is_purged(office: Office) -> None:
    """What stood for an identifier in events was computed with the case's own key."""
    answered(office)
    with office.app.store.transaction() as tx:
        details = [event.detail for event in tx.events(1)]
    assert office.app.vault.index("email", "john.whitfield@example.com") not in str(details)
    assert any(len(value) == 64 for detail in details for value in detail.values())


def test_what_is_still_owed_outlives_the_case(office: Office) -> None:
    """A duty has a key of its own: it can be done after the case, its keys and its register line are gone."""
    answered(office)
    office.app.vault.create_key("duties")
    key = office.app.vault.seal("duties", "duty.key", b"4711")
    owed = Duty(
        kind="erase_later",
        system="business",
        object="invoice",
        sealed_key=key,
        law="BFL 7:2",
        due_on=NOW.date(),
        case_reference="D-2026-00001",
    )
    with office.app.store.transaction() as tx:
        tx.session.add(owed)
    purged(office, after=800 * DAY)
    purged(office, after=3000 * DAY)
    with office.app.store.transaction() as tx:
        (duty,) = tx.open_duties(due_by=(NOW + 3000 * DAY).date())
    assert office.app.vault.unseal("duties", "duty.key", duty.sealed_key) == b"4711"


def test_a_late_answer_to_a_purged_case_goes_before_a_person(office: Office) -> None:
    answered(office)
    with office.app.store.transaction() as tx:
        sent = [row.message_id for row in tx.outgoing_of_case(1)]
    purged(office, after=800 * DAY)
    message = office.receive(JOHN, ACCESS, in_reply_to=sent[-1], at=NOW + 801 * DAY)
    assert (message.status, message.case_id) == ("person", None)
