"""Art. 19: recipients are told of a change, after a person has seen what, and followed until they have answered."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from office import Office, open_office, written

from dsar.casework import proving, recipients, sending, views
from dsar.casework.context import case_key, content_of
from dsar.cli import doctor, main
from dsar.errors import NotPermittedError, UsageError
from dsar.letters.record import record_markdown
from dsar.store.tables import OutboxRow
from dsar.wiring import open_session

JOHN = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FLEET = "dpo@fleetwatch.example"
CHEF = "role = admin\nname = Åsa Chef\nemail = asa@xelent.example"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office whose register says where Fleetwatch, which monitors machines, is told of changes."""
    with open_office(tmp_path, more={"staff.asa": CHEF}) as first:
        register = first.data / "register.toml"
        text = register.read_text("utf-8")
        named = text.replace('country = "NL"}', f'country = "NL", notify = "{FLEET}"}}')
        assert named != text
        register.write_text(named, "utf-8")
    with open_session(tmp_path / "settings.ini") as session:
        yield Office(session, tmp_path)


@pytest.fixture
def erased(office: Office) -> Office:
    """John's machine is erased, and a notice to Fleetwatch is prepared."""
    office.carried_out(JOHN, ERASE, now=NOW)
    return office


@pytest.fixture
def told(erased: Office) -> Office:
    """The notice is approved and has left."""
    recipients.letter_of(erased.app, 1, actor="bo", now=NOW)
    recipients.approve(erased.app, 1, actor="bo", now=NOW)
    leave(erased)
    return erased


def mails(office: Office) -> list[OutboxRow]:
    with office.app.store.transaction() as tx:
        return [row for row in tx.outgoing_of_case(1) if row.kind == "recipient_notice"]


def leave(office: Office, *, now: datetime = NOW) -> None:
    """The mail server takes every notice that waits."""
    for row in mails(office):
        with office.app.store.transaction() as tx:
            if not tx.move_outgoing(tx.outgoing(row.id or 0), to="sending", expected="ready", sending_at=now):
                continue
        sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=now)


def content(office: Office, row: OutboxRow) -> EmailMessage:
    key = case_key(office.only_case())
    mail = message_from_bytes(
        office.app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime), policy=policy.default
    )
    assert isinstance(mail, EmailMessage)
    return mail


def state(office: Office) -> str:
    (line,) = recipients.lines(office.app)
    return line.state


def queued(office: Office) -> list[str]:
    return [line.blockers[0] for line in views.queue(office.app, now=NOW) if line.waits_for == "person: notice"]


def run(office: Office, *arguments: str, actor: str = "anna") -> Result:
    settings = str(office.app.settings.file)
    return CliRunner(env={"DSAR_ACTOR": actor}).invoke(main, ["--settings", settings, "notices", *arguments])


def test_a_notice_is_prepared_and_nothing_leaves_before_a_person_has_approved_it(erased: Office) -> None:
    assert [(line.recipient, line.address, line.state) for line in recipients.lines(erased.app)] == [
        ("Fleetwatch Europe B.V.", FLEET, "prepared")
    ]
    assert mails(erased) == []
    assert queued(erased) == ["notice 1: approve it, or leave it out with a reason"]


def test_the_letter_names_the_recipients_who_are_told(erased: Office) -> None:
    case = erased.only_case()
    with erased.app.store.transaction() as tx:
        (row,) = tx.letters_of(1)
    text = content_of(erased.app, case, row).text
    assert "We tell these recipients of the change" in " ".join(text.split())
    assert "Fleetwatch Europe B.V." in text


def test_the_notice_says_whom_it_is_about_and_what_to_do_and_answers_no_mail_of_the_person(told: Office) -> None:
    (row,) = mails(told)
    mail = content(told, row)
    body = mail.get_body(("plain",))
    assert body is not None
    text = " ".join(str(body.get_content()).split())

    assert mail["To"] == FLEET
    assert "John Whitfield" in text
    assert "Please erase what you have received from us" in text
    assert (mail["In-Reply-To"], "Whitfield" in mail["Subject"]) == (None, False)


def test_only_an_approver_who_has_looked_sends_it(erased: Office) -> None:
    with pytest.raises(NotPermittedError):
        recipients.approve(erased.app, 1, actor="anna", now=NOW)
    with pytest.raises(UsageError, match="Look at it first"):
        recipients.approve(erased.app, 1, actor="bo", now=NOW)
    assert mails(erased) == []


