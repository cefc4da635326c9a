"""Random interleavings of delivery, a dropped line, refusal, move, expunge and renumbering: each mail exactly once."""

import hashlib
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from office import open_office
from servers import ScriptedMailbox
from sqlmodel import col

from dsar import poller
from dsar.casework import intake
from dsar.errors import InboxUnavailableError
from dsar.inbox import ImapInbox
from dsar.store.tables import Message, Work

INBOX, DONE = b"INBOX", b"DSAR-Done"


class Intake(RuleBasedStateMachine):
    """A mailbox that others use, too, and a program that ends in the middle of things."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.office = self._open.enter_context(open_office(folder))
        self.box = ScriptedMailbox()
        self.server = self._open.enter_context(self.box.server())
        self.ever: set[str] = set()  #: Digests of all that lay in the inbox and was not taken away.
        self.number = 0

    def teardown(self) -> None:
        self.box.refused, self.box.cut = set(), None
        with self.office.app.store.transaction() as tx:
            for row in tx.unfetched():
                row.retry_at = datetime.now(UTC) - timedelta(minutes=1) if row.retry_at else None
        self.poll()
        stored = self.digests()
        assert len(stored) == len(set(stored))
        assert set(stored) >= self.ever
        assert self.box.folders[INBOX] == {}
        self._open.close()

    def poll(self) -> None:
        with ImapInbox(self.server.account()) as inbox:
            poller.poll(self.office.app, "privacy", inbox)

    def digests(self) -> list[str]:
        with self.office.app.store.transaction() as tx:
            return list(tx.session.scalars(sa.select(col(Message.sha256))))

    @rule(again=st.booleans())
    def deliver(self, *, again: bool) -> None:
        """A new mail, or the very same bytes once more."""
        self.number += not again
        mail = b"Subject: %d\r\n\r\nHej\r\n" % self.number
        self.box.deliver(mail)
        self.ever.add(hashlib.sha256(mail).hexdigest())

    @rule()
    def poll_whole(self) -> None:
        self.box.cut = None
        self.poll()

    @rule(at=st.sampled_from([b"LIST", b"SEARCH", b"RFC822.SIZE", b"BODY", b"MOVE"]), after=st.booleans())
    def poll_and_break(self, at: bytes, *, after: bool) -> None:
        """The line drops at this command, done or not: to the program it is the same as being killed."""
        self.box.cut, self.box.cut_after = at, after
        with suppress(InboxUnavailableError):
            self.poll()

    @rule()
    def stored_and_killed(self) -> None:
        """The process dies after a batch was committed and before anything was moved."""
        with ImapInbox(self.server.account()) as inbox:
            inbox.uid_validity("INBOX")
            for batch in inbox.new_mails("INBOX", after_uid=0, seen_at=datetime.now(UTC)):
                intake.store_mails(self.office.app, batch, now=datetime.now(UTC))
                return

    @rule(every=st.integers(1, 3))
    def refuse(self, every: int) -> None:
        """The server keeps some of its mails back for now."""
        self.box.refused = {uid for uid in self.box.folders[INBOX] if uid % every == 0}

    @rule()
    def move_back(self) -> None:
        for uid in list(self.box.folders[DONE])[:2]:
            self.box.move(uid, DONE, INBOX)

    @rule()
    def expunge_done(self) -> None:
        """Somebody deletes a handled mail."""
        if self.box.folders[DONE]:
            self.box.folders[DONE].popitem()

    @rule(folder=st.sampled_from([INBOX, DONE]))
    def renumber(self, folder: bytes) -> None:
        self.box.renumber(folder)
        self.box.refused = set()

    @rule()
    def reconcile(self) -> None:
        self.box.cut = None
        with ImapInbox(self.server.account()) as inbox:
            found = poller.reconcile(self.office.app, "privacy", inbox)
        assert found is not None
        assert (found.unmoved, found.unknown, found.resized) == (0, 0, 0)

    @invariant()
    def one_step_each(self) -> None:
        """A mail is sorted once, however often it was seen."""
        with self.office.app.store.transaction() as tx:
            steps = list(tx.session.scalars(sa.select(col(Work.subject_id)).where(col(Work.step) == "sort")))
        assert len(steps) == len(set(steps)) == len(set(self.digests()))

    @invariant()
    def nothing_leaves_before_it_is_stored(self) -> None:
        lying_there = {hashlib.sha256(mail).hexdigest() for mail in self.box.folders[DONE].values()}
        assert lying_there <= set(self.digests())


TestIntake = Intake.TestCase
TestIntake.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
