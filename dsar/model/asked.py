"""
triage -> casework: what a mail asks, about whom, by whom.

Effects: none.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsar.model.terms import Identifier, Right


class Disposition(StrEnum):
    """What a mail is."""

    REQUEST = "request"
    FOLLOW_UP = "follow_up"  #: Belongs to a matter that goes on.
    QUESTION = "question"  #: A question about privacy that exercises no right.
    NOT_REQUEST = "not_request"  #: Noise: sales, spam, printer support, ...
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTHORITY = "authority"  #: IMY, police, court, Kronofogden: to management, never answered by a machine.
    UNCLEAR = "unclear"
    INTERNAL = "internal"  #: Task reply, code reply, self-test, own copy; only where the database knows the reference.


class Requester(StrEnum):
    """In which role the sender writes."""

    SELF = "self"
    AGENT = "agent"
    PARENT = "parent"
    ESTATE = "estate"
    EMPLOYER = "employer"
    SERVICE = "service"
    COLLEAGUE_FORWARD = "colleague_forward"
    WEB_FORM = "web_form"


class SenderAuthentication(StrEnum):
    """What our own mail server found out about the sender address."""

    PASS = "pass"  # noqa: S105  #: DMARC pass, aligned with the From address.
    FAIL = "fail"  #: DMARC, or all of SPF and DKIM, failed.
    NONE = "none"  #: No trusted finding.


@dataclass(frozen=True, kw_only=True)
class FoundRequest:
    """One right that a mail exercises."""

    right: Right
    portability: bool = False  #: Access is wanted in a machine-readable form (Art. 20).
    general: bool = False  #: An objection that is not plainly about marketing (Art. 21(1)): a person weighs it.
    consent: bool = False  #: An objection that takes a consent back (Art. 7(3)).
    beyond_doubt: bool = False  #: Plainly asked, whatever else of the mail only a person can tell.
    evidence: str  #: The sentence of the mail that says so, verbatim.
    reason: str  #: Which rule found it, in words.


@dataclass(frozen=True, kw_only=True)
class RequestedChange:
    """One value that the person wants changed."""

    field: str  #: email, phone, address, bank, name, title, organisation
    old: str | None
    new: str | None
    valid_from: str | None  #: First day, ISO 8601; None if at once.


@dataclass(frozen=True, kw_only=True)
class TriageSubject:
    """One person whom a mail is about."""

    name: str | None
    identifiers: tuple[Identifier, ...]
    requests: tuple[FoundRequest, ...]
    changes: tuple[RequestedChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What a mail asks, about whom, by whom, with the evidence."""

    disposition: Disposition
    subjects: tuple[TriageSubject, ...]  #: Never empty; the first is the one that the JSON's top-level fields repeat.
    language: str
    requester: Requester
    flags: tuple[str, ...]  #: breach, complaint, protected_identity, minor, deceased, threat, sender_mismatch, ...
    sender_authentication: SenderAuthentication
    needs_person: bool  #: A person must sort it before anything happens but what is beyond doubt.
    reasons: tuple[str, ...]  #: Every rule that hit, and why a person is needed, in words.
    asked_by: str | None = None  #: Address of who asks: the sender, who wrote what is forwarded, or as a form says.
    sender_evidence: tuple[str, ...] = ()  #: What speaks for or against the sender, for staff; never proof.
    first_received_at: datetime | None = None  #: When a colleague got what is forwarded, as far as it can be read.
    is_reminder: bool = False  #: It asks after an earlier request.