def test_an_answer_from_the_recipient_is_filed_for_a_person_to_read(told: Office) -> None:
    (row,) = mails(told)
    told.take(written(f"DPO <{FLEET}>", "We have erased it.\n", in_reply_to=row.message_id))

    assert state(told) == "answered"
    assert queued(told) == ["notice 1: read the answer, then confirm"]
    assert run(told, "confirm", "1").exit_code == 0
    assert (state(told), queued(told)) == ("confirmed", [])


@pytest.mark.parametrize(
    ("sender", "finding"),
    [
        ("DPO <dpo@other.example>", None),
        (f"DPO <{FLEET}>", "mx.xelent.example; dmarc=fail header.from=fleetwatch.example"),
    ],
)
def test_nobody_else_confirms_it(told: Office, sender: str, finding: str | None) -> None:
    (row,) = mails(told)

    told.take(written(sender, "We have erased it.\n", in_reply_to=row.message_id, finding=finding))

    assert state(told) == "sent"


def test_who_does_not_answer_is_reminded_twice_and_then_a_person_looks(told: Office) -> None:
    now = NOW
    for _ in range(3):
        recipients.follow(told.app, 1, now=now + timedelta(days=13))
        now += timedelta(days=15)
        recipients.follow(told.app, 1, now=now)
        leave(told, now=now)

    assert (len(mails(told)), state(told)) == (3, "silent")
    assert queued(told) == ["notice 1: no answer after two reminders: call, then confirm or leave out"]


def test_a_notice_that_came_back_gets_another_address(told: Office) -> None:
    (row,) = mails(told)
    with told.app.store.transaction() as tx:
        sending.notice_came_back(tx, tx.outgoing(row.id or 0))

    assert state(told) == "bounced"
    assert run(told, "readdress", "1", "privacy@fleetwatch.example").exit_code == 0
    assert run(told, "show", "1", actor="bo").output.startswith("To:          privacy@fleetwatch.example")
    recipients.approve(told.app, 1, actor="bo", now=NOW)
    assert [content(told, row)["To"] for row in mails(told)] == [FLEET, "privacy@fleetwatch.example"]


def test_a_recipient_of_this_very_case_is_added_and_one_is_left_out_with_a_reason(erased: Office) -> None:
    added = run(erased, "add", "D-2026-00001", "Kreditkollen AB", "info@kreditkollen.example")
    left_out = run(erased, "leave-out", "1", "--reason", "they hold no copy by contract")

    assert (added.exit_code, left_out.exit_code) == (0, 0), added.output + left_out.output
    assert [(line.recipient, line.state, line.why) for line in recipients.lines(erased.app)] == [
        ("Fleetwatch Europe B.V.", "left_out", "they hold no copy by contract"),
        ("Kreditkollen AB", "prepared", ""),
    ]


def test_check_lists_recipients_of_whom_nobody_has_said_whether_they_are_told(office: Office) -> None:
    """Art. 19: silence about a recipient is a missing fact, an empty address an answer."""
    register = office.data / "register.toml"
    carrier = 'en = "carrier, a controller of its own"}, country = "SE"'
    register.write_text(register.read_text("utf-8").replace(carrier, f'{carrier}, notify = ""'), "utf-8")

    told = {line.what for line in doctor.examine(office.app.settings.file) if "Art. 19" in line.detail}

    assert "recipient Granskarna Revision AB" in told
    assert not {"recipient Fraktlinjen Norden AB", "recipient Fleetwatch Europe B.V."} & told


def test_the_proof_of_handling_tells_who_was_told_who_was_not_and_why(told: Office) -> None:
    """Art. 5(2): what Art. 19 demands can be demonstrated, too."""
    run(told, "add", "D-2026-00001", "Kreditkollen AB", "info@kreditkollen.example")
    run(told, "leave-out", "2", "--reason", "they hold no copy by contract")

    record = proving.handling_record(told.app, told.only_case(), actor="asa", now=NOW)

    assert [(each.right, each.recipient, each.state, each.approved_by, each.why) for each in record.notices] == [
        ("erase", "Fleetwatch Europe B.V.", "sent", "Bo Ek", ""),
        ("erase", "Kreditkollen AB", "left_out", None, "they hold no copy by contract"),
    ]
    for language, words in (("sv", "inte lämnat"), ("en", "not given")):
        text = record_markdown(record, controller=told.app.controller, language=language)
        assert words in text
        assert "Kreditkollen" in text
