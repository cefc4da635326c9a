"""Queries for the monthly statistics."""

from sqlmodel import col, select

from dsar.lifecycle import Outcome, State
from dsar.model import RequestTimes, Right
from dsar.store.base import Queries
from dsar.store.tables import Request

#: What never was a request of its own is not counted as one.
_UNCOUNTED_OUTCOMES = (Outcome.NOT_A_REQUEST, Outcome.MERGED)


class StatisticsQueries(Queries):
    """Times of requests, without anything that names a person."""

    def request_times(self) -> list[RequestTimes]:
        """One value per request, purged cases included; what nobody has sorted yet is a request until then."""
        query = select(Request).order_by(col(Request.received_at))
        return [
            RequestTimes(
                right=Right(row.right),
                received_at=row.received_at,
                closed_at=row.closed_at,
                outcome=Outcome(row.outcome) if row.outcome else None,
                legal_on=row.legal_on,
                extended=row.extended_at is not None,
                paused_days=row.paused_days,
                is_sorted=row.state != State.TRIAGE,
                first_closed_at=row.first_closed_at,
                first_outcome=Outcome(row.first_outcome) if row.first_outcome else None,
                reopened_at=row.reopened_at,
            )
            for row in self.session.exec(query)
            if row.outcome not in _UNCOUNTED_OUTCOMES
        ]
