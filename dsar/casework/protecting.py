"""
A person with protected identity -> a case that few may open, that shows no address, and that is answered by post.

Skyddade personuppgifter: sekretessmarkering, skyddad folkbokföring, fingerade personuppgifter. No statute of its own
binds a company, Art. 5(1)(f), 24 and 32 GDPR do: whoever learns where the person lives may be who they hide from.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from dsar.approval import Role
from dsar.casework.context import PROGRAM, App, seal_reason
from dsar.casework.flags import flag
from dsar.errors import NotPermittedError
from dsar.locale import said
from dsar.model import IdentifierType, PlanStep, Record, RecordValue, StepOutcome, Text, Withheld
from dsar.settings import Settings
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Flag of a case whose person lives with protected identity.
PROTECTED = "protected_identity"

#: How the letters of a case travel.
MAIL, POST = "mail", "post"

HIDDEN = "[skyddade personuppgifter]"

#: How a system says of somebody that they live with protected identity (folkbokföringslagen 16 §; lag 1991:483).
_MARK = re.compile(
    r"sekretessmark|skyddad\w* (?:identitet|adress|folkbokföring|personuppgift)|skyddspersonuppgift|fingerad\w* person"
    r"|protected (?:identity|address|personal data)|secrecy mark",
    re.IGNORECASE,
)
_NOT_SO = frozenset({"", "0", "n", "nej", "no", "false", "inte"})

_REACHED_ELSEWHERE = frozenset({IdentifierType.EMAIL, IdentifierType.PHONE})

#: Skatteverket forwards mail to who has a protected address.
FORWARDING = (
    "Put the letter in a sealed envelope. On its back write the person's personnummer and our address as sender. "
    "Put it in an outer envelope to: Skatteverket, Box 2820, 403 20 Göteborg. A registered letter has an outer "
    "envelope of its own. Write no address of the person anywhere."
)


def channel_of(case: CaseFile) -> str:
    """MAIL or POST: what staff chose; a protected person gets no e-mail unless they did."""
    return case.channel or (POST if PROTECTED in case.flags else MAIL)


def check(settings: Settings, case: CaseFile, actor: str | None) -> None:
    """
    Raises: NotPermittedError if *actor* is not among those who may open a protected case.

    Those are [identity] protected_staff; without that setting its handler and the approvers.
    """
    if not may_open(settings, case, actor):
        raise NotPermittedError(
            actor or "nobody", said("open {case}", case=case.reference), "it is restricted to named staff"
        )


def may_open(settings: Settings, case: CaseFile, actor: str | None) -> bool:
    """Whether *actor* is among those who may open a case; everybody is, unless its person is protected."""
    return PROTECTED not in case.flags or may_see(settings, actor, handler=case.handler)


def may_see(settings: Settings, actor: str | None, *, handler: str | None = None) -> bool:
    """Whether *actor* is among those who may see a person with protected identity, whose case *handler* works on."""
    named = settings.identity.protected_staff
    if actor is None or named:
        return actor in named
    return actor == handler or bool(settings.roles(actor) - {Role.HANDLER})


def is_marked(record: Record) -> bool:
    """Whether a system says of a record that its person lives with protected identity: as declared, or in words."""
    return record.protected or any(_is_mark(value) for value in record.values)


def _is_mark(value: RecordValue) -> bool:
    said = value.explanation.sv if value.explanation else value.value
    if value.value.strip().casefold() in _NOT_SO or said.strip().casefold() in _NOT_SO:
        return False
    if value.free_text or not (_MARK.search(value.label.sv) or _MARK.search(value.label.en)):
        return _MARK.search(said) is not None
    return True


def heed_marks(tx: Transaction, case: CaseFile, records: Sequence[Record], *, now: datetime) -> bool:
    """
    Restrict a case whose person is marked in a system, with the caller's transaction: nobody has to have said so.

    Returns: whether one of *records* is marked.
    """
    marked = any(is_marked(record) for record in records)
    if marked and PROTECTED not in case.flags:
        case.documents_open += tx.doubt_documents(case.id or 0)  # where the person lives may stand in them
        flag(tx, case, PROTECTED)
        tx.record("protected", actor=PROGRAM, at=now, case_id=case.id, detail={"because": "marked in a system"})
    return marked


def protect(app: App, case: CaseFile, *, on: bool, reason: str, actor: str, now: datetime) -> None:
    """Restrict a case to named staff, or end that."""
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        others = [name for name in case.flags if name != PROTECTED]
        case.flags = [*others, PROTECTED] if on else others
        case.documents_open += tx.doubt_documents(case.id or 0) if on else 0
        tx.add_case(case)
        name = "protected" if on else "protection_ended"
        detail = seal_reason(app, case, name, reason, at=now)
        tx.record(name, actor=actor, at=now, case_id=case.id, detail=detail)


def choose_channel(app: App, case: CaseFile, *, channel: str, actor: str, now: datetime) -> None:
    """Answer a case by MAIL or by POST; drafts are made anew."""
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        case.channel = channel
        tx.add_case(case)
        tx.record("channel_chosen", actor=actor, at=now, case_id=case.id, detail={"channel": channel})


# -------------------------------------------------------------------------------------------------- what is not shown


def hidden(case: CaseFile, records: Sequence[Record]) -> tuple[Record, ...]:
    """*records* as they may be shown: without a protected person's addresses, wherever they stand."""
    return without_addresses(records) if PROTECTED in case.flags else tuple(records)


