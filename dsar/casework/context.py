"""What every use case works with: the assembled parts, and sealed values of a case as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from dsar.connector import Holding, Searches
from dsar.errors import WrongKeyError
from dsar.model import (
    Activity,
    Annex,
    Controller,
    Identifier,
    Letter,
    LetterKind,
    PlanStep,
    Record,
    StepOutcome,
    Text,
    Triage,
)
from dsar.settings import Settings
from dsar.signatures import LookUpTxt
from dsar.sms import SmsGateway
from dsar.store import Store, Transaction, tables
from dsar.store.tables import CaseFile, Challenge, EventRow, LetterRow, OutboxRow, Request, SystemRow, Task
from dsar.vault import Vault

if TYPE_CHECKING:
    from dsar.declaration import Declaration  # slow to load, and a view of what is stored needs none
    from dsar.redaction import Passage

#: Actor of everything that no person decided.
PROGRAM = "dsar"

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class App:
    """The assembled parts; built by dsar.wiring."""

    settings: Settings
    store: Store
    vault: Vault
    systems: Mapping[str, Searches]  #: {name in settings: connector}
    declarations: Mapping[str, Declaration]  #: {name in settings: what the system holds}
    register: Mapping[str, Activity]  #: {id: processing activity}
    controller: Controller
    sms: SmsGateway | None = None  #: None: no codes by SMS.
    look_up_txt: LookUpTxt | None = None  #: Asks the DNS; None: signatures are not verified again.

    def system_label(self, name: str) -> Text:
        """What to call a system in letters."""
        return self.declarations[name].label


@dataclass(frozen=True, kw_only=True)
class CaseSubject:
    """The person of a case, as far as known; kept sealed under the case's key."""

    name: str | None
    identifiers: tuple[Identifier, ...]  #: Stated in mails; proven or not.
    proven: tuple[Identifier, ...] = ()  #: Contact points proven to be the requester's in this case.
    accepted: tuple[Identifier, ...] = ()  #: The person's own on candidates that a member of staff accepted.
    followed: tuple[Identifier, ...] = ()  #: What certain records gave; a later search starts from them, too.
    searched_from: tuple[Identifier, ...] = ()  #: The facts with which the latest search began.
    reply_address: str | None = None  #: Where the first mail came from.
    thread: tuple[str, ...] = ()  #: Message-IDs of the requester's mails, oldest first.
    postal: tuple[str, ...] = ()  #: Lines of the postal address that staff chose; else the one on file.
    tag: str = ""  #: Unguessable; a mail to our address with this tag answers one of our letters.

    @property
    def facts(self) -> tuple[Identifier, ...]:
        """What a search begins with; with other facts it would be another search."""
        return (*self.proven, *self.accepted, *self.identifiers)


@dataclass(frozen=True, kw_only=True)
class LetterContent:
    """What a stored letter says and to whom; annexes are stored beside it."""

    subject: str
    text: str
    html: str
    recipient: str
    markdown: str = ""  #: Of a letter that may go on paper.


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What staff wrote about a decision."""

    reasons: str
    legal_ground: str


class LineChoice(StrEnum):
    """What a person may decide about one record of a plan."""

    KEEP = "keep"  #: A law or claim that the program does not know keeps it, until a day.
    ERASE = "erase"  #: The law that the declaration names does not keep it.
    TASK = "task"  #: A person does it.
    AGAIN = "again"  #: The program tries what the system refused before.
    HARMLESS = "harmless"  #: What stays of an emptied record tells nobody: it is left as it is.


@dataclass(frozen=True, kw_only=True)
class LineWord:
    """A person's word on one record of a plan."""

    choice: LineChoice
    reason: str  #: In the language of the letter, which tells it of what is kept.
    law: str = ""  #: Law and section, or claim with its reference, of a keep.
    until: date | None = None  #: Last day of a keep.


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a colleague is asked: to look for a person, or to make one approved change."""

    name: str | None  #: Of the person.
    identifiers: tuple[Identifier, ...]  #: What finds the person beside the name, no personnummer.
    step: PlanStep | None = None  #: The change; None: to look.


@dataclass(frozen=True, kw_only=True)
class AnswerContent:
    """What a colleague answered."""

    holdings: tuple[Holding, ...] = ()
    said: str = ""  #: Why it cannot be done, or words that only a person can judge.


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    """Of one kind of value that is kept sealed; made once and on use, since making it is slow."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def case_key(case: CaseFile) -> str:
    """Name of the key that seals everything of this case."""
    return f"case:{case.reference}"


def mail_key(sha256: str) -> str:
    """Name of the key that seals one raw mail."""
    return f"mail:{sha256}"


_MAILBOX = "mailbox:"


def mailbox_key(mailbox: str) -> str:
    """Name of the key that wraps the keys of mails not sorted yet."""
    return f"{_MAILBOX}{mailbox}"


def is_mailbox_key(name: str) -> bool:
    """Whether *name* is that of a mailbox's key."""
    return name.startswith(_MAILBOX)


