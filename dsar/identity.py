"""
Sender, Authentication-Results, contact points on file and recorded checks -> IdentityFinding.

Effects: none. How sure we must be depends on what a mistake would cost (Art. 12(6), recital 64, EDPB 01/2022 s. 3.3):
no more may be asked than reasonable doubt demands, and a name with a birth date is never enough (Art. 32).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

from authres import AuthenticationResultsHeader, AuthResError  # type: ignore[import-untyped]

from dsar.identifiers import find_identifiers
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityFinding,
    IdentityLevel,
    Record,
    RecordValue,
    Right,
    SenderAuthentication,
)

# ---------------------------------------------------------------------------------------- sender authentication

#: In *trusted*: believe a topmost header that names no server, as Exchange Online writes it (against RFC 8601 s. 2.2).
TOPMOST = "topmost"
#: Where Exchange Online's own Received headers come from.
_EXCHANGE_ONLINE = frozenset({"outlook.com", "office365.com"})

_ANONYMOUS_HEADER = re.compile(r"\s*(?:spf|dkim|dmarc|arc|compauth)\s*=", re.IGNORECASE)
_LONGEST_HEADER = 8192
_MOST_HEADERS = 20  #: Our server puts its own on top; the rest is what a sender may fill a mail with.
_FAILED = frozenset({"fail", "hardfail"})


class _Finding(NamedTuple):
    method: str  #: "spf", "dkim", "dmarc", ...
    result: str  #: "pass", "fail", ...
    header_from: tuple[str, ...]  #: Domains that the finding is about.


def authenticate(
    authentication_results: Sequence[str], *, trusted: Sequence[str], sender: str | None
) -> SenderAuthentication:
    """
    What our own mail server says about the address in From.

    Args:
        authentication_results: values of those headers, topmost first. The server must remove forged headers that bear
            its own name (RFC 8601 s. 5); all but the topmost trusted header are ignored.
        trusted: authserv-ids (RFC 8601 s. 2.5) or their parent domains; TOPMOST for a server that writes none.
        sender: the From address, lower-case.
    """
    findings = _trusted_findings(authentication_results, frozenset(name.lower() for name in trusted))
    dmarc = [finding for finding in findings if finding.method == "dmarc"]
    if any(finding.result in _FAILED for finding in dmarc) or _spf_and_dkim_failed(findings):
        return SenderAuthentication.FAIL
    if sender and len(dmarc) == 1 and dmarc[0].result == "pass" and _is_aligned(dmarc[0], sender):
        return SenderAuthentication.PASS
    return SenderAuthentication.NONE


def believable(
    authentication_results: Sequence[str], hops_above: Sequence[int], *, hops: Sequence[str], own_servers: Sequence[str]
) -> tuple[str, ...]:
    """
    The headers that one of our own servers may have written: those above the first Received header that is not ours.

    A sender can write any header, but only below what the servers on the way put on top (RFC 8601 s. 5, s. 7.1).

    Args:
        hops_above: for each of *authentication_results* the number of Received headers above it.
        hops: servers that those headers name, topmost first; the topmost is ours, it filled the mailbox.
        own_servers: host names or their parent domains.
    """
    names = frozenset(name.lower() for name in own_servers) | (
        _EXCHANGE_ONLINE if TOPMOST in own_servers else frozenset()
    )
    ours = next((at for at, hop in enumerate(hops) if at > 0 and not _is_below(hop, names)), len(hops))
    return tuple(value for value, above in zip(authentication_results, hops_above, strict=True) if above <= ours)


def _is_below(host: str, names: frozenset[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


def _trusted_findings(headers: Sequence[str], trusted: frozenset[str]) -> tuple[_Finding, ...]:
    if TOPMOST in trusted and headers and _ANONYMOUS_HEADER.match(headers[0]):
        return _parse(f"{TOPMOST}; {headers[0]}")[1]
    for header in headers[:_MOST_HEADERS]:
        server, findings = _parse(header)
        if _is_below(server, trusted):
            return findings
    return ()


def _parse(header: str) -> tuple[str, tuple[_Finding, ...]]:
    """Server and findings of one header; ("", ()) for what does not follow RFC 8601."""
    if len(header) > _LONGEST_HEADER:
        return "", ()
    try:
        parsed = AuthenticationResultsHeader.parse_value(header.strip().rstrip(";"))
    except (AuthResError, RecursionError):  # nested comments recurse in the parser
        return "", ()
    return parsed.authserv_id.lower(), tuple(
        _Finding(
            method=result.method,
            result=result.result,
            header_from=tuple(
                str(found.value).lower()
                for found in result.properties
                if (found.type, found.name) == ("header", "from")
            ),
        )
        for result in parsed.results
    )


def _spf_and_dkim_failed(findings: Sequence[_Finding]) -> bool:
    spf = [finding.result in _FAILED for finding in findings if finding.method == "spf"]
    dkim = [finding.result in _FAILED for finding in findings if finding.method == "dkim"]
    return bool(spf and dkim) and all(spf + dkim)


def _is_aligned(dmarc: _Finding, sender: str) -> bool:
    """RFC 7489 s. 3.1: the finding is about the domain in From; some servers name its organisational domain."""
    if len(dmarc.header_from) != 1 or "." not in dmarc.header_from[0]:
        return False
    found, domain = _ascii(dmarc.header_from[0].rpartition("@")[2]), _ascii(sender.rpartition("@")[2])
    return bool(found) and (domain == found or domain.endswith(f".{found}"))


def _ascii(domain: str) -> str:
    """*domain* as A-labels, "" if it cannot be written so."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


