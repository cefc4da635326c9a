"""Queries for the monthly statistics."""

from sqlmodel import col, select

from dsar.lifecycle import Outcome, State
from dsar.model import RequestTimes, Right
from dsar.store.base import Queries
from dsar.store.tables import Request

#: What never was a request of its own, or has not been sorted yet, is not counted as one.
_UNCOUNTED_OUTCOMES = (Outcome.NOT_A_REQUEST, Outcome.MERGED)


class StatisticsQueries(Queries):
    """Times of requests, without anything that names a person."""

    def request_times(self) -> list[RequestTimes]:
        """One value per request that was sorted as one, purged cases included."""
        query = select(Request).where(Request.state != State.TRIAGE).order_by(col(Request.received_at))
        return [
            RequestTimes(
                right=Right(row.right),
                received_at=row.received_at,
                closed_at=row.closed_at,
                outcome=Outcome(row.outcome) if row.outcome else None,
                legal_on=row.legal_on,
                extended=row.extended_at is not None,
                paused_days=row.paused_days,
            )
            for row in self.session.exec(query)
            if row.outcome not in _UNCOUNTED_OUTCOMES
        ]
