"""Queries about mailboxes and the mails that were seen in them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.model import RawMail
from dsar.store.base import Queries
from dsar.store.tables import CaseMessage, Folder, Message, RawContent, Sighting

#: How a message begins.
_NEW = {"status": "new", "attempts": 0, "last_error": ""}


class MailQueries(Queries):
    """Mails: stored once by their bytes, seen any number of times."""

    def last_uid(self, mailbox: str, folder: str, uid_validity: int) -> int:
        """UID up to which everything is stored; 0 in an epoch not seen before: then all is read anew."""
        row = self.session.get(Folder, (mailbox, folder))
        return row.last_uid if row is not None and row.uid_validity == uid_validity else 0

    def mark_read(self, mailbox: str, folder: str, uid_validity: int, *, last_uid: int, now: datetime) -> None:
        """Everything up to *last_uid* of this epoch is stored."""
        row = self.session.get(Folder, (mailbox, folder))
        if row is None:
            row = Folder(mailbox=mailbox, folder=folder, uid_validity=uid_validity, last_uid=last_uid, polled_at=now)
        row.uid_validity = uid_validity
        row.last_uid = last_uid
        row.polled_at = now
        self.session.add(row)

    def mark_polled(self, mailbox: str, folder: str, uid_validity: int, *, now: datetime) -> None:
        """A look into this folder ended well, whether or not it brought anything."""
        row = self.session.get(Folder, (mailbox, folder))
        if row is None or row.uid_validity != uid_validity:
            row = self.session.merge(
                Folder(mailbox=mailbox, folder=folder, uid_validity=uid_validity, last_uid=0, polled_at=now)
            )
        row.polled_at = now
        self.session.add(row)

    def folders(self) -> Sequence[Folder]:
        """Every folder that was ever read, for the watchdog."""
        return self.session.exec(select(Folder).order_by(Folder.mailbox, Folder.folder)).all()

    def stored(self, digests: Collection[str]) -> set[str]:
        """Those of the SHA-256 *digests* whose bytes are stored."""
        return set(self.session.exec(select(RawContent.sha256).where(col(RawContent.sha256).in_(digests))))

    def add_mails(self, mails: Sequence[RawMail], *, sealed: Mapping[str, bytes]) -> list[int]:
        """
        Store mails of one folder: bytes once, sightings, and a message row per mail not known yet.

        A known mail that arrived earlier than known moves its clock back.
        Args: sealed: {sha256: sealed bytes} of those not stored yet.
        Returns: ids of the new messages.
        """
        arrivals: dict[str, RawMail] = {}  # in the order in which they were seen; of the same bytes the earliest counts
        for mail in mails:
            if mail.received_at <= arrivals.setdefault(mail.sha256, mail).received_at:
                arrivals[mail.sha256] = mail
        known = self.session.exec(select(Message).where(col(Message.sha256).in_(arrivals))).all()
        for message in known:
            message.received_at = min(message.received_at, arrivals[message.sha256].received_at)
        self._insert_all_new(
            RawContent,
            [
                {"sha256": digest, "size": len(arrivals[digest].content), "sealed_content": content}
                for digest, content in sealed.items()
            ],
        )
        self._add_sightings(mails)
        self._insert_all_new(
            Message,
            [
                {"sha256": digest, "mailbox": mail.mailbox, "received_at": mail.received_at, **_NEW}
                for digest, mail in arrivals.items()
            ],
        )
        new = set(arrivals) - {message.sha256 for message in known}
        query = select(Message).where(col(Message.sha256).in_(new)).order_by(col(Message.id))
        return [message.id or 0 for message in self.session.exec(query)]

    def _add_sightings(self, mails: Sequence[RawMail]) -> None:
        """Note where mails were seen; one that the server would not give before counts as seen from now on."""
        rows = [
            {
                "mailbox": mail.mailbox,
                "folder": mail.folder,
                "uid_validity": mail.uid_validity,
                "uid": mail.uid,
                "sha256": mail.sha256,
                "received_at": mail.received_at,
            }
            for mail in mails
        ]
        self._insert_all_new(Sighting, rows)
        lost = {(each.mailbox, each.folder, each.uid_validity, each.uid): each for each in self.unfetched()}
        for mail in mails:
            if found := lost.get((mail.mailbox, mail.folder, mail.uid_validity, mail.uid)):
                found.sha256, found.received_at = mail.sha256, mail.received_at

    def raw(self, sha256: str) -> bytes:
        """Sealed bytes of a mail that is stored."""
        return self.session.exec(select(RawContent.sealed_content).where(RawContent.sha256 == sha256)).one()

    def add_lost(self, mailbox: str, folder: str, uid_validity: int, uid: int) -> None:
        """Note a mail that is there and that the server will not give."""
        self._insert_new(Sighting(mailbox=mailbox, folder=folder, uid_validity=uid_validity, uid=uid, received_at=None))

    def unfetched(self) -> Sequence[Sighting]:
        """Mails that the server would not give; they still lie in their folder."""
        return self.session.exec(select(Sighting).where(col(Sighting.sha256).is_(None))).all()

    def unmoved(self, mailbox: str, folder: str, uid_validity: int) -> Sequence[int]:
        """UIDs that are stored but not known to be moved to the done folder, ascending."""
        query = (
            select(Sighting.uid)
            .where(
                Sighting.mailbox == mailbox,
                Sighting.folder == folder,
                Sighting.uid_validity == uid_validity,
                col(Sighting.moved_at).is_(None),
                col(Sighting.sha256).is_not(None),
            )
            .order_by(col(Sighting.uid))
        )
        return self.session.exec(query).all()

    def mark_moved(self, mailbox: str, folder: str, uid_validity: int, uids: Sequence[int], now: datetime) -> None:
        """These sightings now lie in the done folder."""
        self.session.execute(
            sa.update(Sighting)
            .where(
                col(Sighting.mailbox) == mailbox,
                col(Sighting.folder) == folder,
                col(Sighting.uid_validity) == uid_validity,
                col(Sighting.uid).in_(uids),
            )
            .values(moved_at=now)
        )

    def message_of(self, sha256: str) -> Message:
        """The message row of bytes that are stored."""
        return self.session.exec(select(Message).where(Message.sha256 == sha256)).one()

    def message(self, message_id: int) -> Message | None:
        return self.session.get(Message, message_id)

    def flag_message(self, message_id: int, flags: Sequence[str]) -> None:
        """Note what triage saw about a mail, for the queue."""
        self.session.get_one(Message, message_id).flags = list(flags)

    def messages_waiting(self) -> Sequence[Message]:
        """Mails that wait for a person and belong to no case: oldest first."""
        query = (
            select(Message).where(col(Message.status).in_(("person", "quarantine"))).order_by(col(Message.received_at))
        )
        return self.session.exec(query).all()

    def messages_filed(self) -> Sequence[Message]:
        """Mails that ended without a case and wait for nobody, newest first, until their time is up."""
        query = (
            select(Message)
            .where(Message.status == "sorted", col(Message.case_id).is_(None), Message.disposition != "internal")
            .order_by(col(Message.received_at).desc())
        )
        return self.session.exec(query).all()

    def case_messages(self, case_id: int) -> Sequence[tuple[CaseMessage, Message]]:
        """The thread of a case, oldest first."""
        query = (
            select(CaseMessage, Message)
            .join(Message, col(Message.id) == CaseMessage.message_id)
            .where(CaseMessage.case_id == case_id)
            .order_by(col(Message.received_at), col(Message.id))
        )
        return self.session.exec(query).all()

    def join_case(self, case_id: int, message_id: int, *, role: str, sealed_triage: bytes) -> None:
        """Make a mail part of a case."""
        if self.session.get(CaseMessage, (case_id, message_id)) is None:
            self.session.add(
                CaseMessage(case_id=case_id, message_id=message_id, role=role, sealed_triage=sealed_triage)
            )
        message = self.session.get(Message, message_id)
        if message is not None and message.case_id is None:
            message.case_id = case_id
        self.session.flush()

    def message_counts(self) -> dict[str, int]:
        """{status: number of mails}."""
        query = select(Message.status, sa.func.count()).group_by(Message.status)
        return {status: int(count) for status, count in self.session.exec(query)}
