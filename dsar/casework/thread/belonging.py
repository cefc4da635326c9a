"""
Mail -> the case that it belongs to, and whether its sender is known there.

Effects: reads the database. Knowing a reference is no proof of identity.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from dsar import dispatch
from dsar.casework.context import App, subject_of, triage_of
from dsar.errors import UnknownCaseError
from dsar.lifecycle import State
from dsar.model import Disposition, IdentifierType, InboundMail, Requester, SenderAuthentication, Triage
from dsar.names import can_be_same_person
from dsar.store import Transaction
from dsar.store.tables import CaseFile

_REFERENCE = re.compile(r"(?<![\w-])D-20\d\d-\d{5}(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Match:
    """The case that a mail belongs to."""

    case: CaseFile
    in_thread: bool  #: It answers a mail of the case; otherwise only the sender fits.
    known_sender: bool  #: It comes from an address of the case, and the mail server did not find it forged.


def case_of(app: App, tx: Transaction, mail: InboundMail) -> CaseFile | None:
    """The case that a mail answers: by the Message-IDs of its thread, or by the tag in our address."""
    for message_id in (*mail.in_reply_to, *reversed(mail.references)):
        row = tx.outgoing_by_message_id(message_id)
        if row is not None:
            return tx.case_by_id(row.case_id or 0)
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
    named = (found.upper() for text in (mail.subject, mail.own_text) for found in _REFERENCE.findall(text))
    return frozenset((*message_ids, *indexes, *named))


def find_case(app: App, tx: Transaction, mail: InboundMail, triage: Triage) -> Match | None:
    answered = case_of(app, tx, mail)
    if answered is not None and answered.purged_at is None:
        return Match(case=answered, in_thread=True, known_sender=is_known(app, answered, mail, triage))
    passed = triage.sender_authentication is SenderAuthentication.PASS
    named = named_case(tx, mail)
    if named is not None and named.purged_at is None:
        # Anybody can guess a case reference: it counts only from an address that is proven to be the sender's.
        return Match(case=named, in_thread=True, known_sender=passed and is_known(app, named, mail, triage))
    if mail.sender is None or not passed:
        return None
    if triage.disposition not in {Disposition.REQUEST, Disposition.FOLLOW_UP} or len(triage.subjects) > 1:
        return None
    for case in tx.cases_indexed(app.vault.index("sender", mail.sender)):
        is_open = any(request.state != State.CLOSED for request in tx.requests(case.id or 0))
        if is_open and _is_about_same_person(app, case, triage):
            return Match(case=case, in_thread=False, known_sender=is_known(app, case, mail, triage))
    return None


def named_by_requester(app: App, tx: Transaction, mail: InboundMail, triage: Triage) -> CaseFile | None:
    """The case whose reference a mail from its own requester names, as who answers a printed letter does."""
    named = named_case(tx, mail)
    known = named is not None and named.purged_at is None and is_known(app, named, mail, triage)
    return named if known else None


def named_case(tx: Transaction, mail: InboundMail) -> CaseFile | None:
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


def is_theirs(app: App, tx: Transaction, case: CaseFile) -> bool:
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


def is_known(app: App, case: CaseFile, mail: InboundMail, triage: Triage) -> bool:
    """Only the mail server's word makes an address the requester's; one mail's proof is not lent to the next."""
    if mail.sender is None or triage.sender_authentication is not SenderAuthentication.PASS:
        return False
    subject = subject_of(app, case)
    addresses = {each.value for each in subject.proven if each.type is IdentifierType.EMAIL}
    # A proven address ends the word of a claimed one.
    return mail.sender in (addresses or {subject.reply_address or ""})
