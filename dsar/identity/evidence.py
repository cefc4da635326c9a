"""
Sender, contact points on file and recorded checks -> how sure we are of who asks.

Effects: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from dsar.identifiers import is_role_mailbox
from dsar.locale import said
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityFinding,
    IdentityLevel,
    RecordValue,
    SenderAuthentication,
)

_L0, _L1, _L2, _L3 = IdentityLevel


class OnFile(StrEnum):
    """Whether a contact point proves something about a person (promise P6)."""

    YES = "yes"  #: The company entered it, or confirmed it with the person, and it has stood long enough.
    NO = "no"
    FRESH = "fresh"  #: Changed too lately, or nobody knows when.


def on_file(value: RecordValue, *, today: date, days: int) -> OnFile:
    """
    Whether a value of a certain record is on file.

    Where a system does not tell when it was changed, what staff entered counts: nobody else can enter it. What a person
    can change by themselves does not: that is how an account is taken over.
    """
    if not value.vouched:
        return OnFile.NO
    if value.changed_on is None:
        return OnFile.FRESH if value.confirmed else OnFile.YES
    return OnFile.YES if value.changed_on <= today - timedelta(days=days) else OnFile.FRESH


class CheckMethod(StrEnum):
    """How a member of staff, or the program by a code, made sure of who asks; nothing shown is ever copied."""

    CODE = "code"  #: A one-time code came back that had been sent to an e-mail address on file.
    SMS_CODE = "sms_code"  #: The same, sent to a phone on file.
    LETTER_CODE = "letter_code"  #: The same, printed and posted to the address on file.
    MANDATE = "mandate"  #: Staff have seen by what right somebody writes for the person.
    SHARED_FACTS = "shared_facts"  #: Two facts known to both, such as invoice number and serial number.
    CALL_BACK = "call_back"  #: Staff called the phone number on file.
    SHOP_LOGIN = "shop_login"  #: The person asked while logged in to the web shop account.
    ID_SHOWN = "id_shown"  #: Identity document or e-ID shown, matched, not copied (EDPB 01/2022 s. 3.3).


#: Level that a check gives. SHARED_FACTS adds to L1 and gives nothing without it: facts leak (1&1, Art. 32).
LEVEL_OF_CHECK: dict[CheckMethod, IdentityLevel] = {
    CheckMethod.CODE: _L1,
    CheckMethod.SMS_CODE: _L1,
    CheckMethod.LETTER_CODE: _L3,
    CheckMethod.MANDATE: _L1,
    CheckMethod.SHARED_FACTS: _L2,
    CheckMethod.CALL_BACK: _L2,
    CheckMethod.SHOP_LOGIN: _L2,
    CheckMethod.ID_SHOWN: _L3,
}

#: Checks that are worth something only through a contact point on file, never a claimed one (promise P4).
_THROUGH_CONTACT = frozenset({CheckMethod.CODE, CheckMethod.SMS_CODE, CheckMethod.LETTER_CODE, CheckMethod.CALL_BACK})


@dataclass(frozen=True, kw_only=True)
class IdentityCheck:
    """One check as recorded: that it was made, by whom and when; never what was shown or said."""

    method: CheckMethod
    checked_by: str  #: Member of staff, or "dsar" for a code.
    checked_on: date
    contact: Identifier | None = None  #: Contact point on file through which it was made, if any.


class _Evidence(NamedTuple):
    level: IdentityLevel
    method: str
    reason: str
    proven: tuple[Identifier, ...] = ()


def assess(
    *,
    sender: str | None,
    authentication: SenderAuthentication,
    on_file: Sequence[Identifier],
    checks: Sequence[IdentityCheck] = (),
) -> IdentityFinding:
    """
    How sure we are who asks, from all evidence; whether that is enough, `required_level` says.

    Args:
        sender: the From address, lower-case.
        on_file: contact points of the person that the company entered or confirmed and that stood long enough.
        checks: what staff or a code established in this case.
    """
    evidence = [_sender_evidence(sender, authentication, on_file)]
    # Checks that need L1 first are looked at last.
    for check in sorted(checks, key=lambda made: made.method is CheckMethod.SHARED_FACTS):
        evidence.append(_check_evidence(check, on_file, reached=max(found.level for found in evidence)))
    best = max(evidence, key=lambda found: found.level)
    return IdentityFinding(
        level=best.level,
        method=best.method,
        reason=best.reason,
        proven=tuple(dict.fromkeys(contact for found in evidence for contact in found.proven)),
    )


def _sender_evidence(
    sender: str | None, authentication: SenderAuthentication, on_file: Sequence[Identifier]
) -> _Evidence:
    address = Identifier(type=IdentifierType.EMAIL, value=sender) if sender else None
    if address is None or address not in on_file:
        return _Evidence(_L0, "none", said("The sender's address is not on file."))
    if is_role_mailbox(address):
        return _Evidence(_L0, "none", said("The address on file is one that several people read."))
    if authentication is not SenderAuthentication.PASS:
        reason = said("The sender's address is on file, but the mail server did not confirm it.")
        return _Evidence(_L0, "none", reason)
    reason = said("The mail comes from an address on file and passed DMARC.")
    return _Evidence(_L1, "address_on_file", reason, (address,))


def _check_evidence(check: IdentityCheck, on_file: Sequence[Identifier], *, reached: IdentityLevel) -> _Evidence:
    contact = check.contact if check.contact in on_file else None
    if contact is not None and is_role_mailbox(contact):
        contact = None
    if check.method in _THROUGH_CONTACT and contact is None:
        return _Evidence(_L0, "none", said("The check was not made through a personal contact point on file."))
    if check.method is CheckMethod.SHARED_FACTS and reached < _L1:
        reason = said("Facts known to both count only together with a contact point on file.")
        return _Evidence(_L0, "none", reason)
    proven = () if contact is None else (contact,)
    reason = said("Checked on {day}.", day=check.checked_on.isoformat())
    return _Evidence(LEVEL_OF_CHECK[check.method], check.method, reason, proven)
