"""
The terms that every other value is made of: rights, identifiers, texts in our languages.

Effects: none.
"""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """The right of the GDPR that a request exercises."""

    ACCESS = "access"  #: Art. 15, with Art. 20 as the flag `portability`.
    UPDATE = "update"  #: Art. 16, rectification and completion.
    ERASE = "erase"  #: Art. 17.
    OBJECT = "object"  #: Art. 21 and Art. 7(3): marketing stop, objection, withdrawn consent.
    RESTRICT = "restrict"  #: Art. 18.


#: Order inside a case: the protective and fast ones first, access always before erasure (EDPB 01/2022 s. 2.3).
RIGHTS_IN_ORDER = (Right.OBJECT, Right.RESTRICT, Right.ACCESS, Right.UPDATE, Right.ERASE)


class IdentifierType(StrEnum):
    """What kind of identifier a value is; the comment gives its normal form."""

    EMAIL = "email"  #: lower-case, domain in Unicode
    PHONE = "phone"  #: E.164, e.g. +46701234567
    PERSONNUMMER = "personnummer"  #: 12 digits, coordination numbers too
    NATIONAL_ID = "national_id"  #: another country's personal number, as written
    ORGNR = "orgnr"  #: NNNNNN-NNNN
    CUSTOMER_NO = "customer_no"  #: upper-case, without spaces
    USERNAME = "username"  #: as written
    NAME = "name"  #: NFC, single spaces
    ADDRESS = "address"  #: street address on one line
    ORDER_NO = "order_no"  #: order or invoice number, upper-case
    SERIAL = "serial"  #: serial number of equipment, upper-case


@dataclass(frozen=True, kw_only=True, order=True)
class Identifier:
    """One thing that points at a person, in the normal form of its type (see dsar.identifiers)."""

    type: IdentifierType
    value: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """The same words in the languages of our letters."""

    sv: str
    en: str

    def in_language(self, language: str) -> str:
        """Swedish for "sv", English for every other language."""
        return self.sv if language == "sv" else self.en
