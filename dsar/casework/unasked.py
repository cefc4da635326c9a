"""
Whether a mail that nobody approved may go to a sender: the loop rules, in one table.

They hold for every such mail: acknowledgement, identity letter, marketing stop under the standing approval. Two
machines that answer each other, a forged sender and a mailing list are all stopped before the first mail (RFC 3834).
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from dsar.casework.context import App
from dsar.model import InboundMail, LetterKind, SenderAuthentication, Triage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, OutboxRow

#: Mails without approval per sender, and per case, in a day: a whole identity check with two codes takes five.
MOST_PER_DAY = 6

#: Flags of a mail whose sender may not be who it says, or must not be written to by a machine.
_UNWRITTEN_FLAGS = frozenset(
    {"protected_identity", "minor", "look_alike", "sender_mismatch", "poses_as_staff", "list_relay"}
)

_DAY = timedelta(days=1)


class _Given(NamedTuple):
    app: App
    tx: Transaction
    mail: InboundMail
    triage: Triage
    case: CaseFile | None  #: In whose thread it would be sent.
    now: datetime


class _Rule(NamedTuple):
    why: str
    holds: Callable[[_Given], bool]


def _is_ours(given: _Given) -> bool:
    """One of our own addresses, with or without a tag."""
    local, _, domain = (given.mail.sender or "").rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" in given.app.settings.own_addresses


def _has_our_message_id(given: _Given) -> bool:
    return (given.mail.message_id or "").lower().endswith(f"@{given.app.settings.own_domain}>")


def _sender_got_enough(given: _Given) -> bool:
    cases = given.tx.cases_indexed(given.app.vault.index("sender", given.mail.sender or ""))
    return len(list(_unasked(given.tx, cases, given.now))) >= MOST_PER_DAY


def _thread_got_enough(given: _Given) -> bool:
    return given.case is not None and len(list(_unasked(given.tx, [given.case], given.now))) >= MOST_PER_DAY


#: While one of these holds, nothing goes out without a person.
RULES = (
    _Rule("the sender is unknown", lambda given: given.mail.sender is None),
    # RFC 3834 s. 2: Auto-Submitted, null Return-Path, Precedence, List-Id, reports, daemons; see dsar.mime.machines.
    _Rule("a machine or a list sent it", lambda given: bool(given.mail.machine_signs)),
    _Rule("it comes from one of our own addresses", _is_ours),
    _Rule("its Message-ID is of our own domain", _has_our_message_id),
    _Rule("the sender failed authentication", lambda g: g.triage.sender_authentication is SenderAuthentication.FAIL),
    _Rule("its sender is in doubt or must not be written to", lambda g: bool(_UNWRITTEN_FLAGS & set(g.triage.flags))),
    _Rule("the sender got enough such mails today", _sender_got_enough),
    _Rule("the case got enough such mails today", _thread_got_enough),
)


def why_not(
    app: App, tx: Transaction, mail: InboundMail, triage: Triage, *, case: CaseFile | None = None, now: datetime
) -> str | None:
    """Why nothing may be sent to the sender of *mail* without approval, in words; None if it may."""
    given = _Given(app, tx, mail, triage, case, now)
    return next((rule.why for rule in RULES if rule.holds(given)), None)


def wrote_lately(
    app: App, tx: Transaction, mail: InboundMail, kind: LetterKind, *, but: CaseFile | None = None, now: datetime
) -> bool:
    """Whether this sender got a letter of *kind* in the last day, in another case than *but* (RFC 3834 s. 2)."""
    cases = tx.cases_indexed(app.vault.index("sender", mail.sender or ""))
    others = [case for case in cases if but is None or case.id != but.id]
    return any(row.kind == kind for row in _unasked(tx, others, now))


def _unasked(tx: Transaction, cases: Iterable[CaseFile], now: datetime) -> Iterable[OutboxRow]:
    """What went out without approval in these cases in the last day."""
    return (
        row
        for case in cases
        for row in tx.outgoing_of_case(case.id or 0)
        if row.letter_id is None and row.created_at > now - _DAY
    )