def without_addresses(records: Sequence[Record]) -> tuple[Record, ...]:
    """*records* without anything that tells where somebody lives."""
    streets = {_street(value.value) for record in records for value in record.values if _is_address(value)}
    return tuple(replace(each, values=tuple(_hide(value, streets) for value in each.values)) for each in records)


def hidden_steps(case: CaseFile, steps: Sequence[PlanStep]) -> tuple[PlanStep, ...]:
    """*steps* as they may be shown: what stands in the systems before and after is never an address."""
    if PROTECTED not in case.flags:
        return tuple(steps)
    return tuple(
        replace(
            step,
            changes=tuple(
                replace(change, before=HIDDEN if change.before else "", after=HIDDEN if change.after else change.after)
                for change in step.changes
            ),
        )
        for step in steps
    )


def hidden_outcomes(case: CaseFile, outcomes: Sequence[StepOutcome]) -> tuple[StepOutcome, ...]:
    """*outcomes* as they may be told; see hidden_steps."""
    return tuple(replace(each, step=hidden_steps(case, (each.step,))[0]) for each in outcomes)


def withheld(case: CaseFile, records: Sequence[Record]) -> tuple[Withheld, ...]:
    """What an answer leaves out of *records* for the person's own safety, as it says."""
    if hidden(case, records) == tuple(records):
        return ()
    return (
        Withheld(
            what=Text(sv="adresser", en="addresses"),
            ground=Text(
                sv="de skrivs inte ut eftersom du har skyddade personuppgifter (artikel 32 i dataskyddsförordningen); "
                "vill du se dem, hör av dig",
                en="they are not written down because your identity is protected (Article 32 of the GDPR); "
                "please contact us if you wish to see them",
            ),
        ),
    )


def _hide(value: RecordValue, streets: Collection[str]) -> RecordValue:
    if _is_address(value):
        return replace(value, value=HIDDEN, explanation=None)
    shown = value.value
    for street in streets:
        shown = re.sub(re.escape(street), HIDDEN, shown, flags=re.IGNORECASE) if street else shown
    return replace(value, value=shown) if shown != value.value else value


def _street(address: str) -> str:
    """Street and number: how an address is mentioned in a note."""
    return address.partition(",")[0].strip()


def _is_address(value: RecordValue) -> bool:
    """Whether a value may tell where somebody lives: a contact detail that is neither an e-mail address nor a phone."""
    if value.category != "contact":
        return False
    from dsar.mentions import find_identifiers  # slow to load, and a look at the queue needs none

    return not any(each.type in _REACHED_ELSEWHERE for each in find_identifiers(value.value))