def _seal(app: App, case: CaseFile, context: str, kind: Any, value: object) -> bytes:  # noqa: ANN401
    return app.vault.seal(case_key(case), context, _adapter(kind).dump_json(value))


def _unseal(app: App, case: CaseFile, context: str, kind: type[_Value], sealed: bytes) -> _Value:
    plain = app.vault.unseal(case_key(case), context, sealed)
    value: _Value = _adapter(kind).validate_json(plain)
    return value


def seal_subject(app: App, case: CaseFile, subject: CaseSubject) -> bytes:
    return _seal(app, case, "case_file.subject", CaseSubject, subject)


def subject_of(app: App, case: CaseFile) -> CaseSubject:
    """Raises: WrongKeyError if the case was purged."""
    return _unseal(app, case, "case_file.subject", CaseSubject, case.sealed_subject or b"")


def seal_triage(app: App, case: CaseFile, message_id: int, triage: Triage) -> bytes:
    return _seal(app, case, f"case_message.triage:{message_id}", Triage, triage)


def triage_of(app: App, case: CaseFile, message_id: int, sealed: bytes) -> Triage:
    return _unseal(app, case, f"case_message.triage:{message_id}", Triage, sealed)


def seal_records(app: App, case: CaseFile, system: str, records: tuple[Record, ...]) -> bytes:
    return _seal(app, case, f"system_result.records:{system}", tuple[Record, ...], records)


def records_of(app: App, case: CaseFile, row: SystemRow) -> tuple[Record, ...]:
    return _unseal(app, case, f"system_result.records:{row.system}", tuple[Record, ...], row.sealed_records)


def seal_grounds(app: App, case: CaseFile, request_id: int, grounds: Grounds) -> bytes:
    return _seal(app, case, f"request.grounds:{request_id}", Grounds, grounds)


def grounds_of(app: App, case: CaseFile, request_id: int, sealed: bytes) -> Grounds:
    return _unseal(app, case, f"request.grounds:{request_id}", Grounds, sealed)


def seal_note(app: App, case: CaseFile, request_id: int, note: str) -> bytes:
    """What staff add to the letters of a request in their own words."""
    return app.vault.seal(case_key(case), f"request.note:{request_id}", note.encode())


def note_of(app: App, case: CaseFile, request: Request) -> str | None:
    """What staff add to the letters of *request*; None if nothing."""
    if request.sealed_note is None:
        return None
    return app.vault.unseal(case_key(case), f"request.note:{request.id}", request.sealed_note).decode()


def seal_content(app: App, case: CaseFile, letter_id: int, content: LetterContent) -> bytes:
    return _seal(app, case, f"letter.content:{letter_id}", LetterContent, content)


def content_of(app: App, case: CaseFile, row: LetterRow) -> LetterContent:
    return _unseal(app, case, f"letter.content:{row.id}", LetterContent, row.sealed_content)


def seal_steps(app: App, case: CaseFile, letter_id: int, steps: tuple[PlanStep, ...]) -> bytes:
    return _seal(app, case, f"change_plan.steps:{letter_id}", tuple[PlanStep, ...], steps)


def steps_of(app: App, case: CaseFile, plan: tables.ChangePlan) -> tuple[PlanStep, ...]:
    return _unseal(app, case, f"change_plan.steps:{plan.letter_id}", tuple[PlanStep, ...], plan.sealed_steps)


def seal_outcomes(app: App, case: CaseFile, letter_id: int, outcomes: tuple[StepOutcome, ...]) -> bytes:
    return _seal(app, case, f"change_plan.outcomes:{letter_id}", tuple[StepOutcome, ...], outcomes)


def outcomes_of(app: App, case: CaseFile, plan: tables.ChangePlan) -> tuple[StepOutcome, ...]:
    """Empty if the plan was not applied."""
    if plan.sealed_outcomes is None:
        return ()
    context = f"change_plan.outcomes:{plan.letter_id}"
    return _unseal(app, case, context, tuple[StepOutcome, ...], plan.sealed_outcomes)


def seal_contact(app: App, case: CaseFile, code_digest: str, contact: Identifier) -> bytes:
    return _seal(app, case, f"challenge.contact:{code_digest}", Identifier, contact)


def contact_of(app: App, case: CaseFile, challenge: Challenge) -> Identifier:
    """The contact point that a code was sent to."""
    return _unseal(app, case, f"challenge.contact:{challenge.digest}", Identifier, challenge.sealed_contact)


#: Where in the detail of an event the reason stands that a person gave.
_REASON = "sealed_reason"


def seal_reason(app: App, case: CaseFile, event: str, reason: str, *, at: datetime) -> dict[str, str]:
    """Detail of an event with the reason that a person gave, readable as long as the case is; bound to this event."""
    return {_REASON: app.vault.seal(case_key(case), _reason_context(event, at), reason.encode()).hex()}


def reason_of(app: App, case: CaseFile, event: EventRow) -> str | None:
    """The reason that a person gave with an event; None if there is none, or the case was purged."""
    sealed = event.detail.get(_REASON)
    if sealed is None or case.purged_at is not None:
        return None
    return app.vault.unseal(case_key(case), _reason_context(event.name, event.at), bytes.fromhex(sealed)).decode()


