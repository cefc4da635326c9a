"""
Mails that belong to something known: copies of our own letters, bounces, and follow-ups of a case.

Knowing a reference is no proof of identity: a follow-up changes the course of a case only if it comes from an address
of that case; from anybody else it joins with a flag and changes no state.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from dsar import dispatch, guard
from dsar.casework import arrivals, clocking, desks, opening
from dsar.casework.context import PROGRAM, App, outgoing_key, subject_of, triage_of
from dsar.casework.sending import UNCERTAIN, recall_unsent, settle_sent, take_letter_back, unreachable, void_letter
from dsar.errors import MalformedMailError, UnknownCaseError, WrongKeyError
from dsar.lifecycle import Event, State
from dsar.model import Disposition, IdentifierType, InboundMail, Requester, Right, SenderAuthentication, Triage
from dsar.names import can_be_same_person
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Message, OutboxRow, Request


def settle_own_copy(
    app: App, message_id: int, mail: InboundMail, *, authentication: SenderAuthentication, now: datetime
) -> bool:
    """
    A copy of our own letter in our own mailbox is evidence that it left; True if the mail is one.

    Everybody who got the letter knows its Message-ID and our address: only a mail that says the very same is our copy.
    Args: authentication: what our mail server found out about the sender.
    """
    if mail.message_id is None or authentication is SenderAuthentication.FAIL:
        return False
    with app.store.transaction() as tx:
        row = tx.outgoing_by_message_id(mail.message_id)
        if row is None or mail.sender != app.settings.smtp_sender:
            return False
        key = outgoing_key(tx, row)
    if not _says_the_same(app, key, row, mail):
        return False
    if row.state == "uncertain":
        settle_sent(app, row.id or 0, evidence="found_copy", actor=PROGRAM, now=now)
    with app.store.transaction() as tx:  # filed last: a crash before it repeats what is above
        _file(tx.message(message_id), Disposition.INTERNAL)
    return True


def _says_the_same(app: App, key: str, row: OutboxRow, mail: InboundMail) -> bool:
    """Whether a mail is what we sent; headers change on the way, text and files do not."""
    try:
        content = app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime)
        sent = guard.read_mail(content, own_domain=app.settings.own_domain)
    except (WrongKeyError, MalformedMailError):
        return False  # the case was purged, so that nobody can tell any more
    return _contents(sent) == _contents(mail)


def _contents(mail: InboundMail) -> tuple[object, ...]:
    files = [(each.filename, each.content) for each in mail.attachments]
    return (mail.subject, mail.text, files, mail.hidden_text, any("different" in each for each in mail.defects))


def settle_bounce(app: App, message_id: int, mail: InboundMail, *, now: datetime) -> bool:
    """
    A bounce of one of our mails is recorded; one for good reopens what the mail answered and shows on the case.

    A bounce is evidence, too, that the mail had left. One for good that names no mail of ours goes before a person: it
    may be about an answer that never arrived (P1). Returns: True if the mail is one.
    """
    if not (mail.is_bounce or mail.is_delay):
        return False
    with app.store.transaction() as tx:
        rows = [row for row in map(tx.outgoing_by_message_id, mail.own_message_ids) if row is not None]
    for row in rows:
        settle_sent(app, row.id or 0, evidence="bounce", actor=PROGRAM, now=now)
    with app.store.transaction() as tx:
        for row in [tx.outgoing(row.id or 0) for row in rows]:
            name = "mail_bounced" if mail.is_bounce else "mail_delayed"
            detail = {"kind": row.kind, clocking.MAIL: str(row.id)}
            tx.record(name, actor=PROGRAM, at=now, case_id=row.case_id, detail=detail)
            if mail.is_bounce and row.state == "sent":
                tx.move_outgoing(row, to="failed", expected="sent")
                if row.case_id is None:
                    unreachable(tx, row, now=now)
                    continue
                clocking.mail_came_back(app, tx, tx.case_by_id(row.case_id), now=now)
                take_letter_back(tx, row, Event.BOUNCED, actor=PROGRAM, now=now)
                add_flags(tx, tx.case_by_id(row.case_id), ("bounced",))
        for case in [] if rows else _cases_written_to(app, tx, mail.failed_recipients):
            tx.record("mail_may_have_bounced", actor=PROGRAM, at=now, case_id=case.id)
            add_flags(tx, case, ("may_have_bounced",))
        message = tx.message(message_id)
        _file(message, Disposition.BOUNCE)
        if message is not None and mail.is_bounce and not rows:
            message.status = "person"
    return True


def _cases_written_to(app: App, tx: Transaction, addresses: Sequence[str]) -> list[CaseFile]:
    """Cases whose requester has one of these addresses and was sent something: a bounce may not name the mail."""
    found = [case for address in addresses for case in tx.cases_indexed(app.vault.index("sender", address))]
    return [case for case in found if any(row.state == "sent" for row in tx.outgoing_of_case(case.id or 0))]


#: Signs that a program answered by itself (RFC 3834).
_ANSWERED_BY_MACHINE = frozenset({"auto-submitted", "auto-replied", "null-return-path", "report"})


def settle_machine_reply(app: App, message_id: int, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    File an automatic reply; it joins no case and changes nothing. True if the mail is one.

    One that asks for something goes before a person: a request can come from a machine.
    """
    is_reply = triage.disposition is Disposition.AUTO_REPLY
    by_itself = bool(_ANSWERED_BY_MACHINE & set(mail.machine_signs)) and triage.requester is not Requester.WEB_FORM
    if not (is_reply or by_itself):
        return False
    with app.store.transaction() as tx:
        case = case_of(app, tx, mail)
        if case is None and not is_reply:
            return False
        if case is not None:
            tx.record("machine_replied", actor=PROGRAM, at=now, case_id=case.id)
        message = tx.message(message_id)
        _file(message, Disposition.AUTO_REPLY)
        asks = triage.needs_person if is_reply else bool(triage.subjects[0].requests)
        if message is not None and asks:
            message.status = "person"
    return True


