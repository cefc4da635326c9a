"""
A mail on the server -> a sorted message, and the cases it opens or joins.

Nothing is lost (P1): raw bytes and sighting are committed before anybody touches the server, sorting runs from the
stored bytes and may be repeated, and what cannot be read goes before a person.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from dsar import guard, signatures
from dsar.casework import confirming, health, recipients, replies, searching, thread
from dsar.casework.arrivals import move_clocks
from dsar.casework.context import PROGRAM, App, mail_key, mailbox_key
from dsar.casework.opening import open_cases
from dsar.errors import MalformedMailError, WrongKeyError
from dsar.model import Disposition, InboundMail, RawMail, Triage
from dsar.store import Transaction
from dsar.store.tables import Message
from dsar.triage import Form, vocabulary

#: What the sealed bytes of a mail are: all of them, or a piece of a big mail with its number.
_WHOLE, _PIECE = "raw_content.content", "raw_piece.sealed_content"

#: Name of the mailbox under which requests that did not come by mail are kept; no settings section may be called so.
BY_HAND = "by hand"

#: Dispositions that end without a case when no person is needed.
_FILED = frozenset({Disposition.NOT_REQUEST, Disposition.AUTO_REPLY})


def store_mails(app: App, mails: Sequence[RawMail], *, now: datetime) -> None:
    """
    Commit a batch of mails of one folder: bytes, sighting, message row, the due step of sorting it, and the UID
    reached.

    Repeating it with the same mails changes nothing; one known already that came earlier than known moves the clocks
    that it started. Keys come first: a key without a mail harms nobody.
    """
    last = mails[-1]
    with app.store.transaction() as tx:
        stored = tx.stored({mail.sha256 for mail in mails})
    new = {mail.sha256: mail for mail in mails if mail.sha256 not in stored}
    app.vault.create_key(mailbox_key(last.mailbox))
    sealed = app.vault.seal_each(
        {mail_key(digest): mail.content for digest, mail in new.items()},  # b"" of a big mail: this makes its key
        wrapped_by=mailbox_key(last.mailbox),
        context=_WHOLE,
    )
    with app.store.transaction() as tx:
        known = [(message, message.received_at) for message in tx.messages_of({mail.sha256 for mail in mails})]
        ids = tx.add_mails(mails, sealed={digest: sealed[mail_key(digest)] for digest in new}, now=now)
        for digest, mail in new.items():
            if mail.spool is not None:
                tx.add_raw_pieces(digest, _sealed_pieces(app, mail))
        tx.enqueue_new("sort", ids, due_at=now)
        for message, was in known:
            if message.received_at < was:
                move_clocks(app, tx, message, was=was, now=now)
        tx.mark_read(last.mailbox, last.folder, last.uid_validity, last_uid=last.uid, now=now)


def _sealed_pieces(app: App, mail: RawMail) -> Iterator[bytes]:
    for position, piece in enumerate(mail.pieces()):
        yield app.vault.seal(mail_key(mail.sha256), f"{_PIECE}:{position}", piece)


def raw_content(app: App, message: Message, *, within: Transaction | None = None) -> bytes:
    """
    The exact bytes of a stored mail.

    Args: within: the caller's open transaction, if there is one. Raises: WrongKeyError if its keys are gone, or if it
    is not the mail that was stored.
    """
    key = mail_key(message.sha256)
    with nullcontext(within) if within else app.store.transaction(read_only=True) as tx:
        whole = app.vault.unseal(key, _WHOLE, tx.raw(message.sha256))
        if whole:
            return whole
        sealed = enumerate(tx.raw_pieces(message.sha256))
        content = b"".join(app.vault.unseal(key, f"{_PIECE}:{position}", piece) for position, piece in sealed)
    if hashlib.sha256(content).hexdigest() != message.sha256:  # a piece is missing
        raise WrongKeyError(key)
    return content


def open_each(app: App, mailbox: str, sealed: Mapping[str, bytes]) -> dict[str, bytes]:
    """{SHA-256: the exact bytes} of mails of one mailbox that open and are small enough to lie in one piece."""
    keys = {mail_key(digest): digest for digest in sealed}
    opened = app.vault.unseal_each(
        {key: sealed[digest] for key, digest in keys.items()}, wrapped_by=mailbox_key(mailbox), context=_WHOLE
    )
    return {keys[key]: content for key, content in opened.items() if content}


def read(app: App, message: Message, *, within: Transaction | None = None) -> InboundMail:
    """A stored mail as a person would see it. Raises: MalformedMailError; WrongKeyError."""
    return guard.read_mail(raw_content(app, message, within=within), own_domain=app.settings.own_domain)


def sort(app: App, message_id: int, *, now: datetime, examined: guard.Examined | None = None) -> None:
    """
    Step: find out what one mail is and act on it, once.

    Args: examined: the mail as read and what it asks, if that is known already.
    """
    with app.store.transaction() as tx:
        message = tx.message(message_id)
    if message is None or message.status != "new":
        return
    if message.mailbox == BY_HAND:
        _take_up(app, message_id, now=now)
        return
    content = raw_content(app, message) if examined is None or app.look_up_txt else b""
    try:
        examined = examined or guard.examine(content, office(app))
    except MalformedMailError as error:
        set_aside(app, message_id, error=type(error).__name__, now=now)
        return
    mail, found = examined.mail, with_signatures(app, examined.triage, content)
    if health.settle_self_test(app, message_id, mail, now=now):
        return
    if not _settle_related(app, message_id, mail, found, now=now):
        _settle_new(app, message_id, mail, found, now=now)


def _settle_related(app: App, message_id: int, mail: InboundMail, found: Triage, *, now: datetime) -> bool:
    """Act on a mail that belongs to something known, or is about it; True if it is one."""
    with app.store.transaction(read_only=True) as tx:
        known = tx.known_traces(thread.traces(app, mail))
    if not (known or mail.is_bounce or mail.is_delay):
        return False
    authentication = guard.authentication(mail, office(app))  # of the sender, whoever it is that asks
    if thread.settle_own_copy(app, message_id, mail, authentication=authentication, now=now):
        return True
    if thread.settle_bounce(app, message_id, mail, now=now):
        return True
    if recipients.take_answer(app, message_id, mail, found, authentication=authentication, now=now):
        return True
    if replies.settle(app, message_id, mail, found, authentication=authentication, now=now):
        return True
    _flag(app, message_id, found)
    if confirming.settle_code(app, message_id, mail, found, now=now):
        return True
    if thread.settle_machine_reply(app, message_id, mail, found, now=now):
        return True
    if thread.join_known_case(app, message_id, mail, found, now=now):
        _note_obstacles(app, message_id, now=now)
        return True
    return False


def _settle_new(app: App, message_id: int, mail: InboundMail, found: Triage, *, now: datetime) -> None:
    """Open the cases of a mail that belongs to none, or file it."""
    _flag(app, message_id, found)
    if found.disposition is Disposition.REQUEST:
        open_cases(app, message_id, mail, found, actor=PROGRAM, now=now)
        return
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is not None:
            file_message(message, found.disposition, status=status_of(found))
            tx.record("message_sorted", actor=PROGRAM, at=now, detail={"disposition": found.disposition})


def _flag(app: App, message_id: int, found: Triage) -> None:
    if found.flags:
        with app.store.transaction() as tx:
            tx.flag_message(message_id, found.flags)


def status_of(found: Triage) -> str:
    """Where a mail that belongs to no case goes."""
    return "person" if found.needs_person or found.disposition not in _FILED else "sorted"


def _note_obstacles(app: App, message_id: int, *, now: datetime) -> None:
    """A later mail may want more changed, which may demand more proof of who asks."""
    with app.store.transaction() as tx:
        for case in tx.cases_of_message(message_id):
            if case.purged_at is None:
                searching.note_obstacles(app, tx, case, now=now)


def _take_up(app: App, message_id: int, *, now: datetime) -> None:
    """The program ended between keeping a request taken by hand and opening its case: a person sorts it."""
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is not None:
            file_message(message, Disposition.UNCLEAR, status="person")
            tx.record("message_sorted", actor=PROGRAM, at=now, detail={"disposition": Disposition.UNCLEAR})


def examine(app: App, mail: InboundMail) -> Triage:
    """Triage of a mail with what our own mail server found out about its sender."""
    return guard.triage_of(mail, office(app))


def office(app: App) -> guard.Office:
    """What triage must know about us."""
    chosen = app.settings
    return guard.Office(
        own_domain=chosen.own_domain,
        own_addresses=chosen.own_addresses,
        own_servers=chosen.own_servers,
        trusted_authserv_ids=chosen.trusted_authserv_ids,
        staff_names=tuple(member.name for member in chosen.members.values()),
        known_domains=tuple(chosen.authentication.known_domains),
        forms=tuple(Form(sender=form.sender, fields=form.fields) for form in chosen.forms.values()),
        languages=chosen.triage.languages,
        phrases=vocabulary.added(),
    )


def with_signatures(app: App, found: Triage, content: bytes) -> Triage:
    """*found* with what verifying the signatures of the exact bytes again gives, if the DNS may be asked."""
    if app.look_up_txt is None:
        return found
    return replace(found, sender_evidence=(*found.sender_evidence, signatures.evidence(content, app.look_up_txt)))


def set_aside(app: App, message_id: int, *, error: str, now: datetime) -> None:
    """Put a mail that the program cannot handle before a person, as it is; one that was sorted already stays sorted."""
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return
        file_message(message, Disposition.UNCLEAR, status="quarantine")
        message.last_error = error
        tx.record("message_set_aside", actor=PROGRAM, at=now, detail={"error": error})


def file_message(message: Message | None, disposition: Disposition, *, status: str) -> None:
    """Give a message its one disposition."""
    if message is not None:
        message.disposition = disposition
        message.status = status
