"""Queries for the statistics: times, codes and counts; nothing that names a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.deadlines import received_on
from dsar.lifecycle import Event, Outcome, State
from dsar.model import ClosedOnce, RequestTimes, Right
from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import CaseFile, EventRow, Request

#: So many rows are held at once, however many years there are.
_ROWS_AT_ONCE = 1000

#: What never was a request of its own is not counted as one.
_UNCOUNTED_OUTCOMES = (Outcome.NOT_A_REQUEST, Outcome.MERGED)

#: An enum's own look-up by value takes as long as all else that a row costs.
_RIGHTS = {str(right): right for right in Right}
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def _plain(column: object) -> sa.ColumnElement[str]:
    """
    A time as the driver gives it, for `_moment`: text from SQLite, an aware time from PostgreSQL.

    The column's own conversion takes longer than all else that a row costs.
    """
    return sa.type_coerce(col(column), sa.Text)


def _moment(given: str | datetime) -> datetime:
    """SQLite keeps times in UTC without saying so."""
    return datetime.fromisoformat(f"{given}+00:00") if isinstance(given, str) else given


def _first(name: str, of: object, this: object) -> sa.ScalarSelect[str]:
    """
    When the first event of a name was, of a request or its case, from the index that holds no others (tables/audit.py).

    Asked for row by row: a grouped table of them would be gone through for each request where the database has no
    figures that advise against it. The name is written out, for such an index serves no parameter.
    """
    named = col(EventRow.name) == sa.literal_column(f"'{name}'")
    return sa.select(sa.func.min(_plain(EventRow.at))).where(named, col(of) == this).scalar_subquery()


def _requests_and_closings() -> sa.Select[Any]:
    """What RequestTimes are made of, a row for each closing of a request, or one row."""
    asked = _first("identity_asked", EventRow.case_id, Request.case_id)  # to confirm who they are
    stopped = sa.case((col(Request.right) == Right.OBJECT, _first(Event.APPLIED, EventRow.request_id, Request.id)))
    closing = tables.Closing
    return (
        sa.select(
            col(Request.id),
            col(Request.state),
            col(CaseFile.reference),
            col(Request.right),
            _plain(Request.received_at),
            col(Request.legal_on),
            col(Request.paused_days),
            col(Request.extended_at).is_not(None),
            asked,
            stopped,
            *(_plain(closing.closed_at), col(closing.outcome), col(closing.legal_on)),
            *(col(closing.ground), col(closing.paused_days), _plain(closing.reopened_at)),
        )
        .join(CaseFile, col(CaseFile.id) == Request.case_id)
        .outerjoin(closing, col(closing.request_id) == Request.id)
        .where(sa.func.coalesce(Request.outcome, "").not_in(_UNCOUNTED_OUTCOMES))
        .order_by(col(Request.id), col(closing.id))
    )


def _closings(
    closed_at: str | datetime | None,
    outcome: str,
    legal_on: date,
    ground: str,
    paused_days: int,
    reopened_at: str | datetime | None,
) -> tuple[ClosedOnce, ...]:
    """The closing of one row, if there is one."""
    if closed_at is None:
        return ()
    again = _moment(reopened_at) if reopened_at else None
    return (ClosedOnce(_moment(closed_at), _OUTCOMES[outcome], legal_on, ground, paused_days, again),)


class StatisticsQueries(Queries):
    """Times of requests, purged cases included."""

    def request_times(self) -> Iterator[RequestTimes]:
        """One value per request, by their ids; what nobody has sorted yet is a request until then."""
        because = self._reasons_of_extensions()
        latest, made = None, None
        for row in self._rows_of_requests():
            id_, state, reference, right, received_at, legal_on, paused_days, extended, asked, applied, *closing = row
            closings = _closings(*closing)
            if made is not None and id_ == latest:
                made = made._replace(closings=made.closings + closings)
                continue
            if made is not None:
                yield made
            latest = id_
            made = RequestTimes(
                reference,
                _RIGHTS[right],
                _moment(received_at),
                legal_on,
                closings,
                paused_days,
                is_sorted=state != State.TRIAGE,
                extended_because=because.get(id_, "") if extended else None,
                asked_on=received_on(_moment(asked)) if asked else None,
                stopped_at=_moment(applied) if applied else None,
            )
        if made is not None:
            yield made

    def _rows_of_requests(self) -> Iterator[Any]:
        query = _requests_and_closings().execution_options(yield_per=_ROWS_AT_ONCE)
        for lot in self.session.connection().execute(query).partitions():
            yield from lot

    def _reasons_of_extensions(self) -> dict[int, str]:
        """{request: reason of its latest extension}; they are few (Art. 12(3) GDPR: "where necessary")."""
        cases = sa.select(col(Request.case_id)).where(col(Request.extended_at).is_not(None))
        query = sa.select(col(EventRow.request_id), col(EventRow.detail)).where(
            col(EventRow.case_id).in_(cases), col(EventRow.name) == "extended"
        )
        rows = self.session.execute(query.order_by(col(EventRow.id)))
        return {request_id: detail.get("because", "") for request_id, detail in rows}

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
        query = select(EventRow).where(
            col(EventRow.case_id).is_(None),  # true of each, and there are few such
            col(EventRow.name).in_(("alarm_raised", "alarm_ended")),
            EventRow.at <= until,
        )
        return self.session.exec(query.order_by(col(EventRow.id))).all()
