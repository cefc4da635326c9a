"""Queries about change plans, what was done of them, suppressions and duties."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import Duty, RecipientNotice, Request

#: Kinds of duty. The program does the first two on their day; the third is done after a restored backup.
ERASE_LATER, VERIFY_AGAIN, DO_NOT_RESTORE = "erase_later", "verify_again", "do_not_restore"
DONE_BY_PROGRAM = frozenset({ERASE_LATER, VERIFY_AGAIN})


class PlanQueries(Queries):
    """Change plans from draft to verified outcome."""

    def add_plan(self, plan: tables.ChangePlan) -> tables.ChangePlan:
        self.session.add(plan)
        self.session.flush()
        return plan

    def plan_of_letter(self, letter_id: int) -> tables.ChangePlan | None:
        """The plan whose expected outcome a letter tells."""
        return self.session.exec(
            select(tables.ChangePlan).where(tables.ChangePlan.letter_id == letter_id)
        ).one_or_none()

    def applied_plans(self, request_id: int) -> Sequence[tables.ChangePlan]:
        """Plans of a request that were carried out, in whole or in part, oldest first."""
        query = (
            select(tables.ChangePlan)
            .where(tables.ChangePlan.request_id == request_id, col(tables.ChangePlan.sealed_outcomes).is_not(None))
            .order_by(col(tables.ChangePlan.id))
        )
        return self.session.exec(query).all()

    def plans_of(self, request_id: int) -> Sequence[tables.ChangePlan]:
        """All plans of a request, oldest first."""
        query = (
            select(tables.ChangePlan)
            .where(tables.ChangePlan.request_id == request_id)
            .order_by(col(tables.ChangePlan.id))
        )
        return self.session.exec(query).all()

    def ledger(self, plan_id: int, *, keep: bool = False) -> dict[int, tables.LedgerEntry]:
        """
        {position: entry} of the steps that were begun.

        Args: keep: nobody else shall change one until this transaction ends.
        """
        query = (
            select(tables.LedgerEntry)
            .where(tables.LedgerEntry.plan_id == plan_id)
            .order_by(col(tables.LedgerEntry.position))
        )
        return {entry.position: entry for entry in self.session.exec(query.with_for_update() if keep else query)}

    def is_begun(self, request: Request) -> bool:
        """Whether a step of any plan of *request* was begun."""
        return any(self.ledger(plan.id or 0) for plan in self.plans_of(request.id or 0))

    def keep_entry(self, entry: tables.LedgerEntry) -> None:
        """Write an entry, or write it anew."""
        self._write(entry)

    def keep_line(self, line: tables.PlanLine) -> None:
        """Keep a person's word on a record of a plan; a later one takes its place."""
        self._write(line)

    def remove_line(self, line: tables.PlanLine) -> None:
        self.session.delete(line)
        self.session.flush()

    def lines_of(self, request_id: int) -> dict[str, tables.PlanLine]:
        """{blind index of a record: a person's word on it}"""
        query = select(tables.PlanLine).where(tables.PlanLine.request_id == request_id)
        return {line.record_index: line for line in self.session.exec(query)}

    def suppress(self, suppression: tables.Suppression) -> None:
        """Add a contact point to the list of those that get no marketing; an older entry stays as it is."""
        self._insert_new(suppression)

    def end_suppressions(self, digests: Collection[str]) -> int:
        """Take contact points off the list; how many were on it."""
        result = self.session.execute(sa.delete(tables.Suppression).where(col(tables.Suppression.digest).in_(digests)))
        return int(result.rowcount)  # type: ignore[attr-defined]

    def all_suppressions(self) -> Sequence[tables.Suppression]:
        """The whole list, the oldest entry first."""
        return self.session.exec(
            select(tables.Suppression).order_by(col(tables.Suppression.since), col(tables.Suppression.digest))
        ).all()

    def add_notice(self, notice: RecipientNotice) -> RecipientNotice:
        self.session.add(notice)
        self.session.flush()
        return notice

    def notice(self, notice_id: int) -> RecipientNotice | None:
        return self.session.get(RecipientNotice, notice_id)

    def notices(self, *, states: Collection[str] | None = None) -> Sequence[RecipientNotice]:
        """Notices to recipients, all or those in *states*, the oldest first."""
        query = select(RecipientNotice).order_by(col(RecipientNotice.id))
        if states is not None:
            query = query.where(col(RecipientNotice.state).in_(states))
        return self.session.exec(query).all()

    def notices_of(self, request_id: int) -> Sequence[RecipientNotice]:
        """The notices of one request, the oldest first."""
        query = select(RecipientNotice).where(RecipientNotice.request_id == request_id)
        return self.session.exec(query.order_by(col(RecipientNotice.id))).all()

    def add_duty(self, duty: Duty) -> None:
        self.session.add(duty)
        self.session.flush()

    def open_duties(self, *, due_by: date | None = None) -> Sequence[Duty]:
        """
        Duties not done yet, the next one first; with *due_by* only those due by then.

        What must not come back from a backup is on a list of its own.
        """
        query = select(Duty).where(col(Duty.done_at).is_(None), Duty.kind != DO_NOT_RESTORE)
        query = query.order_by(col(Duty.due_on), col(Duty.id))
        if due_by is not None:
            query = query.where(Duty.due_on <= due_by)
        return self.session.exec(query).all()

    def duty(self, duty_id: int) -> Duty | None:
        return self.session.get(Duty, duty_id)

    def not_to_restore(self, *, since: date) -> Sequence[Duty]:
        """What was erased or stopped on *since* or later, in the order in which that was done."""
        query = select(Duty).where(Duty.kind == DO_NOT_RESTORE, Duty.due_on >= since)
        return self.session.exec(query.order_by(col(Duty.id))).all()

    def restorable_no_more(self, *, before: date, most: int | None = None) -> Sequence[Duty]:
        """What was erased *before*: no backup holds it any longer. Args: most: so many, the oldest; None: all."""
        query = select(Duty).where(Duty.kind == DO_NOT_RESTORE, Duty.due_on < before).limit(most)
        return self.session.exec(query.order_by(col(Duty.id))).all()

    def remove_duty(self, duty: Duty) -> None:
        self.session.delete(duty)
        self.session.flush()

    def duties_of(self, case_reference: str) -> Sequence[Duty]:
        """Duties that a case left, done or not, the next one first."""
        query = select(Duty).where(Duty.case_reference == case_reference)
        return self.session.exec(query.order_by(col(Duty.due_on), col(Duty.id))).all()

    def end_duty(self, duty: Duty, *, now: datetime) -> None:
        """A duty is done."""
        duty.done_at = now
        self.session.add(duty)