# --------------------------------------------------------------------------------------------------------- risk


class Risk(IntEnum):
    """What a wrong disclosure or change would cost the person, by the most sensitive thing that is held."""

    LOW = 0  #: Contact details in a business relation, newsletter.
    MEDIUM = 1  #: Purchases, tickets, notes, equipment, logs.
    HIGH = 2  #: Recruitment, personnummer, Art. 9 and 10, protected identity.


_RISK_OF_CATEGORY: dict[str, Risk] = {
    "identity": Risk.LOW,
    "contact": Risk.LOW,
    "organisation": Risk.LOW,
    "marketing": Risk.LOW,
    "technical": Risk.LOW,
    "order": Risk.MEDIUM,
    "device": Risk.MEDIUM,
    "note": Risk.MEDIUM,
    "log": Risk.MEDIUM,
    "recruitment": Risk.HIGH,
    "special": Risk.HIGH,  # Art. 9
    "criminal": Risk.HIGH,  # Art. 10
}

#: lag (2018:218) 3 kap. 10 §: personal numbers have a protection of their own.
_PERSONAL_NUMBERS = frozenset({IdentifierType.PERSONNUMMER, IdentifierType.NATIONAL_ID})
_FEWEST_DIGITS = 9


def risk_of(records: Sequence[Record], *, protected: bool = False) -> Risk:
    """
    Highest risk among *records*, LOW if there are none; a category that is not listed counts as HIGH.

    Args: protected: the person lives with protected identity, so that every mistake may be their last.
    """
    if protected:
        return Risk.HIGH
    values = (value for record in records for value in record.values)
    return max((_risk_of_value(value.category, value.value) for value in values), default=Risk.LOW)


def _risk_of_value(category: str, text: str) -> Risk:
    risk = _RISK_OF_CATEGORY.get(category, Risk.HIGH)
    if risk < Risk.HIGH and _holds_personal_number(text):
        return Risk.HIGH
    return risk


def _holds_personal_number(text: str) -> bool:
    if sum(character.isdecimal() for character in text) < _FEWEST_DIGITS:
        return False
    return any(identifier.type in _PERSONAL_NUMBERS for identifier in find_identifiers(text))


# -------------------------------------------------------------------------------------------- contact points on file


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


# ----------------------------------------------------------------------------------------------- required level

_L0, _L1, _L2, _L3 = IdentityLevel
_Levels = tuple[IdentityLevel, IdentityLevel, IdentityLevel]

#: Right -> level for low, medium and high risk. Where guidance leaves a range the lower end stands: an erasure and
#: every high risk need a second member of staff as well.
_REQUIRED: dict[Right, _Levels] = {
    Right.OBJECT: (_L0, _L0, _L0),  # Art. 21(3), 7(3): protective, and withdrawing is as easy as giving
    Right.RESTRICT: (_L0, _L1, _L1),  # Art. 18: protective and reversible
    # Medium is L2 in general and L1 here, because L1 is only ever reached through a contact point on file and the
    # answer goes to that very contact point, unchanged; anything else is _ACCESS_ELSEWHERE.
    Right.ACCESS: (_L1, _L1, _L3),
    Right.UPDATE: (_L1, _L1, _L2),  # title, employer, spelling; a contact point is _CONTACT_CHANGE
    Right.ERASE: (_L1, _L1, _L2),
}
_PORTABILITY: _Levels = (_L2, _L2, _L3)
_ACCESS_ELSEWHERE: _Levels = (_L2, _L2, _L3)
#: Whoever acts for another shows the mandate (L1); the person confirms at a contact point on file (L2), or in person.
_REPRESENTED: _Levels = (_L1, _L2, _L3)
_CONTACT_CHANGE: _Levels = (_L1, _L2, _L3)  # who takes over the address takes over the person


