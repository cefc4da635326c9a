"""
Records, right and what is to happen -> how sure we must be of who asks.

Effects: none. How sure depends on what a mistake would cost (Art. 12(6), recital 64, EDPB 01/2022 s. 3.3).
"""

from collections.abc import Sequence
from enum import IntEnum

from dsar.mentions import find_identifiers
from dsar.model import (
    IdentifierType,
    IdentityLevel,
    Record,
    Right,
)


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
    *,
    portability: bool = False,
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
