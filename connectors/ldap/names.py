"""
Distinguished name -> the one way of writing it in which two spellings of the same name are alike.

Effects: none. Case is kept, for people read names; who compares folds it.
"""

import re

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

_PAIR = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_SPECIAL = re.compile(r'[,+"\\<>;=]|^[ #]| $|\x00')


def canonical_dn(text: str) -> str:
    """*text* with small letters in its types, no needless blank and escape (RFC 4514); unchanged if it is no name."""
    return "".join(f"{part}{after}" for part, after in _parts(text)) or text


def parts_above(text: str) -> list[str]:
    """The parts of the name of what lies above the entry called *text*, the nearest first."""
    parts = _parts(text)
    own = next((number for number, (_, after) in enumerate(parts) if after != "+"), 0)
    return [part for part, _ in parts[own + 1 :]]


def _parts(text: str) -> list[tuple[str, str]]:
    """[(type=value, sign behind it)]; [] if *text* is no name."""
    try:
        parts = parse_dn(text, strip=True)
    except LDAPInvalidDnError:
        return []
    return [(f"{type_.lower()}={_written(value)}", after) for type_, value, after in parts]


def _written(value: str) -> str:
    plain = _PAIR.sub(_pair, value.encode()).decode("utf-8", "replace")
    return _SPECIAL.sub(lambda match: "\\00" if match[0] == "\x00" else f"\\{match[0]}", plain)


def _pair(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if len(match[1]) == 2 else match[1]
