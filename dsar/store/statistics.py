"""Queries for the statistics: times, codes and counts; nothing that names a person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
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


def _plain(column: object) -> sa.ColumnElement[datetime]:
    """
    A time as the driver gives it, in UTC and perhaps without saying so.

    The column's own conversion is a call for each value, which takes longer than all else on the way.
    """
    return sa.type_coerce(col(column), sa.DateTime(timezone=True))


class _Noted(NamedTuple):
    """What events say of requests and cases."""

    because: dict[int, str]  #: {request that is extended: reason of its latest extension}
    asked_on: dict[int, date]  #: {case: when its sender was first asked to confirm who they are}
    applied_at: dict[int, datetime]  #: {request: when its plan was first carried out}


class StatisticsQueries(Queries):
    """Times of requests, purged cases included."""

    def request_times(self) -> list[RequestTimes]:
        """One value per request; what nobody has sorted yet is a request until then."""
        closings, noted = self._closings(), self._noted()
        query = (
            sa.select(
                col(Request.id),
                col(Request.case_id),
                col(CaseFile.reference),
                col(Request.right),
                col(Request.state),
                _plain(Request.received_at),
                col(Request.legal_on),
                col(Request.paused_days),
            )
            .join(CaseFile, col(CaseFile.id) == Request.case_id)
            .where(sa.func.coalesce(Request.outcome, "").not_in(_UNCOUNTED_OUTCOMES))
            .order_by(col(Request.received_at), col(Request.id))
        )
        return [
            RequestTimes(
                reference=reference,
                right=_RIGHTS[right],
                received_at=received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC),
                legal_on=legal_on,
                closings=closings.get(id_, ()),
                paused_days=paused_days,
                is_sorted=state != State.TRIAGE,
                extended_because=noted.because.get(id_),
                asked_on=noted.asked_on.get(case_id),
                stopped_at=noted.applied_at.get(id_) if right == Right.OBJECT else None,
            )
            for id_, case_id, reference, right, state, received_at, legal_on, paused_days in self._rows(query)
        ]

    def _closings(self) -> Mapping[int, tuple[ClosedOnce, ...]]:
        columns = (
            col(Closing.id),
            col(Closing.request_id),
            _plain(Closing.closed_at),
            col(Closing.outcome),
            col(Closing.ground),
            col(Closing.legal_on),
            col(Closing.paused_days),
        )
        again = sa.select(col(Closing.id), col(Closing.reopened_at)).where(col(Closing.reopened_at).is_not(None))
        reopened = {id_: at for id_, at in self._rows(again)}  # noqa: C416  # a result has keys() that are no mapping's
        found: dict[int, tuple[ClosedOnce, ...]] = {}
        for id_, request_id, at, outcome, ground, legal_on, paused_days in self._rows(
            sa.select(*columns).order_by(col(Closing.closed_at), col(Closing.id))
        ):
            closing = ClosedOnce(
                at=at if at.tzinfo else at.replace(tzinfo=UTC),
                outcome=_OUTCOMES[outcome],
                ground=ground,
                legal_on=legal_on,
                paused_days=paused_days,
                reopened_at=reopened.get(id_),
            )
            found[request_id] = (*found[request_id], closing) if request_id in found else (closing,)
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
        query = select(EventRow).where(col(EventRow.name).in_(("alarm_raised", "alarm_ended")), EventRow.at <= until)
        return self.session.exec(query.order_by(col(EventRow.id))).all()
