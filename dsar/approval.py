"""
Letter, recipient, plan and MIME as shown -> the hashes that an approval binds; actor -> may approve or not.

Effects: none. What was approved is what is sent: any difference from the bound hashes voids the approval (promise P3).
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum

from dsar.errors import NotPermittedError
from dsar.locale import said
from dsar.model import Letter, PlanStep, Right


class Role(StrEnum):
    """What a member of staff may do; each includes the one before."""

    HANDLER = "handler"  #: Works on cases and prepares answers.
    APPROVER = "approver"  #: Approves letters and plans, too.
    ADMIN = "admin"  #: Changes holds, systems and the audit trail's exports, too.


#: Roles that may approve.
APPROVING = frozenset({Role.APPROVER, Role.ADMIN})


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A named person's yes to exactly what was shown."""

    actor: str  #: Key of the member of staff in settings.
    at: datetime
    binding: Mapping[str, str]  #: Part -> SHA-256 in hex; see binding().


def binding(
    letter: Letter,
    *,
    recipient: str,
    channel: str,
    plan_sha256: str | None,
    mime_sha256s: Sequence[str],
    phrase_to: str | None = None,
) -> dict[str, str]:
    """
    Hash of each part that an approval covers: subject, text, html, annexes, recipient, channel, plan, mime, and phrase
    where the files are encrypted.

    Args:
        recipient: contact point that the letter goes to.
        channel: e.g. "mail", "post".
        plan_sha256: of the change plan that is approved with the letter (see sha256_of_plan); None without one.
        mime_sha256s: of the exact bytes of each mail that will be sent, in order.
        phrase_to: where the pass-phrase of the encrypted files goes, and how; None if they are open.
    """
    annexes = [[annex.filename, annex.content_type, _sha256(annex.content)] for annex in letter.annexes]
    return {
        "subject": _digest(letter.subject),
        "text": _digest(letter.text),
        "html": _digest(letter.html),
        "annexes": _digest(annexes),
        # Together with the text, which is gone after the purge: an address alone could be guessed from its hash (P9).
        "recipient": _digest([letter.text, recipient]),
        "channel": channel,
        "plan": plan_sha256 or "none",
        "mime": mime_sha256s[0] if len(mime_sha256s) == 1 else _digest(list(mime_sha256s)),
        **({"phrase": _digest([letter.text, phrase_to])} if phrase_to is not None else {}),
    }


def changed_parts(approved: Mapping[str, str], current: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the parts that differ from what was approved; a part that only one side has differs."""
    changed = {part for part in approved.keys() | current.keys() if approved.get(part) != current.get(part)}
    if "text" in changed:
        changed -= {"recipient", "phrase"}  # their hashes hold the text, so they tell nothing of their own
    return tuple(sorted(changed))


def still_holds(approved: Mapping[str, str], current: Mapping[str, str]) -> bool:
    """Whether everything is as it was approved."""
    return not changed_parts(approved, current)


def sha256_of_plan(steps: Sequence[PlanStep]) -> str:
    """SHA-256 in hex of the steps in their order, as canonical JSON: sorted keys, no spaces, ASCII."""
    # What a later release added counts only where it says something: what was approved before still matches.
    added = {"document_sha256": ""}
    return _digest(
        [{key: said for key, said in asdict(step).items() if key not in added or said != added[key]} for step in steps]
    )


def check_may_approve(
    actor: str,
    *,
    roles: Collection[Role],
    authors: Collection[str],
    right: Right,
    high_risk: bool,
    single_approver: bool,
    refusal: bool = False,
) -> None:
    """
    Two people stand behind what cannot be undone or is contested: erasure, refusal, high risk (Art. 32, Art. 25).

    Args:
        actor: key in settings of who approves.
        roles: of the actor.
        authors: keys of everybody who decided what the answer says; empty where only the program did.
        single_approver: the company has only one approver and says so in settings.
        refusal: the answer refuses the request in whole or in part.
    Raises: NotPermittedError.
    """
    check_approver(actor, "approve", roles)
    needs_two = refusal or high_risk or right is Right.ERASE
    if needs_two and not single_approver and actor.casefold() in {author.casefold() for author in authors}:
        what = "a refusal" if refusal else "an erasure" if right is Right.ERASE else "an answer of high risk"
        raise NotPermittedError(
            actor, "approve", said("{what} needs a second person, and they prepared it themselves", what=what)
        )


def check_approver(actor: str, action: str, roles: Collection[Role]) -> None:
    """Raises: NotPermittedError unless one of the *roles* of *actor* may decide what leaves the company."""
    if APPROVING.isdisjoint(roles):
        raise NotPermittedError(actor, action, "the role approver or admin is needed")


def check_admin(actor: str, action: str, roles: Collection[Role]) -> None:
    """Raises: NotPermittedError unless *actor* is an administrator."""
    if Role.ADMIN not in roles:
        raise NotPermittedError(actor, action, "the role admin is needed")


def _digest(value: object) -> str:
    """SHA-256 in hex of *value* as canonical JSON."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_date)
    return _sha256(canonical.encode("ascii"))


def _date(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(said("{name} has no canonical form", name=type(value).__name__))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
