"""Values for tests: complete and plausible by default, so that a test names only what it is about."""

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
    PlanStep,
    Recipient,
    Record,
    RecordValue,
    Right,
    StepAction,
    StepOutcome,
    Strength,
    SystemOutcome,
    Text,
    Withheld,
)

XELENT = Controller(
    name="Xelent Office Sweden AB",
    orgnr="556402-9584",
    address="Annebergsvägen 1B",
    postcode_city="432 48 Varberg",
    country="SE",
    email="gdpr@xelent.se",
)

READ_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def both(sv: str, en: str | None = None) -> Text:
    """A text in both languages; the same words if *en* is not given."""
    return Text(sv=sv, en=sv if en is None else en)


def value(text: str = "anna.berg@example.se", **changes: Any) -> RecordValue:
    """One value of a record, an e-mail address by default."""
    fields: dict[str, Any] = {
        "path": "email",
        "label": both("E-postadress", "E-mail address"),
        "value": text,
        "category": "contact",
    }
    return RecordValue(**fields | changes)


def record(*values: RecordValue, **changes: Any) -> Record:
    """A certain record of the business system."""
    fields: dict[str, Any] = {
        "system": "business",
        "object": "customer",
        "object_label": both("Kund", "Customer"),
        "key": "1042",
        "strength": Strength.CERTAIN,
        "found_by": Identifier(type=IdentifierType.EMAIL, value="anna.berg@example.se"),
        "read_at": READ_AT,
        "person_name": "Anna Berg",
        "activities": ("A1",),
        "values": values or (value(),),
    }
    return Record(**fields | changes)


def recipient(**changes: Any) -> Recipient:
    """A processor in Sweden."""
    fields: dict[str, Any] = {
        "name": "Molnet AB",
        "role": both("driver affärssystemet för vår räkning (personuppgiftsbiträde)", "hosts our system (processor)"),
        "country": "SE",
    }
    return Recipient(**fields | changes)


def activity(**changes: Any) -> Activity:
    """Activity A1 of the register, complete."""
    fields: dict[str, Any] = {
        "id": "A1",
        "label": both("försäljning och service", "sales and service"),
        "purposes": both("Lämna offert, sälja, leverera och serva utrustning.", "Quote, sell, deliver and service."),
        "legal_basis": both("Avtal med dig (artikel 6.1 b).", "Contract with you (Article 6(1)(b))."),
        "categories": both("Namn, kontaktuppgifter och köp.", "Name, contact details and purchases."),
        "recipients": (recipient(),),
        "retention": both("Tre år efter det senaste köpet.", "Three years after the latest purchase."),
        "portable": True,
        "objectable": True,
    }
    return Activity(**fields | changes)


def step(**changes: Any) -> PlanStep:
    """A step that erases the customer record."""
    fields: dict[str, Any] = {
        "system": "business",
        "object": "customer",
        "object_label": both("Kundkort", "Customer card"),
        "key": "1042",
        "action": StepAction.ERASE,
    }
    return PlanStep(**fields | changes)


def outcome(*, done: bool = True, **changes: Any) -> StepOutcome:
    """The outcome of a step, done by default. Args: changes: of the step."""
    return StepOutcome(step=step(**changes), done=done, detail="")


def update_step(**changes: Any) -> StepOutcome:
    """A verified change of an address."""
    change = FieldChange(path="email", label=both("E-postadress", "E-mail"), before="a@old.se", after="a@new.se")
    return outcome(**{"action": StepAction.UPDATE, "changes": (change,)} | changes)


def kept(**changes: Any) -> StepOutcome:
    """An invoice that the Accounting Act keeps."""
    fields: dict[str, Any] = {
        "object": "invoice",
        "object_label": both("Faktura", "Invoice"),
        "action": StepAction.KEEP,
        "reason": both("Bokföringsunderlag", "Accounting record"),
        "law": both("7 kap. 2 § bokföringslagen", "Chapter 7, Section 2 of the Swedish Accounting Act"),
        "until": date(2033, 12, 31),
    }
    return outcome(**fields | changes)


def facts(**changes: Any) -> LetterFacts:
    """Facts with which every kind of letter about an access request can be written."""
    fields: dict[str, Any] = {
        "case_reference": "D-2026-00042",
        "controller": XELENT,
        "today": date(2026, 11, 25),
        "received_on": date(2026, 11, 20),
        "nominal_on": date(2026, 12, 20),
        "rights": (Right.ACCESS,),
        "handler": "Sara Lind",
        "person_name": "Anna Berg",
        "backup_days": 35,
        "reference_on": date(2026, 11, 20),
        "coverage": (
            Coverage(
                label=both("affärssystemet", "the business system"),
                outcome=SystemOutcome.FOUND,
                searched_on=date(2026, 11, 24),
            ),
            Coverage(
                label=both("ärendehanteringssystemet", "the ticket system"),
                outcome=SystemOutcome.NOTHING,
                searched_on=date(2026, 11, 24),
            ),
        ),
        "search_keys": ("a***@example.se", "070-*** ** 67"),
        "records": (record(),),
        "system_labels": (("business", both("Affärssystemet", "The business system")),),
        "activities": (activity(),),
        "reasons": "Begäran omfattar många äldre ärenden som måste läsas för hand.",
        "legal_ground": "artikel 15.4 i dataskyddsförordningen",
        "extended_nominal_on": date(2027, 2, 20),
        "outcomes": (outcome(),),
        "done_on": date(2026, 11, 25),
        "reply_by_on": date(2026, 12, 9),
        "contact_points": ("a***@example.se",),
        "pass_phrase": "bako-nitu-fero-lasi-mupe-doga",
    }
    return LetterFacts(**fields | changes)


def withheld(**changes: Any) -> Withheld:
    """The name of another customer."""
    fields: dict[str, Any] = {
        "what": both("namnet på en annan kund", "the name of another customer"),
        "ground": both("den personens rätt till skydd (artikel 15.4)", "the rights of that person (Article 15(4))"),
    }
    return Withheld(**fields | changes)
