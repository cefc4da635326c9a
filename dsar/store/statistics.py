"""Queries for the statistics: times, codes and counts; nothing that names a person."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

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


def _plain(column: object) -> sa.ColumnElement[str]:
    """
    A time as the driver gives it, for `_moment`: text from SQLite, an aware time from PostgreSQL.

    The column's own conversion takes longer than all else that a row costs.
    """
    return sa.type_coerce(col(column), sa.Text)


def _moment(given: str | datetime) -> datetime:
    """SQLite keeps times in UTC without saying so."""
    return datetime.fromisoformat(f"{given}+00:00") if isinstance(given, str) else given


#: What RequestTimes are made of, a row for each closing of a request, or one row.
_REQUESTS_AND_CLOSINGS = (
    sa.select(
        col(Request.id),
        col(Request.case_id),
        col(Request.state),
        col(CaseFile.reference),
        col(Request.right),
        _plain(Request.received_at),
        col(Request.legal_on),
        col(Request.paused_days),
        *(_plain(Closing.closed_at), col(Closing.outcome), col(Closing.legal_on)),
        *(col(Closing.ground), col(Closing.paused_days), _plain(Closing.reopened_at)),
    )
    .join(CaseFile, col(CaseFile.id) == Request.case_id)
    .outerjoin(Closing, col(Closing.request_id) == Request.id)
    .where(sa.func.coalesce(Request.outcome, "").not_in(_UNCOUNTED_OUTCOMES))
    .order_by(col(Request.id), col(Closing.id))
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


class _Noted(NamedTuple):
    """What events say of requests and cases."""

    because: dict[int, str]  #: {request that is extended: reason of its latest extension}
    asked_on: dict[int, date]  #: {case: when its sender was first asked to confirm who they are}
    applied_at: dict[int, datetime]  #: {request: when its plan was first carried out}


class StatisticsQueries(Queries):
    """Times of requests, purged cases included."""

    def request_times(self) -> list[RequestTimes]:
        """One value per request, by their ids; what nobody has sorted yet is a request until then."""
        noted = self._noted()
        found: list[RequestTimes] = []
        latest = None
        for id_, case_id, state, reference, right, received_at, legal_on, paused_days, *closing in self._rows(
            _REQUESTS_AND_CLOSINGS
        ):
            closings = _closings(*closing)
            if id_ == latest:
                found[-1] = found[-1]._replace(closings=found[-1].closings + closings)
                continue
            latest = id_
            found.append(
                RequestTimes(
                    reference,
                    _RIGHTS[right],
                    _moment(received_at),
                    legal_on,
                    closings,
                    paused_days,
                    is_sorted=state != State.TRIAGE,
                    extended_because=noted.because.get(id_),
                    asked_on=noted.asked_on.get(case_id),
                    stopped_at=noted.applied_at.get(id_) if right == Right.OBJECT else None,
                )
            )
        return found

    def _rows(self, query: sa.Executable) -> Iterable[Any]:
        """Rows as the database gives them: of a year's columns nothing is to be kept or changed."""
        return self.session.connection().execute(query)

    def _noted(self) -> _Noted:
        """Of the trail only what figures need, column by column: it is far longer than the list of requests."""
        query = (
            sa.select(
                col(EventRow.name),
                col(EventRow.case_id),
                col(EventRow.request_id),
                col(EventRow.at),
                col(EventRow.detail),
            )
            .where(col(EventRow.name).in_(("extended", "identity_asked", Event.APPLIED)))
            .order_by(col(EventRow.id))
        )
        extended = {
            id_: "" for (id_,) in self._rows(sa.select(col(Request.id)).where(col(Request.extended_at).is_not(None)))
        }
        noted = _Noted(because=extended, asked_on={}, applied_at={})
        for name, case_id, request_id, at, detail in self.session.execute(query):
            if name == "extended":
                if request_id in noted.because:
                    noted.because[request_id] = detail.get("because", "")
            elif name == "identity_asked":
                noted.asked_on.setdefault(case_id, received_on(at))
            else:
                noted.applied_at.setdefault(request_id, at)
        return noted

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
