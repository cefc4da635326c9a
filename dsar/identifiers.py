"""
An identifier as written -> the normal form of its type, and back as its owner may see it.

Effects: none, except that the century of a ten-digit personnummer is counted from today by the personnummer package.
Every pattern is anchored and bounded, so that hostile text costs linear time. Source of the number rules:
folkbokföringslagen (1991:481) 18 §, lag (2022:1697) on coordination numbers, lag (1974:174) on organisation numbers.
"""

import re
import unicodedata
from collections.abc import Callable

from personnummer.personnummer import (  # type: ignore[import-untyped]
    Personnummer,
    PersonnummerException,
)

from dsar.model import Identifier, IdentifierType

#: ISO 3166 code of the country whose telephone numbers are written without a country code.
HOME = "SE"
_HOME_CODE = 46

#: What may stand before the @, and an address as a whole.
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
EMAIL = re.compile(
    rf"(?<!{_LOCAL}){_LOCAL}{{1,64}}@(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.){{1,8}}[^\W\d_](?:[\w-]{{0,61}}[^\W_])"
)


def normalise(type: IdentifierType, value: str) -> Identifier | None:  # noqa: A002  # the field's own name
    """*value* in the normal form of *type* (see IdentifierType), or None when it cannot be one."""
    normal = _NORMALISERS[type](" ".join(unicodedata.normalize("NFC", value).split()))
    return Identifier(type=type, value=normal) if normal else None


def mask(identifier: Identifier) -> str:
    """*identifier* so that its owner recognises it and nobody else learns it, for letters and terminals."""
    value = identifier.value
    match identifier.type:
        case IdentifierType.EMAIL:
            local, _, domain = value.rpartition("@")
            return f"{local[:1]}***@{domain}"
        case IdentifierType.PHONE:
            return f"{value[:3]} ** *** ** {value[-2:]}"
        case IdentifierType.PERSONNUMMER:
            return f"{value[:8]}-****"
        case IdentifierType.NAME | IdentifierType.ADDRESS:
            return " ".join(f"{word[:1]}***" for word in value.split())
        case _:
            return f"{value[:2]}***" if len(value) > 4 else "***"


# ------------------------------------------------------------------------------------------------- normal forms


def _email(value: str) -> str | None:
    if not EMAIL.fullmatch(value):
        return None
    local, _, domain = value.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    return f"{local}@{_unicode_domain(domain)}".lower()


def _unicode_domain(domain: str) -> str:
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def phone(value: str, region: str = HOME) -> str | None:
    """*value* in E.164, or None. Args: region: ISO 3166 code of the country if the number has no country code."""
    import phonenumbers  # slow to load, and many a command needs none

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    abroad = value.startswith(("+", "00")) and number.country_code != _HOME_CODE
    if not (phonenumbers.is_possible_number(number) if abroad else phonenumbers.is_valid_number(number)):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _personnummer(value: str) -> str | None:
    if not value.isascii():
        value = value.replace("–", "-")
    try:
        return str(Personnummer(value.replace(" ", "")).format(long_format=True))
    except (PersonnummerException, ValueError):
        return None


def _orgnr(value: str) -> str | None:
    digits = re.sub(r"[ –-]", "", value).upper().removeprefix("SE")
    if len(digits) == 12:
        digits = digits.removeprefix("16") if digits.startswith("16") else digits.removesuffix("01")
    # lag (1974:174) 1 §: ten digits; a sole trader has that of the person, so that only a label tells it from one.
    if len(digits) != 10 or not (digits.isascii() and digits.isdecimal()) or not _luhn(digits):
        return None
    return f"{digits[:6]}-{digits[6:]}"


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _code(value: str) -> str | None:
    code = value.replace(" ", "").strip("-/_").upper()
    return code if any(character.isdecimal() for character in code) else None


def _as_written(value: str) -> str | None:
    return value.strip(".,;:\"'”“") or None


def _national_id(value: str) -> str | None:
    """Digits without what separates them; a Finnish one keeps its sign, which tells the century."""
    return _as_written(re.sub(r"(?<=\d)[ -](?=\d+$)", "", value))


_NORMALISERS: dict[IdentifierType, Callable[[str], str | None]] = {
    IdentifierType.EMAIL: _email,
    IdentifierType.PHONE: phone,
    IdentifierType.PERSONNUMMER: _personnummer,
    IdentifierType.NATIONAL_ID: _national_id,
    IdentifierType.ORGNR: _orgnr,
    IdentifierType.CUSTOMER_NO: _code,
    IdentifierType.USERNAME: _as_written,
    IdentifierType.NAME: _as_written,
    IdentifierType.ADDRESS: _as_written,
    IdentifierType.ORDER_NO: _code,
    IdentifierType.SERIAL: _code,
}


def is_mobile(identifier: Identifier) -> bool:
    """Whether *identifier* is a phone number that takes text messages, as far as its series tells."""
    if identifier.type is not IdentifierType.PHONE:
        return False
    import phonenumbers

    kind = phonenumbers.number_type(phonenumbers.parse(identifier.value))
    return kind in {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


# --------------------------------------------------------------------------------------------------- role mailboxes

#: Local parts of addresses that several people read: never proof about one of them, and never the way to one.
ROLE_MAILBOXES = frozenset(
    """
    accounting admin administration ar bokning booking butik butiken contact dataskydd dpo ekonomi epost
    expedition faktura fakturor forsaljning gdpr hej hello help helpdesk hr info information inkop inköp invoice
    it jobb kansli kassor kontakt kontor kontoret kundservice kundtjanst kundtjänst lager leverantor leverantör
    lon lön mail marketing marknad no-reply noreply office order orders personal post postmaster privacy
    purchase reception receptionen redovisning registrator rekrytering sales salj service shop styrelsen support
    vaxel vaxeln växel växeln webmaster
    """.split()  # noqa: SIM905  # words read better than a list of quotes
)


def is_role_mailbox(contact: Identifier) -> bool:
    """Whether *contact* is a mailbox that several people read: info@, and info.malmo@ as well."""
    local = re.split(r"[+.@]", contact.value)[0]
    return contact.type is IdentifierType.EMAIL and local in ROLE_MAILBOXES