#: Flag and reason of a case that got another mail.
FOLLOW_UP = "follow_up"

#: Flag and reason of a case about which somebody unknown has written.
STRANGER = "follow_up_unknown_sender"

#: Flag of a case whose requester wrote that they take it back: nothing is approved until a person has decided.
WITHDRAWN = "withdrawn"

#: Flags of a follow-up that staff must see on the case.
_TELLING = frozenset({WITHDRAWN, "complaint", "threat", "protected_identity", "breach"})


#: Flag of a case that somebody reminds us of: it comes before others that are due on the same day.
REMINDER = "reminder"

_REFERENCE = re.compile(r"(?<![\w-])D-20\d\d-\d{5}(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Match:
    case: CaseFile
    in_thread: bool  #: It answers a mail of the case; otherwise only the sender fits.
    known_sender: bool  #: It comes from an address of the case, and the mail server did not find it forged.


def join_known_case(app: App, message_id: int, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    Let a follow-up join its case, with the effect that its state demands; True if the mail was one.

    A new request outside any thread joins an open case of the same proven sender, so that a reminder is not a second
    case.
    """
    with app.store.transaction() as tx:
        message = tx.message(message_id)
        if message is None:
            return False
        copy = opening.copy_index(app, mail)
        if copy and (copied := tx.cases_indexed(copy)):
            opening.join(app, tx, copied[0], message, mail, triage, role="copy", now=now)
            tx.record("copy", actor=PROGRAM, at=now, case_id=copied[0].id)
            arrivals.note_copy(app, tx, copied[0], message, copy, now=now)
            _file(message, Disposition.FOLLOW_UP)
            return True
        match = _find_case(app, tx, mail, triage)
        if match is None:
            return False
        case = match.case
        requests = tx.requests(case.id or 0)
        if triage.disposition is Disposition.REQUEST and (
            not match.known_sender
            or all(request.state == State.CLOSED for request in requests)
            or not (match.in_thread or _is_theirs(app, tx, case))
        ):
            return False  # a request of its own: from somebody else, or after the matter was ended
        about_another = match.known_sender and asks(triage) and concerns_another(app, case, triage)
        if not about_another:
            _join(app, tx, match, message, mail, triage, now=now)
    if about_another:
        opening.open_cases(app, message_id, mail, triage, actor=PROGRAM, now=now)
    return True


def _join(
    app: App, tx: Transaction, match: _Match, message: Message, mail: InboundMail, triage: Triage, *, now: datetime
) -> None:
    """Make a mail part of its case, and do there what its sender may do."""
    case = match.case
    requests = tx.requests(case.id or 0)
    role = "follow_up" if match.known_sender else "stranger"
    opening.join(app, tx, case, message, mail, triage, role=role, now=now)
    tx.record("follow_up", actor=PROGRAM, at=now, case_id=case.id, detail={"disposition": triage.disposition})
    _file(message, Disposition.FOLLOW_UP)
    if match.known_sender:
        _follow_up(app, tx, case, mail, triage, message, now=now)
    else:
        _hold_erasures(tx, requests, now=now)
        add_flags(tx, case, (STRANGER,))
        if triage.subjects[0].requests:
            message.status = "person"  # what a stranger asks has a clock of its own until somebody has looked
    if triage.disposition is Disposition.AUTHORITY:
        add_flags(tx, case, ("authority",))
        message.disposition, message.status = Disposition.AUTHORITY, "person"  # to management, the same day
    if all(request.state == State.CLOSED for request in tx.requests(case.id or 0)):
        message.status = "person"  # nothing of the case is open: reopen it, take it as a new request, or file it


def _follow_up(
    app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, message: Message, *, now: datetime
) -> None:
    """What a mail of the requester changes in the case."""
    requests = tx.requests(case.id or 0)
    new_facts = opening.extend_subject(app, tx, case, mail, triage.subjects[0])
    added = add_new_rights(app, tx, case, triage, message, now=now)
    for request in requests:
        if WITHDRAWN in triage.flags and request.state == State.CLARIFYING:
            continue  # it does not answer our question, and asks for nothing to go on
        _disturb(app, tx, request, message, new_facts=new_facts, now=now)
    flags = [FOLLOW_UP, *telling(triage)]
    if triage.is_reminder or (triage.subjects[0].requests and not added):
        flags.append(REMINDER)  # asked again: more urgent, and no second clock
    add_flags(tx, case, tuple(flags))


def telling(triage: Triage) -> tuple[str, ...]:
    """Flags of a later mail that staff must see on its case."""
    return tuple(flag for flag in triage.flags if flag in _TELLING)


def case_of(app: App, tx: Transaction, mail: InboundMail) -> CaseFile | None:
    """The case that a mail answers: by the Message-IDs of its thread, or by the tag in our address."""
    for message_id in (*mail.in_reply_to, *reversed(mail.references)):
        row = tx.outgoing_by_message_id(message_id)
        if row is not None and row.case_id is not None:
            return tx.case_by_id(row.case_id)
        if cases := tx.cases_indexed(app.vault.index("message_id", message_id)):
            return cases[0]
    for tag in dispatch.tags_of((*mail.to, *mail.cc), app.settings.smtp_sender):
        if cases := tx.cases_indexed(app.vault.index("tag", tag)):
            return cases[0]
    return None


def traces(app: App, mail: InboundMail) -> frozenset[str]:
    """
    All by which a mail could belong to something known: one none of whose traces is known answers, follows or repeats
    nothing. Only a bounce can be about a mail of ours without any.

    Returns: Message-IDs of mails of ours, blind indexes of mails, tags and senders, references of cases.
    """
    message_ids = (*([mail.message_id] if mail.message_id else []), *mail.in_reply_to, *mail.references)
    tags = dispatch.tags_of((*mail.to, *mail.cc), app.settings.smtp_sender)
    kinds = {"message_id": message_ids, "tag": tags, "sender": [mail.sender] if mail.sender else []}
    indexes = (app.vault.index(kind, value) for kind, values in kinds.items() for value in values)
    named = [found.upper() for text in (mail.subject, mail.own_text) for found in _REFERENCE.findall(text)]
    named += desks.references_in(f"{mail.subject}\n{mail.text}")
    return frozenset((*message_ids, *indexes, *named))


def _find_case(app: App, tx: Transaction, mail: InboundMail, triage: Triage) -> _Match | None:
    answered = case_of(app, tx, mail)
    if answered is not None and answered.purged_at is None:
        return _Match(case=answered, in_thread=True, known_sender=_is_known(app, answered, mail, triage))
    passed = triage.sender_authentication is SenderAuthentication.PASS
    named = _named_case(tx, mail)
    if named is not None and named.purged_at is None:
        # Anybody can guess a case reference: it counts only from an address that is proven to be the sender's.
        return _Match(case=named, in_thread=True, known_sender=passed and _is_known(app, named, mail, triage))
    if mail.sender is None or not passed:
        return None
    if triage.disposition not in {Disposition.REQUEST, Disposition.FOLLOW_UP} or len(triage.subjects) > 1:
        return None
    for case in tx.cases_indexed(app.vault.index("sender", mail.sender)):
        is_open = any(request.state != State.CLOSED for request in tx.requests(case.id or 0))
        if is_open and _is_about_same_person(app, case, triage):
            return _Match(case=case, in_thread=False, known_sender=_is_known(app, case, mail, triage))
    return None


def named_by_requester(app: App, tx: Transaction, mail: InboundMail, triage: Triage) -> CaseFile | None:
    """The case whose reference a mail from its own requester names, as who answers a printed letter does."""
    named = _named_case(tx, mail)
    known = named is not None and named.purged_at is None and _is_known(app, named, mail, triage)
    return named if known else None


def _named_case(tx: Transaction, mail: InboundMail) -> CaseFile | None:
    """The one case whose reference stands in the subject, or else in the sender's own text."""
    for text in (mail.subject, mail.own_text):
        references = {found.upper() for found in _REFERENCE.findall(text)}
        if len(references) == 1:
            with suppress(UnknownCaseError):
                return tx.case(references.pop())
    return None


def _is_about_same_person(app: App, case: CaseFile, triage: Triage) -> bool:
    """Whoever writes for others, or shares a mailbox, has as many matters as there are persons."""
    known, told = subject_of(app, case).name, triage.subjects[0].name
    if known is None or told is None:
        return triage.requester is Requester.SELF
    return can_be_same_person(known, told)


def _is_theirs(app: App, tx: Transaction, case: CaseFile) -> bool:
    """
    Whether a case began with a mail that our mail server confirmed or a colleague brought, or was proven since.

    Else somebody may have filed in a person's name before them: the person's own request must not wait for that one.
    """
    link, message = tx.case_messages(case.id or 0)[0]
    first = triage_of(app, case, message.id or 0, link.sealed_triage)
    known = bool(subject_of(app, case).proven) or case.requester == Requester.COLLEAGUE_FORWARD
    return known or first.sender_authentication is SenderAuthentication.PASS


def asks(triage: Triage) -> bool:
    """Whether a mail exercises a right, for whomever."""
    return any(person.requests for person in triage.subjects)


def concerns_another(app: App, case: CaseFile, triage: Triage) -> bool:
    """Whether what a mail asks is about somebody else than the person of the case, whose proof must not serve it."""
    if len(triage.subjects) > 1 or triage.requester not in {Requester.SELF, case.requester}:
        return True
    known, told = subject_of(app, case).name, triage.subjects[0].name
    return known is not None and told is not None and not can_be_same_person(known, told)


def _is_known(app: App, case: CaseFile, mail: InboundMail, triage: Triage) -> bool:
    """Only the mail server's word makes an address the requester's; one mail's proof is not lent to the next."""
    if mail.sender is None or triage.sender_authentication is not SenderAuthentication.PASS:
        return False
    subject = subject_of(app, case)
    addresses = {each.value for each in subject.proven if each.type is IdentifierType.EMAIL}
    # A proven address ends the word of a claimed one.
    return mail.sender in (addresses or {subject.reply_address or ""})


def add_new_rights(
    app: App, tx: Transaction, case: CaseFile, triage: Triage, message: Message, *, now: datetime
) -> bool:
    """
    A later mail that adds a right starts a clock for that right (Art. 12(3): "within one month of receipt").

    Returns: whether it added any.
    """
    running = {request.right for request in tx.requests(case.id or 0) if request.state != State.CLOSED}
    added = [found for found in opening.in_order(triage.subjects[0].requests) if found.right not in running]
    received, doubt = message.received_at, triage.needs_person
    for found in added:
        opening.add_request(app, tx, case, found, message, received=received, doubt=doubt, actor=PROGRAM, now=now)
        if not doubt:
            tx.enqueue("identify", case.id or 0, due_at=now)
    return bool(added)


def _hold_erasures(tx: Transaction, requests: Sequence[Request], *, now: datetime) -> None:
    """Somebody unknown writes: nothing changes, but an erasure not begun waits until a person has looked."""
    for request in requests:
        if request.right == Right.ERASE and request.state == State.APPLYING and not _is_begun(tx, request):
            detail = {"because": STRANGER}
            tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, detail=detail, blocked_reason=STRANGER)


def _is_begun(tx: Transaction, request: Request) -> bool:
    plans = [tx.plan_of_letter(letter.id or 0) for letter in tx.letters_of(request.id or 0)]
    return any(plan is not None and tx.ledger(plan.id or 0) for plan in plans)


#: What a follow-up from the requester does to a request in each state; in the others the work just goes on.
DISTURBED: dict[State, Event] = {
    State.CLARIFYING: Event.ANSWERED,  # with something that is no code: a person looks
    State.APPROVED: Event.VOIDED,  # what was approved answers a mail that is no longer the last word
    State.APPLYING: Event.BLOCKED,  # stop before the next step; a person continues or stops (`dsar release`)
    State.DISPATCHING: Event.RECALLED,  # if nobody has begun to send it; else it is sent, and the flag remains
    State.BLOCKED: Event.VOIDED,  # not where a mail may have left already
}


#: Step that new identifiers repeat.
_TRIED_ANEW = {State.IDENTITY: "identify", State.SEARCHING: "search"}


def _disturb(app: App, tx: Transaction, request: Request, message: Message, *, new_facts: bool, now: datetime) -> None:
    """A follow-up ends approvals that do not know it, and new identifiers start a new search."""
    state = State(request.state)
    if state is State.DISPATCHING:
        recall_unsent(tx, request, now=now)  # one under way goes out, and the flag remains
    elif state is State.BLOCKED and (request.blocked_reason == UNCERTAIN or _is_begun(tx, request)):
        return  # a person decides, who sees the flag: it may have left, or changes have begun
    elif state in DISTURBED:
        reason = FOLLOW_UP if DISTURBED[state] is Event.BLOCKED else ""
        detail = {"because": FOLLOW_UP} | clocking.arrived(message.received_at)
        tx.advance(request, DISTURBED[state], actor=PROGRAM, at=now, detail=detail, blocked_reason=reason)
    if state is State.CLARIFYING:
        clocking.refresh(app, tx, request, now=now)
        if clocking.is_identified(tx, request):
            resume(tx, request, now=now)
    if state in {State.REVIEW, State.APPROVED, State.BLOCKED}:
        for letter in tx.letters_of(request.id or 0):
            if letter.status in {"draft", "approved"}:
                void_letter(tx, letter, reason=FOLLOW_UP, now=now)
    if new_facts and request.state == State.REVIEW and not request.decision:
        tx.advance(request, Event.REVISED, actor=PROGRAM, at=now, detail={"because": "new_identifiers"})
    if new_facts and request.state in _TRIED_ANEW:
        tx.enqueue(_TRIED_ANEW[State(request.state)], request.case_id, due_at=now)


def resume(tx: Transaction, request: Request, *, now: datetime) -> None:
    """A question that was not about who asks has ended: the work goes on with what is known."""
    case = tx.case_by_id(request.case_id)
    detail = {"level": case.identity_level, "method": case.identity_method}
    tx.advance(request, Event.IDENTIFIED, actor=PROGRAM, at=now, detail=detail)
    tx.enqueue("search", request.case_id, due_at=now)


def add_flags(tx: Transaction, case: CaseFile, flags: tuple[str, ...]) -> None:
    """Show something about a case in the queue."""
    case.flags = [*case.flags, *(flag for flag in flags if flag not in case.flags)]
    tx.add_case(case)


def _file(message: Message | None, disposition: Disposition) -> None:
    if message is not None:
        message.disposition = disposition
        message.status = "sorted"
