"""
A case -> the colleagues who must say what they hold about its person; what they said -> the case goes on.

One task for each office with a named owner; individuals only where a record names them, or staff do. The rule is to
wait and to block, never to skip (P5); other systems go on meanwhile.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from dsar.casework import desks
from dsar.casework.context import (
    PROGRAM,
    AnswerContent,
    App,
    Question,
    question_of,
    seal_answer,
    seal_question,
    seal_words,
    subject_of,
    words_of,
)
from dsar.casework.desks import ANSWERED, CANNOT, HELD, LATE, NOTHING, PERSON, SEARCH, is_missing
from dsar.casework.sending import recall_unsent, void_letter
from dsar.connector import Asks
from dsar.errors import UsageError
from dsar.lifecycle import Event, State
from dsar.locale import said
from dsar.model import Identifier, IdentifierType, Record, Right
from dsar.names import fold
from dsar.settings import ColleagueSection, Settings
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request, Task, TaskAnswer

#: Flag of a case about which a colleague has told more after its letter had left, or while changes were being made.
LATE_ANSWER = "late_answer"

#: What a colleague needs to find a person, and no more (Art. 5(1)(c)); a personnummer is never among it.
_FINDING = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.CUSTOMER_NO)
#: More than anybody has; a mail that states hundreds does not fill the colleagues' screens.
_MOST_IDENTIFIERS = 20


# ---------------------------------------------------------------------------------------------------------- opening


def open_due(
    app: App,
    tx: Transaction,
    case: CaseFile,
    *,
    identifiers: Sequence[Identifier],
    records: Iterable[Record],
    now: datetime,
) -> frozenset[str]:
    """
    Ask whoever must be asked about the person of *case* and was not.

    Args: identifiers: by which the systems were searched; records: which may name colleagues who hold more.
    Returns: systems of which somebody has still to answer.
    """
    if not case.search_proven:
        return frozenset()  # nobody is asked about a person whom nobody has identified (P4)
    question = _question(app, case, identifiers)
    for name, system in app.systems.items():
        if not isinstance(system, Asks) or not desks.needs_asking(app, tx, case, name):
            continue
        office = app.settings.systems[name].owner
        owners = sorted(_named(app, records)) if system.individuals else [office] if office else []
        for owner in owners:
            _ask(app, tx, case, name, owner, question, now=now)
    return frozenset(task.system for task in tx.tasks_of(case.id or 0) if is_missing(task))


def _question(app: App, case: CaseFile, identifiers: Sequence[Identifier]) -> Question:
    """What finds the person. Args: identifiers: that the search has reached, beside what is proven and stated."""
    subject = subject_of(app, case)
    known = dict.fromkeys((*subject.proven, *identifiers, *subject.identifiers))
    finding = tuple(each for each in known if each.type in _FINDING)[:_MOST_IDENTIFIERS]
    return Question(name=subject.name, identifiers=finding)


def _ask(
    app: App, tx: Transaction, case: CaseFile, system: str, owner: str, question: Question, *, now: datetime
) -> None:
    """
    Open a task, or add what is new to one that nobody has read yet.

    Whoever was asked is asked again, about what is new only: their answer is to what they have read (P5).
    """
    index = desks.person_index(app, owner)
    mine = [
        task
        for task in tx.tasks_of(case.id or 0)
        if (task.system, task.kind, task.owner_index) == (system, SEARCH, index)
    ]
    asked = {each for task in mine for each in question_of(app, case, task).identifiers}
    new = tuple(each for each in question.identifiers if each not in asked)
    waiting = mine[-1] if mine and is_missing(mine[-1]) else None
    if waiting is not None:
        tx.enqueue("ask", waiting.id or 0, due_at=now)  # its case may have been closed and reopened
    if mine and not new:
        return
    if waiting is not None and waiting.asked_at is None:
        waiting.sealed_question = seal_question(app, case, waiting.reference, question)
        return
    identifiers = new or question.identifiers
    desks.open_task(
        app, tx, case, system, SEARCH, owner, Question(name=question.name, identifiers=identifiers), now=now
    )


def _named(app: App, records: Iterable[Record]) -> set[str]:
    """Addresses of the colleagues whom *records* name in a field that is declared to do so."""
    found = set()
    for record in records:
        declared = app.declarations[record.system].object(record.object, record.key)
        naming = {each.column for each in declared.fields if each.colleague}
        for value in record.values:
            if value.path in naming and (colleague := find_colleague(app.settings, value.value)):
                found.add(colleague.email)
    return found


def find_colleague(settings: Settings, written: str) -> ColleagueSection | None:
    """A colleague by the address, full name or name of the section in settings; None if nobody, or several, fit."""
    wanted = fold(written.strip())
    people = dict(settings.colleagues) | {
        login: ColleagueSection(name=member.name, email=member.email) for login, member in settings.members.items()
    }
    fitting = {
        each.email: each for key, each in people.items() if wanted in {fold(key), fold(each.name), fold(each.email)}
    }
    return next(iter(fitting.values())) if len(fitting) == 1 else None


def add(app: App, case: CaseFile, *, system: str, to: str, actor: str, now: datetime) -> Task:
    """
    A member of staff names a colleague who may hold something about the person.

    Raises: UsageError for a system that nobody answers for, an unknown colleague, or a case that is not that far.
    """
    if not isinstance(app.systems.get(system), Asks):
        asking = [name for name, each in app.systems.items() if isinstance(each, Asks)]
        raise UsageError(
            said(
                "People answer for {systems}, not for {system!r}.",
                systems=", ".join(asking) or "no system here",
                system=system,
            )
        )
    colleague = find_colleague(app.settings, to)
    if colleague is None:
        raise UsageError(
            said("Settings have no [colleague.NAME] or [staff.LOGIN] that fits {to!r}, or several.", to=to)
        )
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        if not case.search_proven:
            raise UsageError(
                said("{case} is not that far: nobody is asked before it is known who asks.", case=case.reference)
            )
        question = _question(app, case, subject_of(app, case).followed)
        task = desks.open_task(app, tx, case, system, SEARCH, colleague.email, question, now=now)
        tx.record("task_added", actor=actor, at=now, case_id=case.id, detail={"task": task.reference})
        _search_again(tx, case, found=False, actor=actor, now=now)
        return task


# --------------------------------------------------------------------------------------------------------- answered


def signer_context(reference: str) -> str:
    """Where the name of who answered is kept."""
    return f"task_answer.signer:{reference}"


def keep_answer(
    app: App,
    tx: Transaction,
    case: CaseFile,
    task: Task,
    *,
    word: str,
    content: AnswerContent,
    signer: str,
    message_id: int | None = None,
    actor: str,
    now: datetime,
) -> None:
    """
    Keep what a colleague said, signed with their name and the time, and let the case go on.

    Args: word: NOTHING, HELD, DONE or CANNOT; signer: who says so; actor: who writes it down.
    """
    before = tx.answers_of(task.id or 0)
    tx.add_answer(
        TaskAnswer(
            task_id=task.id or 0,
            at=now,
            word=word,
            message_id=message_id,
            sealed_signer=seal_words(app, case, signer_context(task.reference), signer),
            sealed_content=seal_answer(app, case, task.reference, content),
        )
    )
    detail = {"task": task.reference, "word": word}
    tx.record("task_answered", actor=actor, at=now, case_id=case.id, detail=detail)
    if word == NOTHING and any(each.word == HELD for each in before):
        task.state, task.why = PERSON, "contradicts"  # first something, now nothing: which is it?
        return
    task.state, task.why, task.answered_at = ANSWERED, "", task.answered_at or now
    requests = tx.requests(case.id or 0)
    if task.kind != SEARCH:
        _continue_changes(tx, case, now=now)
    elif all(request.state == State.CLOSED for request in requests):
        if word == HELD:
            task.state, task.why = LATE, LATE
            _flag(tx, case)
    elif word == HELD or not before:
        _search_again(tx, case, found=word == HELD, actor=PROGRAM, now=now)


def _continue_changes(tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """A change was made, or cannot be: the request that waits for it reads back; one that was left does so, too."""
    for request in tx.requests(case.id or 0):
        if request.state == State.APPLYING:
            tx.enqueue("apply", request.id or 0, due_at=now)
        elif request.state == State.REVIEW and not request.decision:
            tx.advance(request, Event.REVISED, actor=PROGRAM, at=now, detail={"because": "task_answered"})
            tx.enqueue("search", case.id or 0, due_at=now)


def _search_again(tx: Transaction, case: CaseFile, *, found: bool, actor: str, now: datetime) -> None:
    """What is known has grown: drafts and approvals that do not know it end; what has left or begun shows a flag."""
    for request in tx.requests(case.id or 0):
        if request.right == Right.OBJECT or request.decision:
            continue
        if request.state == State.DISPATCHING:
            recall_unsent(tx, request, now=now)
        elif request.state == State.APPROVED:
            _void(tx, request, actor=actor, now=now)
        if request.state == State.REVIEW:
            tx.advance(request, Event.REVISED, actor=actor, at=now, detail={"because": "task_answered"})
        if request.state == State.SEARCHING:
            tx.enqueue("search_failed", case.id or 0, due_at=now)
        elif found and request.state in {State.DISPATCHING, State.APPLYING, State.BLOCKED, State.CLOSED}:
            _flag(tx, case)


def _void(tx: Transaction, request: Request, *, actor: str, now: datetime) -> None:
    for letter in tx.letters_of(request.id or 0):
        if letter.status == "approved":
            void_letter(tx, letter, reason="task_answered", now=now)
    tx.advance(request, Event.VOIDED, actor=actor, at=now, detail={"because": "task_answered"})


def _flag(tx: Transaction, case: CaseFile) -> None:
    if LATE_ANSWER not in case.flags:
        case.flags = [*case.flags, LATE_ANSWER]
        tx.add_case(case)


# --------------------------------------------------------------------------------------------- the word of the staff


def answer(
    app: App,
    task: Task,
    *,
    word: str,
    text: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    by: str | None,
    actor: str,
    now: datetime,
) -> None:
    """
    A member of staff writes down what a colleague said.

    Args: text, files: what is held, or why it cannot be done; by: who said so, None: the owner of the task.
    Raises: UsageError if it does not fit the task; SystemContractError if a file cannot be read.
    """
    if (word in {HELD, NOTHING}) != (task.kind == SEARCH):
        wanted = "--nothing, --text or --file" if task.kind == SEARCH else "--done or --cannot"
        raise UsageError(said("{task} is answered with {wanted}.", task=task.reference, wanted=wanted))
    content = AnswerContent(said=text) if word == CANNOT else held(app, task, text, files)
    if word == HELD and not content.holdings:
        raise UsageError("Say what is held with --text or --file, or --nothing.")
    with app.store.transaction() as tx:
        case = tx.case_by_id(task.case_id)
        current = tx.task(task.id or 0)
        if current is None:
            raise UsageError(said("{task} is gone.", task=task.reference))
        signer = by or owner_name(app, case, current)
        member = app.settings.staff_name(actor) or actor
        keep_answer(
            app,
            tx,
            case,
            current,
            word=word,
            content=content,
            signer=signer if signer == member else f"{signer}, as told to {member}",
            actor=actor,
            now=now,
        )


def held(app: App, task: Task, text: str, files: Sequence[tuple[str, bytes]]) -> AnswerContent:
    """What an answer says to be held. Raises: SystemContractError if only a person can read it."""
    system = app.systems[task.system]
    assert isinstance(system, Asks)  # noqa: S101  # no other system has tasks
    return AnswerContent(holdings=system.read(text, files), said=text)


def settle_late(app: App, task: Task, *, actor: str, now: datetime) -> None:
    """
    A person has dealt with an answer that came after the letter: reopened the request, or wrote what was missing.

    Raises: UsageError for any other task: what is not answered is waited for (P5).
    """
    with app.store.transaction() as tx:
        current = tx.task(task.id or 0)
        if current is None or current.state != LATE:
            raise UsageError(
                said("{task} did not come late; an open task is answered, never skipped.", task=task.reference)
            )
        current.state, current.why = ANSWERED, ""
        case = tx.case_by_id(task.case_id)
        if not any(each.state == LATE for each in tx.tasks_of(case.id or 0)):
            case.flags = [flag for flag in case.flags if flag != LATE_ANSWER]
            tx.add_case(case)
        tx.record("late_answer_settled", actor=actor, at=now, case_id=case.id, detail={"task": task.reference})


def owner_of(app: App, case: CaseFile, task: Task) -> str:
    """Address of who answers for a task."""
    return words_of(app, case, desks.owner_context(task.reference), task.sealed_owner)


def owner_name(app: App, case: CaseFile, task: Task) -> str:
    """Full name of who answers for a task, as settings have it; the address if they left."""
    address = owner_of(app, case, task)
    colleague = app.settings.colleague(address)
    return colleague.name if colleague else address
