"""Queries for the statistics: times, codes and counts; nothing that names a person."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.deadlines import received_on
from dsar.lifecycle import Event, Outcome, State
from dsar.model import ClosedOnce, RequestTimes, Right
from dsar.store.base import Queries
from dsar.store.tables import CaseFile, Closing, EventRow, Request

#: What never was a request of its own is not counted as one.
_UNCOUNTED_OUTCOMES = (Outcome.NOT_A_REQUEST, Outcome.MERGED)

#: An enum's own look-up by value takes as long as all else that a row costs.
_RIGHTS = {str(right): right for right in Right}
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


class StatisticsQueries(Queries):
    """Times of requests, purged cases included."""

    def request_times(self) -> list[RequestTimes]:
        """One value per request; what nobody has sorted yet is a request until then."""
        closings = self._closings()
        because = {row.request_id: row.detail.get("because", "") for row in self._events("extended")}
        asked = {row.case_id: row.at for row in reversed(self._events("identity_asked"))}
        stopped = {row.request_id: row.at for row in reversed(self._events(Event.APPLIED))}
        query = (
            sa.select(
                col(Request.id),
                col(Request.case_id),
                col(CaseFile.reference),
                col(Request.right),
                col(Request.state),
                col(Request.received_at),
                col(Request.legal_on),
                col(Request.paused_days),
                col(Request.extended_at),
            )
            .join(CaseFile, col(CaseFile.id) == Request.case_id)
            .where(sa.func.coalesce(Request.outcome, "").not_in(_UNCOUNTED_OUTCOMES))
            .order_by(col(Request.received_at), col(Request.id))
        )
        return [
            RequestTimes(
                reference=row.reference,
                right=_RIGHTS[row.right],
                received_at=row.received_at,
                legal_on=row.legal_on,
                closings=tuple(closings.get(row.id, ())),
                paused_days=row.paused_days,
                is_sorted=row.state != State.TRIAGE,
                extended_because=because.get(row.id, "") if row.extended_at is not None else None,
                asked_on=received_on(asked[row.case_id]) if row.case_id in asked else None,
                stopped_at=stopped.get(row.id) if row.right == Right.OBJECT else None,
            )
            for row in self.session.execute(query)
        ]

    def _closings(self) -> Mapping[int, list[ClosedOnce]]:
        found: dict[int, list[ClosedOnce]] = defaultdict(list)
        columns = Closing.__table__.columns  # type: ignore[attr-defined]
        query = sa.select(*columns).order_by(columns.closed_at, columns.id)
        for row in self.session.execute(query):
            found[row.request_id].append(
                ClosedOnce(
                    at=row.closed_at,
                    outcome=_OUTCOMES[row.outcome],
                    ground=row.ground,
                    legal_on=row.legal_on,
                    paused_days=row.paused_days,
                    reopened_at=row.reopened_at,
                )
            )
        return found

    def _events(self, name: str) -> Sequence[EventRow]:
        return self.session.exec(select(EventRow).where(EventRow.name == name).order_by(col(EventRow.id))).all()

    def searches_held_up(self) -> Sequence[EventRow]:
        """
        Every search of the cases in which a system once did not answer in full, in order.

        Detail: {system: "OUTCOME COUNT"}, beside digests of what was searched for.
        """
        outcomes = ("failed", "partial", "waiting")
        text = sa.cast(EventRow.detail, sa.Text)
        held_up = select(EventRow.case_id).where(
            EventRow.name == "searched",
            col(EventRow.request_id).is_(None),
            sa.or_(*(text.contains(f'"{outcome} ') for outcome in outcomes)),
        )
        query = select(EventRow).where(
            EventRow.name == "searched", col(EventRow.request_id).is_(None), col(EventRow.case_id).in_(held_up)
        )
        return self.session.exec(query.order_by(col(EventRow.id))).all()

    def alarms(self, *, until: datetime) -> Sequence[EventRow]:
        """Alarms about the flow of mail that were raised and that ended by then, in order."""
        query = select(EventRow).where(col(EventRow.name).in_(("alarm_raised", "alarm_ended")), EventRow.at <= until)
        return self.session.exec(query.order_by(col(EventRow.id))).all()
