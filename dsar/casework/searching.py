"""What the connected systems hold about the person of a case, and a person's word on what is uncertain."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsar import search
from dsar.casework import attaching, convictions, desks, protecting, tasks
from dsar.casework.changing import read_back_left
from dsar.casework.context import (
    PROGRAM,
    App,
    audit_index,
    record_index,
    records_of,
    seal_records,
    seal_subject,
    subject_of,
)
from dsar.casework.facts import accepted_records, undecided_passages, undecided_records
from dsar.casework.identifying import compare_later, level_needed
from dsar.casework.planning import records_for, search_for
from dsar.casework.thread import WITHDRAWN
from dsar.connector import Asks
from dsar.errors import NotPermittedError, SystemUnavailableError, UsageError
from dsar.lifecycle import Event, State
from dsar.locale import said
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType, Record, Right, SearchResult, Strength, SystemOutcome, SystemResult
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Decision, SystemRow

#: After so many tries a system that does not answer goes before a person as a gap in the coverage.
TRIES = 4


#: Identifiers that lead to one person's case.
_POINTING = frozenset(
    {IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.CUSTOMER_NO, IdentifierType.PERSONNUMMER}
)
_NOBODY = "nobody was asked: no record names a colleague, and no member of staff has"

#: How long a whole answer may be kept while only the systems that failed are asked again.
KEPT_FOR = timedelta(hours=24)


def collect(app: App, case_id: int, *, attempt: int, now: datetime, only_failed: bool = False) -> None:
    """
    Step: search every connected system and put the case before a person.

    What comes in while the systems answer, a proof of identity or a mail with new facts, makes the answers stale: they
    are dropped, and the search begins again. A search from contact points that nobody has proven serves a marketing
    stop; any other right goes back to identity (P6).
    Args: attempt: which try this is, from 1; until TRIES a failing system means that it is tried again later, while the
    others keep their answers; only_failed: keep whole answers at the first try, too.
    Raises: SystemUnavailableError: try again later; the results so far are kept and shown.
    """
    read_back_left(app, case_id)
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        basis = _basis(tx, case)
        if not basis.searching or WITHDRAWN in case.flags:
            return  # taken back: a person decides
        kept = _kept(app, tx, case, now=now) if only_failed or attempt > 1 else {}
    result = search_for(app, case, kept=kept, now=now)
    gaps = [system for system in result.systems if system.outcome in {SystemOutcome.FAILED, SystemOutcome.PARTIAL}]
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        if _basis(tx, case) != basis:
            tx.enqueue("search", case_id, due_at=now)
            return
        subject = subject_of(app, case)
        proven = bool(subject.proven)
        if proven:
            subject = replace(subject, followed=result.identifiers, searched_from=subject.facts)
            case.sealed_subject = seal_subject(app, case, subject)
        case.search_proven = proven
        waiting = tasks.open_due(
            app, tx, case, identifiers=result.identifiers, records=_accepted(app, tx, case, result), now=now
        )
        tx.save_search(case, _rows(app, case, result, waiting, desks.unasked(app, tx, case)), proven=proven, now=now)
        tx.record(
            "searched",
            actor=PROGRAM,
            at=now,
            case_id=case_id,
            detail={
                f"{index}": audit_index(app, case, each.type, each.value)
                for index, each in enumerate(result.identifiers)
            }
            | {f"{system.system}": f"{system.outcome} {len(system.records)}" for system in result.systems},
        )
        protecting.heed_marks(tx, case, [each for each in result.records if each.strength is Strength.CERTAIN], now=now)
        convictions.heed(tx, case, result.records, now=now)
        note_obstacles(app, tx, case, now=now)
        compare_later(app, tx, case, now=now)
        if not gaps or attempt >= TRIES:
            _go_on(tx, case, now=now)
            if case.mandate:
                tx.enqueue("confirm_mandate", case_id, due_at=now)
    if gaps and attempt < TRIES:
        raise SystemUnavailableError(gaps[0].system, gaps[0].detail)


def _kept(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> dict[str, SystemResult]:
    """The whole answers of the latest search, if it began from what is known now and is not old."""
    subject = subject_of(app, case)
    if not case.search_proven or subject.searched_from != subject.facts:
        return {}
    whole = {SystemOutcome.FOUND, SystemOutcome.NOTHING}
    return {
        row.system: SystemResult(
            system=row.system,
            outcome=SystemOutcome(row.outcome),
            detail=row.detail,
            searched_at=row.searched_at,
            records=records_of(app, case, row),
        )
        for row in tx.search_results(case)
        if row.outcome in whole
        and now - row.searched_at < KEPT_FOR
        and not isinstance(app.systems.get(row.system), Asks)
    }


@dataclass(frozen=True, kw_only=True)
class _Basis:
    """What a search starts from; if it is another one when the systems have answered, the answers do not count."""

    subject: bytes | None  #: As sealed: another proof or another fact gives other bytes.
    searching: Mapping[int, int]  #: {id of a request that is searched for: its version}


def _basis(tx: Transaction, case: CaseFile) -> _Basis:
    waiting = [request for request in tx.requests(case.id or 0) if request.state == State.SEARCHING]
    return _Basis(subject=case.sealed_subject, searching={each.id or 0: each.version for each in waiting})


def _go_on(tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """What was searched for goes before a person, or into the automatic stop."""
    for request in tx.requests(case.id or 0):
        if request.state != State.SEARCHING:
            continue
        if request.right != Right.OBJECT and not case.search_proven:
            tx.advance(request, Event.UNPROVEN, actor=PROGRAM, at=now)
            continue
        tx.advance(request, Event.SEARCHED, actor=PROGRAM, at=now, detail={"run": str(case.search_run)})
        if request.right == Right.OBJECT:
            tx.enqueue("stop_marketing", request.id or 0, due_at=now)


def search_again(app: App, case: CaseFile, *, actor: str, now: datetime, only_failed: bool = False) -> None:
    """
    A person wants the systems searched anew, or only those that failed after they work again.

    Raises: UsageError if nothing of the case is in review or being searched.
    """
    with app.store.transaction() as tx:
        requests = tx.requests(case.id or 0)
        if not any(request.state in {State.SEARCHING, State.REVIEW} for request in requests):
            raise UsageError(said("Nothing of {case} waits for what the systems hold.", case=case.reference))
        _begin_again(tx, case, actor=actor, now=now, only_failed=only_failed)


def _begin_again(tx: Transaction, case: CaseFile, *, actor: str, now: datetime, only_failed: bool = False) -> None:
    for request in tx.requests(case.id or 0):
        if request.state == State.REVIEW:
            tx.advance(request, Event.REVISED, actor=actor, at=now)
    tx.enqueue("search_failed" if only_failed else "search", case.id or 0, due_at=now)


def numbered_records(app: App, case: CaseFile) -> list[tuple[int, Record, bool | None]]:
    """
    Every record of the latest search with its number in `dsar show --data` and `dsar decide`.

    Returns: (number from 1, record, a person's word on it or None).
    """
    with app.store.transaction() as tx:
        rows = tx.search_results(case)
        decisions = tx.decisions(case.id or 0)
    records = [record for row in rows for record in records_of(app, case, row)]
    return [(number, record, decisions.get(record_index(app, record))) for number, record in enumerate(records, 1)]


def decide(app: App, case: CaseFile, numbers: Sequence[int], *, accepted: bool, actor: str, now: datetime) -> int:
    """
    Record a person's word on candidate records, and search on with what an accepted one gives (P6).

    Args: numbers: as numbered_records gives them; empty: every candidate not decided yet. A word may be taken back,
    also of a record that became certain through it.
    Returns: how many were decided. Raises: UsageError for a number that is no candidate.
    """
    records = numbered_records(app, case)
    candidates = {
        number: record for number, record, word in records if record.strength is Strength.CANDIDATE or word is not None
    }
    wanted = numbers or [number for number, record, word in records if number in candidates and word is None]
    if wrong := [str(number) for number in wanted if number not in candidates]:
        raise UsageError(
            said(
                "No candidate has number {listed}; 'dsar show {case} --data' lists them.",
                listed=", ".join(wrong),
                case=case.reference,
            )
        )
    with app.store.transaction() as tx:
        for number in wanted:
            index = record_index(app, candidates[number])
            tx.decide(Decision(case_id=case.id or 0, record_index=index, accepted=accepted, actor=actor, at=now))
            tx.record(
                "candidate_decided",
                actor=actor,
                at=now,
                case_id=case.id,
                detail={"record": audit_index(app, case, "record", index), "accepted": str(accepted)},
            )
        before = {number: word for number, _, word in records}
        if not accepted and any(before[number] for number in wanted):
            tx.doubt_documents(case.id or 0)  # they were looked through for others than who is another now
        words = before | dict.fromkeys(wanted, accepted)
        case = tx.case_by_id(case.id or 0)
        if _take_on(app, case, [record for number, record, _ in records if words[number]]):
            _begin_again(tx, case, actor=actor, now=now)
        found = accepted_records(app, tx, case, Right.ACCESS)
        tasks.open_due(app, tx, case, identifiers=subject_of(app, case).followed, records=found, now=now)
        note_obstacles(app, tx, case, now=now)
    return len(wanted)


def _take_on(app: App, case: CaseFile, accepted: Sequence[Record]) -> bool:
    """
    Keep what the *accepted* records say is the person's own; whether it is to be searched by.

    What the company entered or confirmed on a record is the person's once a member of staff has said that the record
    is. What anybody could have typed there is not among it, and leads nowhere.
    """
    subject = subject_of(app, case)
    own = tuple(dict.fromkeys(each for record in accepted for each in record.own))
    if not case.search_proven or own == subject.accepted:
        return False
    taken_back = not {*subject.accepted} <= {*own}
    known = {*subject.proven, *subject.accepted, *subject.followed}
    # What was followed may have come from the word that is taken back: the way begins at what is proven again.
    subject = replace(subject, accepted=own, followed=() if taken_back else subject.followed)
    case.sealed_subject = seal_subject(app, case, subject)
    return taken_back or not {*own} <= known


def note_obstacles(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Keep, as counts and a level, what stands before approval, so that the queue opens nothing that is sealed."""
    case.undecided = len(undecided_records(app, tx, case))
    case.unredacted = len(undecided_passages(app, tx, case))
    attaching.want(app, tx, case, now=now)
    tx.add_case(case)
    for request in tx.requests(case.id or 0):
        if request.state in {State.SEARCHING, State.REVIEW} and request.right != Right.OBJECT:
            records = accepted_records(app, tx, case, Right(request.right))
            request.needed_level = level_needed(app, tx, case, request, records)


def search_outside_case(
    app: App,
    identifiers: Sequence[Identifier],
    *,
    systems: Sequence[str],
    actor: str,
    now: datetime,
    told: Callable[[int, int], None] = lambda _answered, _asked: None,
) -> SearchResult:
    """
    Search for given identifiers outside any case; who did it and for which digests is audited.

    Args: told: is told after each answer how many systems of those asked at once have given theirs.
    Where that meets a person with protected identity, the result is for named staff only, and without addresses.
    Raises: NotPermittedError for anybody else; that they looked is audited, too.
    """
    chosen = {name: system for name, system in app.systems.items() if not systems or name in systems}
    if unknown := set(systems) - set(app.systems):
        raise UsageError(
            said(
                "No system is called {listed}; there are {systems}.",
                listed=", ".join(sorted(unknown)),
                systems=", ".join(app.systems),
            )
        )
    with app.store.transaction() as tx:
        terms = {f"{each.type}_{number}": app.vault.index_identifier(each) for number, each in enumerate(identifiers)}
        tx.record("searched_outside_case", actor=actor, at=now, detail=terms)
    result = search.search(chosen, identifiers, now=now, parallel=search.counted(told))
    cases = _protected_cases(app, (*identifiers, *result.identifiers), result.records)
    if not cases and not any(protecting.is_marked(record) for record in result.records):
        return result
    allowed = [protecting.may_see(app.settings, actor, handler=handler) for handler in cases or [None]]
    with app.store.transaction() as tx:
        tx.record("searched_protected", actor=actor, at=now, detail=terms | {"shown": str(all(allowed))})
    if not all(allowed):
        why = "it is somebody with protected identity, restricted to named staff"
        raise NotPermittedError(actor, "see what was found", why)
    return replace(result, systems=tuple(_hidden(each) for each in result.systems), protected=True)


def _protected_cases(app: App, identifiers: Sequence[Identifier], records: Sequence[Record]) -> list[str | None]:
    """The handlers of the restricted cases about whoever was met."""
    held = [each for record in records for value in record.values for each in find_identifiers(value.value)]
    own = [each for record in records for each in record.own]
    met = [each for each in dict.fromkeys((*identifiers, *own, *held)) if each.type in _POINTING]
    with app.store.transaction() as tx:
        digests = [app.vault.index_identifier(each) for each in met]
        digests += [app.vault.index("sender", each.value) for each in met if each.type is IdentifierType.EMAIL]
        found = [case for digest in digests for case in tx.cases_indexed(digest)]
    return [case.handler for case in found if protecting.PROTECTED in case.flags]


def _hidden(system: SystemResult) -> SystemResult:
    return replace(system, records=protecting.without_addresses(system.records))


def _accepted(app: App, tx: Transaction, case: CaseFile, result: SearchResult) -> tuple[Record, ...]:
    return records_for(app, Right.ACCESS, result.records, tx.decisions(case.id or 0))


def _rows(
    app: App, case: CaseFile, result: SearchResult, waiting: Collection[str], unasked: Collection[str]
) -> list[SystemRow]:
    """Args: waiting, unasked: systems of which somebody has still to answer, or of which nobody was asked."""
    return [
        SystemRow(
            case_id=case.id or 0,
            run=0,
            system=system.system,
            outcome=SystemOutcome.WAITING if system.system in waiting else system.outcome,
            detail=_NOBODY if system.system in unasked else system.detail,
            searched_at=system.searched_at,
            sealed_records=seal_records(app, case, system.system, system.records),
        )
        for system in result.systems
    ]
