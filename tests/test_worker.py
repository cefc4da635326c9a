"""Steps that fail: what may succeed later is tried again, what cannot is put before a person."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from office import Office, open_office, written

from dsar import worker
from dsar.casework import identifying, intake, views
from dsar.casework.context import mail_key
from dsar.connector import Health, SearchAnswer, Searches
from dsar.lifecycle import State
from dsar.model import Identifier, RawMail

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


class Slow:
    """A system whose search outlives the lease it was claimed for; it notes whether it could be taken then."""

    def __init__(self, office: Office, system: Searches) -> None:
        self._office = office
        self._system = system
        self.taken: bool | None = None

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        claimed_until = self._leased_until()
        for _ in range(200):  # ten seconds, on a machine that stands still
            if self._leased_until() > claimed_until:
                break
            time.sleep(0.05)
        with self._office.app.store.transaction() as tx:
            run_out = claimed_until + timedelta(milliseconds=1)
            free = [tx.claim("another", now=run_out, lease=timedelta(minutes=1)) for _ in tx.work()]
        self.taken = any(work is not None and work.step == "search" for work in free)
        return self._system.search(identifiers, read_at=read_at)

    def _leased_until(self) -> datetime:
        with self._office.app.store.transaction() as tx:
            (lease,) = [work.lease_until for work in tx.work() if work.step == "search"]
        assert lease is not None
        return lease

    def health(self) -> Health:
        return self._system.health()


def test_a_step_that_outlives_its_lease_is_not_taken_over_while_its_worker_lives(tmp_path: Path) -> None:
    """A search of slow systems takes longer than one lease; a second one beside it would ask everything twice."""
    lease = timedelta(milliseconds=600)
    with open_office(tmp_path) as office:
        office.receive("John Whitfield <john.whitfield@example.com>", "I want a copy of all data you have about me.\n")
        identifying.identify(office.app, 1, now=datetime.now(UTC))
        slow = Slow(office, office.app.systems["business"])
        app = replace(office.app, systems={**office.app.systems, "business": slow})
        with office.app.store.transaction() as tx:
            due = [tx.claim("w", now=datetime.now(UTC), lease=lease) for _ in tx.work()]
        (work,) = [each for each in due if each is not None and each.step == "search"]

        worker.run_step(replace(office.session.tools, app=app), work, now=datetime.now(UTC), lease=lease)

        assert slow.taken is False
        assert [request.state for request in office.requests()] == [State.REVIEW]


def test_a_worker_chains_all_that_happened_however_much_it_is(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        with office.app.store.transaction() as tx:
            for number in range(1100):
                tx.record(f"looked_{number}", actor="anna", at=datetime.now(UTC))

        worker.run_due(office.session.tools)

        with office.app.store.transaction() as tx:
            report = tx.verify_chain()
            assert (report.sealed, report.unsealed, report.broken_at) == (1100, 0, None)
            assert tx.lease_holders() == set()
