"""Queries about cases, requests and what the systems said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from dsar.errors import StaleStateError, UnknownCaseError
from dsar.lifecycle import Event, Outcome, State, next_state
from dsar.store import tables
from dsar.store.base import IS_OPEN, Queries
from dsar.store.tables import CaseFile, EventRow, Message, Request, SystemRow


class CaseQueries(Queries):
    """Cases and their requests; `advance` is the only way in which a state changes."""

    def next_reference(self, year: int) -> str:
        """The next free case reference of *year*, e.g. D-2026-00042."""
        series = f"D-{year}"
        self._insert_new(tables.Counter(series=series, last=0))
        counter = self.session.get_one(tables.Counter, series, with_for_update=True, populate_existing=True)
        counter.last += 1
        self.session.flush()
        return f"{series}-{counter.last:05d}"

    def add_case(self, case: CaseFile) -> CaseFile:
        self.session.add(case)
        self.session.flush()
        return case

    def case(self, reference: str) -> CaseFile:
        """Raises: UnknownCaseError."""
        row = self.session.exec(select(CaseFile).where(CaseFile.reference == reference)).one_or_none()
        if row is None:
            raise UnknownCaseError(reference)
        return row

    def case_by_id(self, case_id: int) -> CaseFile:
        return self.session.get_one(CaseFile, case_id)

    def index_case(self, case_id: int, digests: Sequence[str], *, message_id: int) -> None:
        """Let the case be found by these blind indexes, which a mail brought."""
        known = set(self.session.exec(select(tables.CaseIndex.digest).where(tables.CaseIndex.case_id == case_id)))
        self.session.add_all(
            tables.CaseIndex(case_id=case_id, digest=digest, message_id=message_id) for digest in set(digests) - known
        )
        self.session.flush()

    def cases_indexed(self, digest: str) -> Sequence[CaseFile]:
        """Cases with this blind index, newest first."""
        query = (
            select(CaseFile)
            .join(tables.CaseIndex, col(tables.CaseIndex.case_id) == CaseFile.id)
            .where(tables.CaseIndex.digest == digest)
            .order_by(col(CaseFile.opened_at).desc(), col(CaseFile.id).desc())
        )
        return self.session.exec(query).all()

    def indexed_alike(self, case_id: int) -> set[int]:
        """Ids of the other cases with a blind index of this one, as of the same sender."""
        mine = select(tables.CaseIndex.digest).where(tables.CaseIndex.case_id == case_id)
        query = select(tables.CaseIndex.case_id).where(
            col(tables.CaseIndex.digest).in_(mine), tables.CaseIndex.case_id != case_id
        )
        return set(self.session.exec(query))

    def message_indexed(self, case_id: int, digest: str) -> Message | None:
        """The mail that first brought this blind index to the case, if that is known."""
        row = self.session.get(tables.CaseIndex, (case_id, digest))
        return self.session.get(Message, row.message_id) if row is not None and row.message_id else None

    def add_request(self, request: Request) -> Request:
        self.session.add(request)
        self.session.flush()
        return request

    def request(self, request_id: int) -> Request:
        return self.session.get_one(Request, request_id)

    def requests(self, case_id: int) -> Sequence[Request]:
        """All requests of a case, in the order they came in."""
        return self.session.exec(select(Request).where(Request.case_id == case_id).order_by(col(Request.id))).all()

    def open_requests(self) -> Sequence[tuple[Request, CaseFile]]:
        """Everything not closed, most urgent first."""
        query = (
            select(Request, CaseFile)
            .join(CaseFile, col(CaseFile.id) == Request.case_id)
            .where(IS_OPEN)
            .order_by(col(Request.send_by_on), col(Request.id))
        )
        return self.session.exec(query).all()

    def closed_since(self, right: str, *, since: date) -> Sequence[tuple[Request, CaseFile]]:
        """Requests of one right that were closed on *since* or later, with their cases."""
        query = (
            select(Request, CaseFile)
            .join(CaseFile, col(CaseFile.id) == Request.case_id)
            .where(Request.right == right, col(Request.closed_at) >= datetime.combine(since, time(), tzinfo=UTC))
        )
        return self.session.exec(query.order_by(col(Request.id))).all()

    def advance(
        self,
        request: Request,
        event: Event,
        *,
        actor: str,
        at: datetime,
        detail: dict[str, str] | None = None,
        **changes: object,
    ) -> None:
        """
        Move a request along the transition table: compare-and-set on (state, version) plus its event row.

        Args: request: as the caller saw it, it is brought up to date; changes: further columns of the request to set in
        the same breath, e.g. outcome.
        Raises: IllegalTransitionError; StaleStateError if another process was first.
        """
        case = self.case_by_id(request.case_id)
        reference = f"{case.reference}/{request.right}"
        before = State(request.state)
        after = next_state(reference, before, event)
        result = self.session.execute(
            sa.update(Request)
            .where(col(Request.id) == request.id, col(Request.state) == before, col(Request.version) == request.version)
            .values(state=after, version=request.version + 1, **changes)
        )
        if result.rowcount != 1:  # type: ignore[attr-defined]
            raise StaleStateError(reference)
        self.session.add(
            EventRow(
                at=at,
                actor=actor,
                name=event,
                case_id=case.id,
                request_id=request.id,
                from_state=before,
                to_state=after,
                detail=detail or {},
            )
        )
        self.session.flush()
        current = self.session.get_one(Request, request.id, populate_existing=True)
        self._note_closing(current, event, at=at)
        if current is not request:  # the caller read it in an earlier transaction
            for name in Request.model_fields:
                set_committed_value(request, name, getattr(current, name))

    def _note_closing(self, request: Request, event: Event, *, at: datetime) -> None:
        """Keep when and how a request was closed, and taken up again."""
        if request.state == State.CLOSED and request.closed_at is not None:
            self.session.add(
                tables.Closing(
                    request_id=request.id or 0,
                    closed_at=request.closed_at,
                    outcome=request.outcome or "",
                    ground=request.refusal_ground if request.outcome == Outcome.REFUSED else "",
                    legal_on=request.legal_on,
                    paused_days=request.paused_days,
                )
            )
        elif event in {Event.BOUNCED, Event.REOPENED}:
            last = self.closings(request.id or 0)[-1]
            if event is Event.BOUNCED:  # nothing had reached the person
                self.session.delete(last)
            else:
                last.reopened_at = at
        self.session.flush()

    def closings(self, request_id: int) -> Sequence[tables.Closing]:
        """Each time that a request was closed, oldest first."""
        query = select(tables.Closing).where(tables.Closing.request_id == request_id)
        return self.session.exec(query.order_by(col(tables.Closing.closed_at), col(tables.Closing.id))).all()

    # --------------------------------------------------------------------------------------------- search results

    def save_search(self, case: CaseFile, rows: Sequence[SystemRow], *, proven: bool, now: datetime) -> None:
        """
        Results of run *case.search_run* + 1, which from now on is the one that counts.

        Args: proven: whether it began from what is proven of the person.
        """
        case.search_run += 1
        case.search_proven = proven
        case.searched_at = now
        for row in rows:
            row.run = case.search_run
        self.session.add_all([case, *rows])
        self.session.flush()

    def search_results(self, case: CaseFile) -> Sequence[SystemRow]:
        """One row per system of the latest run."""
        query = (
            select(SystemRow)
            .where(SystemRow.case_id == case.id, SystemRow.run == case.search_run)
            .order_by(col(SystemRow.system))
        )
        return self.session.exec(query).all()

    def search_outcomes(self, case: CaseFile) -> dict[str, str]:
        """{system: how the latest run ended there}, without what was found."""
        query = select(SystemRow.system, SystemRow.outcome).where(
            SystemRow.case_id == case.id, SystemRow.run == case.search_run
        )
        return dict(self.session.exec(query.order_by(col(SystemRow.system))).all())

    def search_outcomes_of_open(self) -> Mapping[int, dict[str, str]]:
        """{id of a case with an open request: what `search_outcomes` says of it}, by one query for a long queue."""
        latest = sa.and_(col(SystemRow.case_id) == CaseFile.id, col(SystemRow.run) == CaseFile.search_run)
        is_open = select(Request.case_id).where(IS_OPEN)
        query = sa.select(col(SystemRow.case_id), col(SystemRow.system), col(SystemRow.outcome)).join(CaseFile, latest)
        found: dict[int, dict[str, str]] = defaultdict(dict)
        for case_id, system, outcome in self.session.execute(
            query.where(col(SystemRow.case_id).in_(is_open)).order_by(col(SystemRow.system))
        ):
            found[case_id][system] = outcome
        return found

    def decide(self, decision: tables.Decision) -> None:
        """Keep a person's word on a candidate; the latest word counts."""
        self._write(decision)

    def decisions(self, case_id: int) -> dict[str, bool]:
        """{blind index of the record: accepted}."""
        query = select(tables.Decision.record_index, tables.Decision.accepted).where(tables.Decision.case_id == case_id)
        return dict(self.session.exec(query).all())

    def redact(self, redaction: tables.Redaction) -> None:
        """Keep a person's word on a passage; the latest word counts."""
        self._write(redaction)

    def keep_document(self, row: tables.CaseDocument) -> tables.CaseDocument:
        """Keep a document, or what became of it."""
        self.session.add(row)
        self.session.flush()
        return row

    def documents(self, case_id: int) -> dict[str, tables.CaseDocument]:
        """{blind index: document} of all that were wanted."""
        rows = self.session.exec(select(tables.CaseDocument).where(tables.CaseDocument.case_id == case_id)).all()
        return {row.document_index: row for row in rows}

    def doubt_documents(self, case_id: int) -> int:
        """Let a person look at every document that only the program found to be clear; how many there were."""
        clear = [row for row in self.documents(case_id).values() if row.is_clear and not row.word]
        for row in clear:
            row.is_clear = False
        self.session.flush()
        return len(clear)

    def redactions(self, case_id: int) -> Sequence[tables.Redaction]:
        """Every word on a passage, in the order in which they were given."""
        query = select(tables.Redaction).where(tables.Redaction.case_id == case_id)
        return self.session.exec(query.order_by(col(tables.Redaction.at), col(tables.Redaction.passage_index))).all()
