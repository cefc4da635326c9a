"""Queries about what has been kept long enough, and its removal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from dsar.lifecycle import Outcome, State
from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import (
    CaseFile,
    Challenge,
    LetterRow,
    Message,
    OutboxRow,
    PassPhrase,
    RecipientNotice,
    Request,
    Sighting,
    SystemRow,
    Task,
)

_GONE = b""
#: So many rows are held at once, however many are due.
_FEW_AT_ONCE = {"yield_per": 500}
#: How the references of cases begin whose register line is gone.
_PAST = "past-"

_UNSENT = (col(LetterRow.status).in_(("draft", "void")),)

_Found = TypeVar("_Found")


def _working_tables() -> tuple[type[SQLModel], ...]:
    """What of a case is a working copy, needed until its letter is out."""
    return (SystemRow, tables.Decision, tables.Redaction, tables.CaseDocument)


def _personal_tables() -> tuple[type[SQLModel], ...]:
    """What of a case says who it is about; goes with its content."""
    return (tables.CaseIndex, Challenge, PassPhrase, *_working_tables())


class RetentionQueries(Queries):
    """Whatever is here deletes for good; the caller destroys the keys (promise P9)."""

    # ---------------------------------------------------------------------------------------------- what is due
    # Everywhere, most: so many at the most, the oldest first; None: all.

    def _each(self, query: SelectOfScalar[_Found], most: int | None) -> Iterator[_Found]:
        """A few at a time, for of years there are many."""
        yield from self.session.exec(query.limit(most).execution_options(**_FEW_AT_ONCE))

    def ended_cases(
        self, *, before: datetime, most: int | None = None, only: Outcome | None = None
    ) -> Iterator[CaseFile]:
        """
        Cases with content whose last request was closed *before*, and that no hold and no mail that waits for a person
        keeps, oldest first.

        Args: only: those all of whose requests ended so.
        """
        return self._each(self._ended(before=before, only=only), most)

    def _ended(self, *, before: datetime, only: Outcome | None = None) -> SelectOfScalar[CaseFile]:
        open_ones = sa.func.sum(sa.case((col(Request.state) != State.CLOSED, 1), else_=0))
        others = sa.func.sum(sa.case((col(Request.outcome) != only, 1), else_=0))
        ended = (
            select(Request.case_id)
            .group_by(col(Request.case_id))
            .having(open_ones == 0, sa.func.max(Request.closed_at) < before, *([others == 0] if only else []))
        )
        unread = (
            select(tables.CaseMessage.case_id)
            .join(Message, col(Message.id) == tables.CaseMessage.message_id)
            .where(col(Message.status).in_(("person", "quarantine")))
        )
        query = select(CaseFile).where(
            col(CaseFile.id).in_(ended),
            col(CaseFile.id).not_in(unread),
            col(CaseFile.purged_at).is_(None),
            col(CaseFile.legal_hold).is_(False),
        )
        return query.order_by(col(CaseFile.id))

    def cases_with_findings(self, *, before: datetime, most: int | None = None) -> Iterator[CaseFile]:
        """Those of the ended cases of which search results, or letters that were never sent, are kept."""
        unsent = select(LetterRow.case_id).where(*_UNSENT, LetterRow.sealed_content != _GONE)
        found = col(CaseFile.id).in_(select(SystemRow.case_id)), col(CaseFile.id).in_(unsent)
        return self._each(self._ended(before=before).where(sa.or_(*found)), most)

    def letters_with_data(self, *, before: datetime, most: int | None = None) -> Iterator[tuple[LetterRow, CaseFile]]:
        """Letters sent *before* whose annexes are still kept, of cases that no hold keeps."""
        annexed = select(tables.LetterAnnex.letter_id).where(tables.LetterAnnex.sealed_content != _GONE)
        sent = select(OutboxRow.letter_id).where(OutboxRow.state == "sent", col(OutboxRow.sent_at) < before)
        query = (
            select(LetterRow, CaseFile)
            .join(CaseFile, col(CaseFile.id) == LetterRow.case_id)
            .where(col(LetterRow.id).in_(annexed), col(LetterRow.id).in_(sent), col(CaseFile.legal_hold).is_(False))
        )
        query = query.order_by(col(LetterRow.id)).limit(most)
        yield from self.session.exec(query.execution_options(**_FEW_AT_ONCE))

    def noise(self, *, before: datetime, most: int | None = None) -> Iterator[Message]:
        """
        Mails of no case that were filed, came *before* and whose bytes are kept.

        One that lay on the server for a year can be looked at as long as another.
        """
        query = (
            select(Message)
            .join(tables.RawContent, col(tables.RawContent.sha256) == Message.sha256)
            .where(
                Message.status == "sorted",
                col(Message.case_id).is_(None),
                col(Message.purged_at).is_(None),  # before the bytes of all mails that ever came are looked for
                Message.received_at < before,
                sa.func.coalesce(Message.stored_at, Message.received_at) < before,
            )
        )
        return self._each(query.order_by(col(Message.id)), most)

    def mails_of_no_other_case(self, case_id: int) -> Sequence[Message]:
        """Mails of this case that belong to no other case whose content is kept."""
        elsewhere = (
            select(tables.CaseMessage.message_id)
            .join(CaseFile, col(CaseFile.id) == tables.CaseMessage.case_id)
            .where(tables.CaseMessage.case_id != case_id, col(CaseFile.purged_at).is_(None))
        )
        query = (
            select(Message)
            .join(tables.CaseMessage, col(tables.CaseMessage.message_id) == Message.id)
            .where(tables.CaseMessage.case_id == case_id, col(Message.id).not_in(elsewhere))
        )
        return self.session.exec(query).all()

    def register_lines(self, *, before: datetime, most: int | None = None) -> Iterator[CaseFile]:
        """Purged cases that were closed *before* and still have a reference of their own."""
        last = select(Request.case_id).group_by(col(Request.case_id)).having(sa.func.max(Request.closed_at) < before)
        query = select(CaseFile).where(
            col(CaseFile.id).in_(last), col(CaseFile.purged_at).is_not(None), ~col(CaseFile.reference).startswith(_PAST)
        )
        return self._each(query.order_by(col(CaseFile.id)), most)

    # ------------------------------------------------------------------------------------------------- removing

    def remove_mail(self, message: Message, *, now: datetime) -> None:
        """The bytes of a mail go; that it came, and when, stays."""
        for table in (tables.RawContent, tables.RawPiece):
            self.session.execute(sa.delete(table).where(col(table.sha256) == message.sha256))
        message.purged_at = now
        self.session.add(message)

    def remove_findings(self, case_id: int) -> None:
        """Search results, decisions about them, and letters that were never sent."""
        self._delete(_working_tables(), case_id)
        tasks = select(Task.id).where(Task.case_id == case_id)
        answers = sa.update(tables.TaskAnswer).where(col(tables.TaskAnswer.task_id).in_(tasks))
        self.session.execute(answers.values(sealed_content=_GONE))
        self._empty_letters([col(LetterRow.case_id) == case_id, *_UNSENT])

    def remove_data(self, letter_id: int) -> None:
        """What a letter brought, the mail that carried it, and what opened that; names and hashes stay as proof."""
        self.session.execute(
            sa.update(tables.LetterAnnex)
            .where(col(tables.LetterAnnex.letter_id) == letter_id)
            .values(sealed_content=_GONE)
        )
        self.session.execute(
            sa.update(OutboxRow).where(col(OutboxRow.letter_id) == letter_id).values(sealed_mime=_GONE)
        )
        self.session.execute(
            sa.update(PassPhrase)
            .where(col(PassPhrase.letter_id) == letter_id)
            .values(sealed_phrase=_GONE, sealed_contact=_GONE)
        )

    def remove_case(self, case: CaseFile, *, now: datetime) -> None:
        """
        All content of a case. What stays names nobody: times, outcomes, who approved, hashes of what was sent.
        """
        case_id = case.id or 0
        self._empty_letters([col(LetterRow.case_id) == case_id])
        requests = select(Request.id).where(Request.case_id == case_id)
        empty = {"sealed_steps": _GONE, "sealed_outcomes": None}
        self.session.execute(
            sa.update(tables.ChangePlan).where(col(tables.ChangePlan.request_id).in_(requests)).values(empty)
        )
        plans = select(tables.ChangePlan.id).where(col(tables.ChangePlan.request_id).in_(requests))
        self.session.execute(
            sa.update(tables.LedgerEntry).where(col(tables.LedgerEntry.plan_id).in_(plans)).values(sealed_jobs=None)
        )
        mails = {"sealed_mime": _GONE, "sealed_recipient": _GONE}
        self.session.execute(sa.update(OutboxRow).where(col(OutboxRow.case_id) == case_id).values(mails))
        words = {"sealed_grounds": None, "sealed_note": None}
        self.session.execute(sa.update(Request).where(col(Request.case_id) == case_id).values(words))
        self.session.execute(sa.delete(tables.PlanLine).where(col(tables.PlanLine.request_id).in_(requests)))
        told = sa.update(RecipientNotice).where(col(RecipientNotice.request_id).in_(requests))
        self.session.execute(told.values(address=""))  # of somebody at the recipient
        self._delete((*_personal_tables(), tables.CaseMessage), case_id)
        case.sealed_subject = None
        case.identity_reason = ""
        case.flags = []
        case.undecided = case.unredacted = case.documents_open = 0
        case.purged_at = now
        self.session.add(case)
        self.session.flush()

    def remove_register_line(self, case: CaseFile) -> None:
        """The last that ties times and outcomes to one matter; they stay for the statistics."""
        letters = select(LetterRow.id).where(LetterRow.case_id == case.id)
        requests = select(Request.id).where(Request.case_id == case.id)
        self.session.execute(sa.delete(RecipientNotice).where(col(RecipientNotice.request_id).in_(requests)))
        plans = select(tables.ChangePlan.id).join(Request, col(Request.id) == tables.ChangePlan.request_id)
        plans = plans.where(Request.case_id == case.id)
        self.session.execute(sa.delete(tables.LedgerEntry).where(col(tables.LedgerEntry.plan_id).in_(plans)))
        for table in (tables.ChangePlan, tables.ApprovalRow, tables.LetterAnnex, tables.LetterRequest, OutboxRow):
            self.session.execute(sa.delete(table).where(sa.column("letter_id").in_(letters)))
        self._delete((OutboxRow, LetterRow), case.id or 0)
        case.reference = f"{_PAST}{case.id}"
        case.handler = None
        self.session.add(case)
        self.session.flush()

    # -------------------------------------------------------------------------------------- copies in mailboxes

    def handled_copies_left(self, mailbox: str) -> Sequence[Sighting]:
        """Mails in the done folder, at a known place, whose bytes are no longer kept here."""
        query = (
            select(Sighting)
            .outerjoin(tables.RawContent, col(tables.RawContent.sha256) == Sighting.sha256)
            .join(Message, col(Message.sha256) == Sighting.sha256)
            .where(
                Sighting.mailbox == mailbox,
                col(Sighting.done_uid).is_not(None),
                col(Sighting.gone_at).is_(None),
                col(tables.RawContent.sha256).is_(None),
                col(Message.purged_at).is_not(None),
            )
        )
        return self.session.exec(query.order_by(col(Sighting.done_uid))).all()

    def sent_copies_left(self) -> Sequence[OutboxRow]:
        """Mails with a copy in the sent folder, whose content is no longer kept here."""
        query = select(OutboxRow).where(
            OutboxRow.state == "sent", OutboxRow.sealed_mime == _GONE, col(OutboxRow.copy_gone_at).is_(None)
        )
        return self.session.exec(query.order_by(col(OutboxRow.id))).all()

    def note_copies_gone(self, rows: Sequence[Sighting | OutboxRow], *, now: datetime) -> None:
        """These copies are no longer in the mailbox."""
        for row in rows:
            setattr(row, "gone_at" if isinstance(row, Sighting) else "copy_gone_at", now)
            self.session.merge(row)

    # ---------------------------------------------------------------------------------------------------- parts

    def _delete(self, tables: Sequence[type[SQLModel]], case_id: int) -> None:
        for table in tables:
            self.session.execute(sa.delete(table).where(sa.column("case_id") == case_id))

    def _empty_letters(self, which: Sequence[sa.ColumnElement[bool]]) -> None:
        letters = select(LetterRow.id).where(*which)
        annexes = sa.update(tables.LetterAnnex).where(col(tables.LetterAnnex.letter_id).in_(letters))
        self.session.execute(annexes.values(sealed_content=_GONE))
        self.session.execute(sa.update(LetterRow).where(*which).values(sealed_content=_GONE))
