"""Queries about mailboxes and the mails that were seen in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.model import RawMail
from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import CaseFile, Message, OutboxRow, Sighting, Task

#: How a message begins.
_NEW = {"status": "new", "attempts": 0, "last_error": ""}

#: Minutes until a mail that the server would not give is asked for again, by number of tries; after the last: never.
_FETCH_AGAIN_MINUTES = (1, 5, 15, 60, 240, 720, 1440, 1440, 1440)


class MailQueries(Queries):
    """Mails: stored once by their bytes, seen any number of times."""

    def last_uid(self, mailbox: str, folder: str, uid_validity: int) -> int:
        """UID up to which everything is stored; 0 in an epoch not seen before: then all is read anew."""
        row = self.session.get(tables.Folder, (mailbox, folder))
        return row.last_uid if row is not None and row.uid_validity == uid_validity else 0

    def mark_read(self, mailbox: str, folder: str, uid_validity: int, *, last_uid: int, now: datetime) -> None:
        """Everything up to *last_uid* of this epoch is stored; a mail that is had later does not lower the mark."""
        row = self.session.get(tables.Folder, (mailbox, folder))
        if row is None:
            row = tables.Folder(
                mailbox=mailbox, folder=folder, uid_validity=uid_validity, last_uid=last_uid, polled_at=now
            )
        row.last_uid = max(last_uid, row.last_uid) if row.uid_validity == uid_validity else last_uid
        row.uid_validity = uid_validity
        row.polled_at = now
        self.session.add(row)

    def mark_polled(self, mailbox: str, folder: str, uid_validity: int, *, now: datetime) -> None:
        """A look into this folder ended well, whether or not it brought anything."""
        row = self.session.get(tables.Folder, (mailbox, folder))
        if row is None or row.uid_validity != uid_validity:
            row = self.session.merge(
                tables.Folder(mailbox=mailbox, folder=folder, uid_validity=uid_validity, last_uid=0, polled_at=now)
            )
        row.polled_at = now
        self.session.add(row)

    def folders(self) -> Sequence[tables.Folder]:
        """Every folder that was ever read, for the watchdog."""
        return self.session.exec(select(tables.Folder).order_by(tables.Folder.mailbox, tables.Folder.folder)).all()

    def stored(self, digests: Collection[str]) -> set[str]:
        """Those of the SHA-256 *digests* whose bytes are stored."""
        return set(
            self.session.exec(select(tables.RawContent.sha256).where(col(tables.RawContent.sha256).in_(digests)))
        )

    def add_mails(self, mails: Sequence[RawMail], *, sealed: Mapping[str, bytes], now: datetime) -> list[int]:
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
        known = self.messages_of(arrivals)
        for message in known:
            message.received_at = min(message.received_at, arrivals[message.sha256].received_at)
        self._insert_all_new(
            tables.RawContent,
            [
                {"sha256": digest, "size": arrivals[digest].size, "sealed_content": content}
                for digest, content in sealed.items()
            ],
        )
        self._add_sightings(mails)
        self._insert_all_new(
            Message,
            [
                {
                    "sha256": digest,
                    "mailbox": mail.mailbox,
                    "received_at": mail.received_at,
                    "stored_at": now,
                    **_NEW,
                }
                for digest, mail in arrivals.items()
            ],
        )
        new = set(arrivals) - {message.sha256 for message in known}
        query = select(Message.id).where(col(Message.sha256).in_(new)).order_by(col(Message.id))
        return [message_id or 0 for message_id in self.session.exec(query)]

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
                "stated_size": mail.stated_size,
                "attempts": 0,
            }
            for mail in mails
        ]
        self._insert_all_new(Sighting, rows)
        lost = {(each.mailbox, each.folder, each.uid_validity, each.uid): each for each in self.unfetched()}
        for mail in mails:
            if found := lost.get((mail.mailbox, mail.folder, mail.uid_validity, mail.uid)):
                found.sha256, found.received_at = mail.sha256, mail.received_at
                found.stated_size, found.retry_at = mail.stated_size, None

    def raw(self, sha256: str) -> bytes:
        """Sealed bytes of a mail that is stored."""
        return self.session.exec(
            select(tables.RawContent.sealed_content).where(tables.RawContent.sha256 == sha256)
        ).one()

    def raw_each(self, digests: Collection[str]) -> dict[str, bytes]:
        """{sha256: sealed bytes} of mails that are stored."""
        query = select(tables.RawContent.sha256, tables.RawContent.sealed_content).where(
            col(tables.RawContent.sha256).in_(digests)
        )
        return dict(self.session.exec(query).all())

    def raw_pieces(self, sha256: str) -> Iterator[bytes]:
        """Sealed pieces of a big mail, in order."""
        query = (
            select(tables.RawPiece.sealed_content)
            .where(tables.RawPiece.sha256 == sha256)
            .order_by(col(tables.RawPiece.position))
        )
        yield from self.session.exec(query.execution_options(yield_per=1))

    def add_raw_pieces(self, sha256: str, sealed: Iterable[bytes]) -> None:
        """Store the sealed pieces of a big mail, one after the other."""
        for position, content in enumerate(sealed):
            self._insert_all_new(tables.RawPiece, [{"sha256": sha256, "position": position, "sealed_content": content}])

    # ------------------------------------------------------------------------------------------- hard to get

    def note_lost(self, mailbox: str, folder: str, uid_validity: int, uids: Sequence[int], *, now: datetime) -> None:
        """Note mails that are there and that the server will not give; each is asked for again, later and later."""
        for uid in uids:
            row = Sighting(mailbox=mailbox, folder=folder, uid_validity=uid_validity, uid=uid, received_at=None)
            self._insert_new(row)
            known = self.session.get_one(Sighting, (mailbox, folder, uid_validity, uid))
            if known.sha256 is None:
                again = dict(enumerate(_FETCH_AGAIN_MINUTES)).get(known.attempts)
                known.attempts += 1
                known.retry_at = None if again is None else now + timedelta(minutes=again)

    def to_fetch_again(self, mailbox: str, folder: str, uid_validity: int, *, now: datetime) -> Sequence[int]:
        """UIDs of mails that the server would not give and that are due to be asked for again, ascending."""
        query = select(Sighting.uid).where(*_in(mailbox, folder, uid_validity), col(Sighting.retry_at) <= now)
        return self.session.exec(query.order_by(col(Sighting.uid))).all()

    def add_bystander(self, mail: RawMail) -> None:
        """Note a mail that lies in the done folder without having been moved there."""
        self._add_sightings([mail])

    def mark_gone(self, mailbox: str, folder: str, uid_validity: int, uids: Sequence[int], *, now: datetime) -> None:
        """These mails are no longer there."""
        self._update_sightings(mailbox, folder, uid_validity, {uid: {"gone_at": now, "retry_at": None} for uid in uids})

    def forget_lost(self, mailbox: str, folder: str, uid_validity: int, *, now: datetime) -> None:
        """Mails of other epochs that the server would not give have new UIDs, under which they are seen anew."""
        self.session.execute(
            sa.update(Sighting)
            .where(
                col(Sighting.sha256).is_(None),
                col(Sighting.gone_at).is_(None),
                col(Sighting.mailbox) == mailbox,
                col(Sighting.folder) == folder,
                col(Sighting.uid_validity) != uid_validity,
            )
            .values(gone_at=now, retry_at=None)
        )

    def unfetched(self) -> Sequence[Sighting]:
        """Mails that the server would not give; they still lie in their folder."""
        query = select(Sighting).where(col(Sighting.sha256).is_(None), col(Sighting.gone_at).is_(None))
        return self.session.exec(query).all()

    # ------------------------------------------------------------------------------------------------ moved

    def unmoved(self, mailbox: str, folder: str, uid_validity: int) -> Sequence[int]:
        """UIDs that are stored but not known to be moved to the done folder, ascending."""
        query = (
            select(Sighting.uid)
            .where(
                *_in(mailbox, folder, uid_validity),
                col(Sighting.moved_at).is_(None),
                col(Sighting.sha256).is_not(None),
            )
            .order_by(col(Sighting.uid))
        )
        return self.session.exec(query).all()

    def mark_moved(
        self,
        mailbox: str,
        folder: str,
        uid_validity: int,
        uids: Sequence[int],
        *,
        now: datetime,
        places: Mapping[int, tuple[int, int]],
    ) -> None:
        """
        These sightings now lie in the done folder.

        Args: places: {UID: (UIDVALIDITY, UID) in the done folder}, as far as the server told.
        """
        self._update_sightings(
            mailbox,
            folder,
            uid_validity,
            {
                uid: {"moved_at": now, "done_uid_validity": epoch, "done_uid": done}
                for uid in uids
                for epoch, done in [places.get(uid, (None, None))]
            },
        )

    def _update_sightings(
        self, mailbox: str, folder: str, uid_validity: int, values: Mapping[int, Mapping[str, object]]
    ) -> None:
        """Set columns of sightings of one folder, {UID: {column: value}}; each names the same columns."""
        place = {"mailbox": mailbox, "folder": folder, "uid_validity": uid_validity}
        if values:
            self.session.execute(sa.update(Sighting), [{**place, "uid": uid, **each} for uid, each in values.items()])

    def message_of(self, sha256: str) -> Message:
        """The message row of bytes that are stored."""
        return self.session.exec(select(Message).where(Message.sha256 == sha256)).one()

    def messages_of(self, digests: Collection[str]) -> Sequence[Message]:
        """The message rows of those bytes that are stored."""
        return self.session.exec(select(Message).where(col(Message.sha256).in_(digests))).all()

    def message(self, message_id: int, *, keep: bool = False) -> Message | None:
        """Args: keep: nobody else shall change it until this transaction ends."""
        return self.session.get(Message, message_id, with_for_update=keep or None, populate_existing=keep)

    def unsorted(self, message_id: int) -> Message | None:
        """
        The message if nobody has sorted it; nobody else shall until this transaction ends.

        Of two workers that have read a mail one acts on it, also if one has taken the step over from the other (P1).
        """
        return next(iter(self.new_messages([message_id], keep=True)), None)

    def new_messages(self, message_ids: Collection[int], *, keep: bool = False) -> Sequence[Message]:
        """
        Those of these messages that nobody has sorted, in order.

        Args: keep: nobody else shall until this transaction ends.
        """
        query = select(Message).where(col(Message.id).in_(message_ids), Message.status == "new")
        if keep:
            query = query.with_for_update()
        return self.session.exec(query.order_by(col(Message.id))).all()

    def file_messages(self, filed: Mapping[int, tuple[str, str, Sequence[str]]]) -> None:
        """Give each of {id: (disposition, status, flags)} its one disposition, and what triage saw about it."""
        values = [
            {"id": message_id, "disposition": disposition, "status": status, "flags": list(flags)}
            for message_id, (disposition, status, flags) in filed.items()
        ]
        if values:
            self.session.execute(sa.update(Message), values)

    def known_traces(self, traces: Collection[str]) -> set[str]:
        """Those of Message-IDs, blind indexes and references that a mail of ours or a case has."""
        known: set[str] = set()
        for column in (OutboxRow.message_id, tables.CaseIndex.digest, CaseFile.reference, Task.reference):
            known.update(self.session.exec(select(column).where(col(column).in_(traces))))
        return known

    def flag_message(self, message_id: int, flags: Sequence[str]) -> None:
        """Note what triage saw about a mail, for the queue."""
        self.session.get_one(Message, message_id).flags = list(flags)

    def messages_waiting(self) -> Sequence[Message]:
        """Mails that wait for a person, oldest first."""
        query = (
            select(Message).where(col(Message.status).in_(("person", "quarantine"))).order_by(col(Message.received_at))
        )
        return self.session.exec(query).all()

    def messages_filed(self) -> Sequence[Message]:
        """Mails that ended without a case and wait for nobody, newest first, until their time is up."""
        query = (
            select(Message)
            .where(
                Message.status == "sorted",
                col(Message.case_id).is_(None),
                col(Message.purged_at).is_(None),
                Message.disposition != "internal",
            )
            .order_by(col(Message.received_at).desc())
        )
        return self.session.exec(query).all()

    def case_messages(self, case_id: int) -> Sequence[tuple[tables.CaseMessage, Message]]:
        """The thread of a case, oldest first."""
        query = (
            select(tables.CaseMessage, Message)
            .join(Message, col(Message.id) == tables.CaseMessage.message_id)
            .where(tables.CaseMessage.case_id == case_id)
            .order_by(col(Message.received_at), col(Message.id))
        )
        return self.session.exec(query).all()

    def cases_of_message(self, message_id: int) -> Sequence[CaseFile]:
        """The cases that a mail belongs to."""
        query = (
            select(CaseFile)
            .join(tables.CaseMessage, col(tables.CaseMessage.case_id) == CaseFile.id)
            .where(tables.CaseMessage.message_id == message_id)
            .order_by(col(CaseFile.id))
        )
        return self.session.exec(query).all()

    def join_case(self, case_id: int, message_id: int, *, role: str, sealed_triage: bytes) -> None:
        """Make a mail part of a case."""
        if self.session.get(tables.CaseMessage, (case_id, message_id)) is None:
            self.session.add(
                tables.CaseMessage(case_id=case_id, message_id=message_id, role=role, sealed_triage=sealed_triage)
            )
        message = self.session.get(Message, message_id)
        if message is not None and message.case_id is None:
            message.case_id = case_id
        self.session.flush()

    def message_counts(self) -> dict[str, int]:
        """{status: number of mails}."""
        query = select(Message.status, sa.func.count()).group_by(Message.status)
        return {status: int(count) for status, count in self.session.exec(query)}


def _in(mailbox: str, folder: str, uid_validity: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Sighting.mailbox) == mailbox,
        col(Sighting.folder) == folder,
        col(Sighting.uid_validity) == uid_validity,
    )