def required_level(
    right: Right,
    risk: Risk,
    portability: bool = False,  # noqa: FBT001, FBT002
    *,
    contact_change: bool = False,
    answer_elsewhere: bool = False,
    represented: bool = False,
) -> IdentityLevel:
    """
    Level that *right* demands at *risk* (promise P4).

    Args:
        portability: access in machine-readable form (Art. 20).
        contact_change: the update changes an e-mail address, a phone number or a delivery address.
        answer_elsewhere: the answer is to go to another contact point than one on file.
        represented: somebody else asks for the person.
    """
    levels = [_REQUIRED[right]]
    if right is Right.ACCESS and portability:
        levels.append(_PORTABILITY)
    if right is Right.ACCESS and answer_elsewhere:
        levels.append(_ACCESS_ELSEWHERE)
    if right is Right.UPDATE and contact_change:
        levels.append(_CONTACT_CHANGE)
    if represented and right not in {Right.OBJECT, Right.RESTRICT}:
        levels.append(_REPRESENTED)
    return max(level[risk] for level in levels)


# -------------------------------------------------------------------------------------------------- recorded checks


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


# ----------------------------------------------------------------------------------------------------- assessment

#: Local parts of addresses that several people read: never proof about one of them.
ROLE_MAILBOXES = frozenset(
    """
    admin administration ar bokning booking butik contact dataskydd dpo ekonomi expedition faktura fakturor gdpr hello
    hej help helpdesk hr info information inkop inköp invoice it jobb kansli kontakt kontor kundservice kundtjanst
    kundtjänst leverantor leverantör lon lön mail marketing marknad noreply no-reply office order orders personal
    postmaster post privacy reception registrator rekrytering sales service shop support växel webmaster
    """.split()  # noqa: SIM905  # words read better than a list of quotes
)


class _Evidence(NamedTuple):
    level: IdentityLevel
    method: str
    reason: str
    proven: tuple[Identifier, ...] = ()


def assess(
    right: Right,
    *,
    sender: str | None,
    authentication: SenderAuthentication,
    on_file: Sequence[Identifier],
    risk: Risk,
    portability: bool = False,
    checks: Sequence[IdentityCheck] = (),
) -> IdentityFinding:
    """
    How sure we are who asks, from all evidence, and whether that is enough for *right*.

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
    needed = required_level(right, risk, portability)
    verdict = "is enough" if best.level >= needed else f"is too little, {needed} is needed"
    return IdentityFinding(
        level=best.level,
        method=best.method,
        reason=f"{best.reason} {best.level} {verdict} for {right} at {risk.name.lower()} risk.",
        proven=tuple(dict.fromkeys(contact for found in evidence for contact in found.proven)),
    )


def _sender_evidence(
    sender: str | None, authentication: SenderAuthentication, on_file: Sequence[Identifier]
) -> _Evidence:
    address = Identifier(type=IdentifierType.EMAIL, value=sender) if sender else None
    if address is None or address not in on_file:
        return _Evidence(_L0, "none", "The sender's address is not on file.")
    if is_role_mailbox(address):
        return _Evidence(_L0, "none", "The address on file is one that several people read.")
    if authentication is not SenderAuthentication.PASS:
        return _Evidence(_L0, "none", "The sender's address is on file, but the mail server did not confirm it.")
    reason = "The mail comes from an address on file and passed DMARC."
    return _Evidence(_L1, "address_on_file", reason, (address,))


def _check_evidence(check: IdentityCheck, on_file: Sequence[Identifier], *, reached: IdentityLevel) -> _Evidence:
    contact = check.contact if check.contact in on_file else None
    if contact is not None and is_role_mailbox(contact):
        contact = None
    if check.method in _THROUGH_CONTACT and contact is None:
        return _Evidence(_L0, "none", "The check was not made through a personal contact point on file.")
    if check.method is CheckMethod.SHARED_FACTS and reached < _L1:
        return _Evidence(_L0, "none", "Facts known to both count only together with a contact point on file.")
    proven = () if contact is None else (contact,)
    reason = f"Checked by {check.method.replace('_', ' ')} on {check.checked_on.isoformat()}."
    return _Evidence(LEVEL_OF_CHECK[check.method], check.method, reason, proven)


def is_role_mailbox(contact: Identifier) -> bool:
    """Whether *contact* is a mailbox that several people read."""
    local = re.split(r"[+.@]", contact.value)[0]
    return contact.type is IdentifierType.EMAIL and local in ROLE_MAILBOXES
