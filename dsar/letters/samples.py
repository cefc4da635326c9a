"""
A kind of letter -> plausible facts about an invented person, for previews and for trying templates.

Effects: none.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from dsar.model import (
    Activity,
    Controller,
    Coverage,
    FieldChange,
    Identifier,
    IdentifierType,
    LetterFacts,
    LetterKind,
    PlanStep,
    Recipient,
    Record,
    RecordValue,
    Requester,
    Right,
    StepAction,
    StepOutcome,
    Strength,
    SystemOutcome,
    Text,
    Withheld,
)

_SYSTEM = Text(sv="affärssystemet", en="the business system")
_CUSTOMER = Text(sv="Kund", en="Customer")
_EMAIL = Text(sv="E-postadress", en="E-mail address")

_RECORD = Record(
    system="business",
    object="customer",
    object_label=_CUSTOMER,
    key="K10001",
    strength=Strength.CERTAIN,
    found_by=Identifier(type=IdentifierType.EMAIL, value="kim.exempel@example.se"),
    read_at=datetime(2026, 3, 10, 8, 0, tzinfo=UTC),
    person_name="Kim Exempel",
    activities=("A1",),
    values=(
        RecordValue(path="email", label=_EMAIL, value="kim.exempel@example.se", category="contact"),
        RecordValue(
            path="type",
            label=Text(sv="Kundtyp", en="Type of customer"),
            value="P",
            category="identity",
            explanation=Text(sv="privatperson", en="private person"),
        ),
    ),
)
_ACTIVITY = Activity(
    id="A1",
    label=Text(sv="Köp och service", en="Purchases and service"),
    purposes=Text(sv="fullgöra avtalet med dig", en="to perform the contract with you"),
    legal_basis=Text(sv="avtal (artikel 6.1 b)", en="contract (Article 6(1)(b))"),
    categories=Text(sv="namn och kontaktuppgifter", en="name and contact details"),
    recipients=(
        Recipient(name="Exempelhotell AB", role=Text(sv="drift, biträde", en="hosting, processor"), country="SE"),
    ),
    retention=Text(sv="till och med den 31 december 2029", en="until 31 December 2029"),
    portable=True,
    objectable=True,
)


def _done(action: StepAction, **more: Any) -> StepOutcome:  # noqa: ANN401  # further fields of PlanStep
    step = PlanStep(system="business", object="customer", object_label=_CUSTOMER, key="K10001", action=action, **more)
    return StepOutcome(step=step, done=True, detail="")


_CHANGED = _done(
    StepAction.UPDATE,
    changes=(FieldChange(path="email", label=_EMAIL, before="kim@example.se", after="kim.exempel@example.se"),),
)
_KEPT = _done(
    StepAction.KEEP,
    reason=Text(sv="bokföring", en="accounting"),
    law=Text(sv="7 kap. 2 § bokföringslagen", en="Chapter 7, Section 2 of the Swedish Accounting Act"),
    until=date(2033, 12, 31),
)
_STAFF = {
    "sv": {
        "reasons": "Här står det som handläggaren skriver i det enskilda ärendet.",
        "legal_ground": "artikel 12.5 b i dataskyddsförordningen",
        "overview": "köp och servicebesök sedan 2019, loggar från skrivare och våra mejl med dig",
        "choices": "ett visst år, ett visst köp eller allt",
    },
    "en": {
        "reasons": "Here stands what the member of staff writes in the individual case.",
        "legal_ground": "Article 12(5)(b) of the GDPR",
        "overview": "purchases and service visits since 2019, printer logs and our e-mails with you",
        "choices": "a certain year, a certain purchase or everything",
    },
}
#: What a kind of letter needs beside the rest.
_OWN: Mapping[str, dict[str, Any]] = {
    LetterKind.ACCESS_ANSWER: {
        "withheld": (
            Withheld(
                what=Text(sv="1 namn i fritext (affärssystemet)", en="1 name in free text (the business system)"),
                ground=Text(sv="Rör en annan person (artikel 15.4).", en="It concerns another (Article 15(4))."),
            ),
        )
    },
    LetterKind.NOTHING_FOUND: {"records": None},
    LetterKind.UPDATE_DONE: {"rights": (Right.UPDATE,), "outcomes": (_CHANGED,)},
    LetterKind.UPDATE_REFUSED: {"rights": (Right.UPDATE,)},
    LetterKind.ERASURE_DONE: {"rights": (Right.ERASE,)},
    LetterKind.ERASURE_PARTLY: {"rights": (Right.ERASE,), "outcomes": (_done(StepAction.ERASE), _KEPT)},
    LetterKind.OBJECTION_DONE: {"rights": (Right.OBJECT,), "outcomes": (_done(StepAction.SUPPRESS),)},
    LetterKind.CONSENT_WITHDRAWN: {"rights": (Right.OBJECT,), "outcomes": (_done(StepAction.SUPPRESS),)},
    LetterKind.RESTRICTION_DONE: {"rights": (Right.RESTRICT,), "outcomes": (_done(StepAction.RESTRICT),)},
    LetterKind.MANDATE_REQUEST: {"requester": Requester.AGENT},
}


def sample_facts(name: str, language: str, *, controller: Controller) -> LetterFacts:
    """
    Facts with which the letter *name* (a LetterKind, or "access_export") can be written.

    Args: language: "sv" or "en", in which staff write their part.
    """
    fields: dict[str, Any] = {
        "case_reference": "D-2026-00000",
        "controller": controller,
        "today": date(2026, 3, 12),
        "received_on": date(2026, 3, 2),
        "nominal_on": date(2026, 4, 2),
        "rights": (Right.ACCESS,),
        "handler": "Sam Handläggare" if language == "sv" else "Sam Handler",
        "person_name": "Kim Exempel",
        "backup_days": 35,
        "reference_on": date(2026, 3, 10),
        "coverage": (Coverage(label=_SYSTEM, outcome=SystemOutcome.FOUND, searched_on=date(2026, 3, 10)),),
        "search_keys": ("k***@example.se",),
        "records": (_RECORD,),
        "system_labels": (("business", _SYSTEM),),
        "activities": (_ACTIVITY,),
        "extended_nominal_on": date(2026, 6, 2),
        "outcomes": (_done(StepAction.ERASE),),
        "done_on": date(2026, 3, 12),
        "reply_by_on": date(2026, 3, 26),
        "contact_points": ("k***@example.se",),
        "pass_phrase": "bako-nitu-fero-lasi-mupe-doga",
        **_STAFF[language],
    }
    return LetterFacts(**fields | _OWN.get(name, {}))
