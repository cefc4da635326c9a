"""Queries about letters, approvals and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import LetterRow, OutboxRow, PassPhrase, Request


class LetterQueries(Queries):
    """Letters from draft to sent."""

    def add_letter(self, letter: LetterRow, request_ids: Sequence[int]) -> LetterRow:
        """Store a letter without content yet, so that it has the id its content is sealed for."""
        self.session.add(letter)
        self.session.flush()
        self.session.add_all(
            tables.LetterRequest(letter_id=letter.id or 0, request_id=request_id) for request_id in request_ids
        )
        self.session.flush()
        return letter

    def add_annex(self, annex: tables.LetterAnnex) -> None:
        self.session.add(annex)
        self.session.flush()

    def letter(self, letter_id: int) -> LetterRow:
        return self.session.get_one(LetterRow, letter_id)

    def annexes(self, letter_id: int) -> Sequence[tables.LetterAnnex]:
        query = (
            select(tables.LetterAnnex)
            .where(tables.LetterAnnex.letter_id == letter_id)
            .order_by(col(tables.LetterAnnex.position))
        )
        return self.session.exec(query).all()

    def letters_of(self, request_id: int) -> Sequence[LetterRow]:
        """Letters that answer a request, newest first, void ones included."""
        query = (
            select(LetterRow)
            .join(tables.LetterRequest, col(tables.LetterRequest.letter_id) == LetterRow.id)
            .where(tables.LetterRequest.request_id == request_id)
            .order_by(col(LetterRow.id).desc())
        )
        return self.session.exec(query).all()

    def letters_of_case(self, case_id: int) -> Sequence[LetterRow]:
        """All letters of a case, oldest first."""
        return self.session.exec(
            select(LetterRow).where(LetterRow.case_id == case_id).order_by(col(LetterRow.id))
        ).all()

    def requests_of_letter(self, letter_id: int) -> Sequence[Request]:
        """The requests that a letter answers."""
        query = (
            select(Request)
            .join(tables.LetterRequest, col(tables.LetterRequest.request_id) == Request.id)
            .where(tables.LetterRequest.letter_id == letter_id)
            .order_by(col(Request.id))
        )
        return self.session.exec(query).all()

    def answered_by(self, row: OutboxRow) -> Sequence[Request]:
        """The requests that a mail answers; none for a notice, a question, a code, an acknowledgement."""
        return self.requests_of_letter(row.letter_id) if row.letter_id is not None else ()

    def add_approval(self, approval: tables.ApprovalRow) -> None:
        self.session.add(approval)
        self.session.flush()

    def approval_of(self, letter_id: int) -> tables.ApprovalRow | None:
        """The approval that holds, if any."""
        query = select(tables.ApprovalRow).where(
            tables.ApprovalRow.letter_id == letter_id, col(tables.ApprovalRow.voided_at).is_(None)
        )
        return self.session.exec(query).one_or_none()

    # ------------------------------------------------------------------------------------------------ pass-phrases

    def add_pass_phrase(self, row: PassPhrase) -> PassPhrase:
        self.session.add(row)
        self.session.flush()
        return row

    def pass_phrase(self, phrase_id: int) -> PassPhrase:
        return self.session.get_one(PassPhrase, phrase_id)

    def pass_phrase_of(self, letter_id: int) -> PassPhrase | None:
        """What opens the files of a letter; None if they are open."""
        return self.session.exec(select(PassPhrase).where(PassPhrase.letter_id == letter_id)).one_or_none()

    def pass_phrases(self, case_id: int) -> Sequence[PassPhrase]:
        """All of a case, oldest first."""
        return self.session.exec(
            select(PassPhrase).where(PassPhrase.case_id == case_id).order_by(col(PassPhrase.id))
        ).all()

    def pass_phrases_in_state(self, *states: str) -> Sequence[PassPhrase]:
        return self.session.exec(
            select(PassPhrase).where(col(PassPhrase.state).in_(states)).order_by(col(PassPhrase.id))
        ).all()

    def move_pass_phrase(self, row: PassPhrase, *, to: str, expected: str) -> bool:
        """Compare-and-set on its state; False if another process was first."""
        change = sa.update(PassPhrase).where(col(PassPhrase.id) == row.id, col(PassPhrase.state) == expected)
        result = self.session.execute(change.values(state=to))
        self.session.refresh(row)
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]

    # ----------------------------------------------------------------------------------------------------- outbox

    def add_outgoing(self, row: OutboxRow) -> OutboxRow:
        self.session.add(row)
        self.session.flush()
        return row

    def newest_outgoing(self) -> int:
        """Id of the newest outgoing mail that is committed; 0: there is none."""
        return self.session.scalar(sa.select(sa.func.max(OutboxRow.id))) or 0

    def outgoing(self, outbox_id: int) -> OutboxRow:
        return self.session.get_one(OutboxRow, outbox_id)

    def outgoing_of_letter(self, letter_id: int) -> Sequence[OutboxRow]:
        """The mails, or the paper, by which a letter travels, in order."""
        query = select(OutboxRow).where(OutboxRow.letter_id == letter_id).order_by(col(OutboxRow.part))
        return self.session.exec(query).all()

    def outgoing_of_case(self, case_id: int) -> Sequence[OutboxRow]:
        return self.session.exec(
            select(OutboxRow).where(OutboxRow.case_id == case_id).order_by(col(OutboxRow.id))
        ).all()

    def outgoing_by_message_id(self, message_id: str) -> OutboxRow | None:
        return self.session.exec(select(OutboxRow).where(OutboxRow.message_id == message_id)).one_or_none()

    def outgoing_in_state(self, state: str) -> Sequence[OutboxRow]:
        return self.session.exec(select(OutboxRow).where(OutboxRow.state == state).order_by(col(OutboxRow.id))).all()

    def move_outgoing(self, row: OutboxRow, *, to: str, expected: str, **changes: object) -> bool:
        """
        Compare-and-set on the state of an outgoing mail.

        Args: row: as the caller saw it, it is brought up to date.
        Returns: False if another process was first.
        """
        result = self.session.execute(
            sa.update(OutboxRow)
            .where(col(OutboxRow.id) == row.id, col(OutboxRow.state) == expected)
            .values(state=to, **changes)
        )
        current = self.session.get_one(OutboxRow, row.id, populate_existing=True)
        if current is not row:  # the caller read it in an earlier transaction
            for name in OutboxRow.model_fields:
                set_committed_value(row, name, getattr(current, name))
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]

    def handed_over(self, *, before_the_last: int, until: datetime) -> datetime | None:
        """
        When the mail was handed over that so many others have followed since; None if there were not so many.

        Args: until: what was handed over later was so by a clock that had leapt, and counts no more.
        """
        times = select(OutboxRow.sending_at).where(col(OutboxRow.sending_at) <= until)
        latest_first = times.order_by(col(OutboxRow.sending_at).desc())
        return self.session.exec(latest_first.offset(before_the_last).limit(1)).first()
