"""
The kinds of values in a settings file: text as written there -> value, or a sentence that says what it must be.

Effects: reads the logo. Defaults pass through the converters, too; they have their type already.
"""

import base64
import binascii
import configparser
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretBytes,
    SecretStr,
    ValidationInfo,
)

from dsar.identifiers import normalise
from dsar.model import IdentifierType

_SWITCHES = {**configparser.ConfigParser.BOOLEAN_STATES, "ja": True, "nej": False}
_MASTER_KEY_BYTES = 32
_PICTURE_BYTES = 300_000
_CONTRAST = 4.5
#: What a field of a web form can hold: what is asked, or an identifier.
FormField = Literal[
    "message", "name", "email", "phone", "customer_no", "order_no", "serial", "personnummer", "national_id", "orgnr",
    "username", "address",
]  # fmt: skip
_SQLITE = "sqlite:///"


def _switch(text: object) -> object:
    state = _SWITCHES.get(str(text).lower())
    if state is None:
        raise ValueError("must be on or off")
    return state


def _items(text: object) -> object:
    """One item per line, or all on one line with commas between them."""
    if not isinstance(text, str):
        return text
    parts = text.split("\n" if "\n" in text else ",")
    return tuple(part.strip() for part in parts if part.strip())


def _days(text: object) -> object:
    """Dates and FROM..TO, both ends included."""
    if not isinstance(text, str):
        return text
    days: set[date] = set()
    for item in text.replace(",", " ").split():
        first_text, _, last_text = item.partition("..")
        try:
            first = date.fromisoformat(first_text)
            last = date.fromisoformat(last_text or first_text)
        except ValueError:
            raise ValueError(f"{item!r} is neither a date such as 2026-12-28 nor FROM..TO") from None
        if last < first:
            raise ValueError(f"{item!r} ends before it begins")
        days.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return frozenset(days)


def settings_folder(info: ValidationInfo) -> Path:
    folder: Path = info.context["folder"]  # type: ignore[index]  # settings.load always gives it
    return folder


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    return settings_folder(info) / path


def absolute_sqlite(url: str, folder: Path) -> str:
    """*url* with the path of a SQLite file made absolute; other URLs as they are."""
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.startswith((":memory:", "file:")):
        return url
    return f"{_SQLITE}{folder / path}"


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for any other URL."""
    path = url.removeprefix(_SQLITE).partition("?")[0] if url.startswith(_SQLITE) else ""
    return None if not path or path.startswith((":memory:", "file:")) else Path(path)


def _database_url(url: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(absolute_sqlite(url.get_secret_value(), settings_folder(info)))


def _master_key(text: object) -> object:
    try:
        key = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _MASTER_KEY_BYTES:
        raise ValueError(f"must be {_MASTER_KEY_BYTES} random bytes in base64; 'dsar init' makes one")
    return key


def _address(text: str) -> str:
    identifier = normalise(IdentifierType.EMAIL, text)
    if identifier is None:
        raise ValueError("is no e-mail address")
    return identifier.value


def _language(text: str) -> str:
    if not re.fullmatch("[a-z]{2}", text.lower()):
        raise ValueError(f"{text!r} is no language code such as sv (ISO 639-1)")
    return text.lower()


def _domain(text: str) -> str:
    if normalise(IdentifierType.EMAIL, f"a@{text}") is None:
        raise ValueError("is no domain")
    return text.lower()


def _form_fields(text: object) -> object:
    """ "Namn = name, E-post = email": each label with what its field holds."""
    items = _items(text)
    if not isinstance(items, tuple):
        return items
    pairs = [(label.strip(), holds.strip()) for label, _, holds in (item.rpartition("=") for item in items)]
    allowed = get_args(FormField)
    for label, holds in pairs:
        if not label or holds not in allowed:
            raise ValueError(f"must be LABEL = WHAT, with WHAT one of {', '.join(allowed)}")
    return dict(pairs)


def _domains(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_domain, names))


def contrast(one: str, other: str) -> float:
    """How well a colour such as "#1f4e6b" is told from another, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _color_against(other: str, what: str) -> AfterValidator:
    """A colour on which, or in which, text can be read beside *other*."""

    def check(text: str) -> str:
        if not re.fullmatch("#[0-9a-fA-F]{6}", text):
            raise ValueError(f"{text!r} is no colour such as #1f4e6b")
        if (found := contrast(text, other)) < _CONTRAST:
            raise ValueError(f"has a contrast of {found:.1f} to {what}; text needs {_CONTRAST} (WCAG 2.2, 1.4.3)")
        return text.lower()

    return AfterValidator(check)


def _picture(text: object, info: ValidationInfo) -> object:
    """A PNG or JPEG file, read at once: the next letter must not find it gone."""
    if not isinstance(text, str):
        return text
    try:
        content = (settings_folder(info) / text).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if not content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise ValueError("is neither a PNG nor a JPEG file")
    if len(content) > _PICTURE_BYTES:
        raise ValueError(f"has more than {_PICTURE_BYTES // 1000} kB; it stands in every letter")
    return content


Filled = Annotated[str, Field(min_length=1)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Items = Annotated[tuple[str, ...], BeforeValidator(_items)]
Domains = Annotated[tuple[str, ...], BeforeValidator(_items), AfterValidator(_domains)]
FormFields = Annotated[dict[str, FormField], BeforeValidator(_form_fields), Field(min_length=1)]
Days = Annotated[frozenset[date], BeforeValidator(_days)]
Languages = Annotated[tuple[Annotated[str, AfterValidator(_language)], ...], BeforeValidator(_items)]
SettingsFile = Annotated[Path, AfterValidator(_beside_settings)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
MasterKey = Annotated[SecretBytes, BeforeValidator(_master_key)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(_items)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Domain = Annotated[str, AfterValidator(_domain)]
Picture = Annotated[bytes, BeforeValidator(_picture)]
ColorOnWhite = Annotated[str, _color_against("#ffffff", "white paper")]
ColorUnderText = Annotated[str, _color_against("#1d2730", "the dark text on it")]