def seal_mail_reason(app: App, sha256: str, event: str, reason: str, *, at: datetime) -> dict[str, str]:
    """As seal_reason, for a mail that belongs to no case; readable as long as the mail is kept."""
    return {_REASON: app.vault.seal(mail_key(sha256), _reason_context(event, at), reason.encode()).hex()}


def mail_reason_of(app: App, sha256: str, event: EventRow) -> str | None:
    """The reason that a person gave with an event of a mail without a case; None if there is none, or it is gone."""
    sealed = event.detail.get(_REASON)
    if sealed is None:
        return None
    try:
        plain = app.vault.unseal(mail_key(sha256), _reason_context(event.name, event.at), bytes.fromhex(sealed))
    except WrongKeyError:
        return None
    return plain.decode()


def _reason_context(event: str, at: datetime) -> str:
    return f"event.reason:{event}:{at.astimezone(UTC).isoformat()}"


def seal_line(app: App, case: CaseFile, index: str, word: LineWord) -> bytes:
    return _seal(app, case, f"plan_line:{index}", LineWord, word)


def line_of(app: App, case: CaseFile, row: tables.PlanLine) -> LineWord:
    return _unseal(app, case, f"plan_line:{row.record_index}", LineWord, row.sealed_line)


def seal_passage(app: App, case: CaseFile, index: str, passage: Passage) -> bytes:
    from dsar.redaction import Passage  # all its patterns, which few commands need

    return _seal(app, case, f"redaction.passage:{index}", Passage, passage)


def passage_of(app: App, case: CaseFile, row: tables.Redaction) -> Passage:
    from dsar.redaction import Passage

    return _unseal(app, case, f"redaction.passage:{row.passage_index}", Passage, row.sealed_passage)


def seal_question(app: App, case: CaseFile, reference: str, question: Question) -> bytes:
    return _seal(app, case, f"task.question:{reference}", Question, question)


def question_of(app: App, case: CaseFile, task: Task) -> Question:
    return _unseal(app, case, f"task.question:{task.reference}", Question, task.sealed_question)


def seal_answer(app: App, case: CaseFile, reference: str, content: AnswerContent) -> bytes:
    return _seal(app, case, f"task_answer.content:{reference}", AnswerContent, content)


def answer_of(app: App, case: CaseFile, task: Task, answer: tables.TaskAnswer) -> AnswerContent:
    """Without content once that has been kept long enough."""
    if not answer.sealed_content:
        return AnswerContent()
    return _unseal(app, case, f"task_answer.content:{task.reference}", AnswerContent, answer.sealed_content)


def seal_words(app: App, case: CaseFile, context: str, words: str) -> bytes:
    """Seal a short text of a case. Args: context: where it is kept."""
    return app.vault.seal(case_key(case), context, words.encode())


def words_of(app: App, case: CaseFile, context: str, sealed: bytes) -> str:
    return app.vault.unseal(case_key(case), context, sealed).decode()


def outgoing_key(tx: Transaction, row: OutboxRow) -> str:
    """Name of the key that seals an outgoing mail: its case's, or its own if it is about several cases."""
    if row.case_id is None:
        return task_mail_key(row.message_id)
    return case_key(tx.case_by_id(row.case_id))


def task_mail_key(message_id: str) -> str:
    """Name of the key that seals one mail to a colleague."""
    return f"task_mail:{message_id}"


def letter_of(row: LetterRow, content: LetterContent, annexes: tuple[Annex, ...]) -> Letter:
    """A stored letter as the value that it was composed as."""
    return Letter(
        kind=LetterKind(row.kind),
        language=row.language,
        subject=content.subject,
        text=content.text,
        html=content.html,
        markdown=content.markdown,
        annexes=annexes,
        template_sha256=row.template_sha256,
    )


def stored_letter(app: App, tx: Transaction, case: CaseFile, row: LetterRow) -> Letter:
    """A letter exactly as it is stored."""
    annexes = tuple(
        Annex(
            filename=annex.filename,
            content_type=annex.content_type,
            content=app.vault.unseal(case_key(case), f"letter_annex:{row.id}:{annex.position}", annex.sealed_content),
        )
        for annex in tx.annexes(row.id or 0)
    )
    return letter_of(row, content_of(app, case, row), annexes)


def record_index(app: App, record: Record | PlanStep) -> str:
    """Blind index of a record, or of the record of a step, to remember what a person decided about it."""
    return app.vault.index("record", f"{record.system}\0{record.object}\0{record.key}")


def passage_index(app: App, passage: Passage) -> str:
    """Blind index of a passage, to remember what a person decided about it."""
    return app.vault.index("passage", "\0".join(passage.place))


def audit_index(app: App, case: CaseFile, kind: str, value: str) -> str:
    """
    What the audit trail keeps of a value: the same in every event of this case, and nothing once the case is purged.

    The trail is append-only (P8), so what it must not know for ever it must never hold (P9).
    """
    return app.vault.index_under(case_key(case), kind, value)
