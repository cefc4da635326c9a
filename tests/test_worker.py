"""Steps that fail: what may succeed later is tried again, what cannot is put before a person."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from office import open_office, written

from dsar import worker
from dsar.casework import intake, views
from dsar.casework.context import mail_key
from dsar.model import RawMail

MARIA = "Maria Öberg <maria.oberg@example.se>"


def test_a_mail_that_can_never_be_sorted_goes_before_a_person(tmp_path: Path) -> None:
    """Its key is gone: no later try will help, and nobody may think that it was never there (P1)."""
    now = datetime.now(UTC)
    with open_office(tmp_path) as office:
        content = written(MARIA, "Jag vill veta vilka personuppgifter ni har om mig.\n")
        mail = RawMail(mailbox="privacy", folder="INBOX", uid_validity=1, uid=1, received_at=now, content=content)
        intake.store_mails(office.app, (mail,), now=now)
        office.app.vault.destroy_key(mail_key(mail.sha256))

        with office.app.store.transaction() as tx:
            work = tx.claim("w", now=now, lease=timedelta(minutes=1))
        assert work is not None
        worker.run_step(office.session.tools, work, now=now)

        assert [(line.reference, line.waits_for) for line in views.queue(office.app, now=now)] == [
            ("M-1", "person: sort")
        ]


def test_a_mail_that_was_sorted_just_before_the_program_died_stays_sorted(tmp_path: Path) -> None:
    """It died five times between sorting the mail and noting the step as done: its case is open all the same."""
    now = datetime.now(UTC)
    with open_office(tmp_path) as office:
        office.receive(MARIA, "Jag vill veta vilka personuppgifter ni har om mig.\n", at=now)
        for hours in range(6):
            with office.app.store.transaction() as tx:
                due = [
                    tx.claim("w", now=now + timedelta(hours=hours), lease=timedelta(minutes=1))
                    for _ in range(len(tx.work()))
                ]
        (work,) = [each for each in due if each is not None and each.step == "sort"]

        worker.run_step(office.session.tools, work, now=now)

        with office.app.store.transaction() as tx:
            assert [(message.disposition, message.status) for _, message in tx.case_messages(1)] == [
                ("request", "sorted")
            ]
