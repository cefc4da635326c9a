"""
Two names or addresses -> whether a reader could take one for the other.

Effects: none. Homoglyphs (Unicode TS 39, the common ones), digits read as letters, and one letter more, less or
different; it finds who wants to be taken for somebody else, and proves nothing about anybody.
"""

import unicodedata

#: Letters of other scripts that are drawn like Latin ones.
HOMOGLYPHS = dict(zip("аеорсухіјѕԁԛԝһ", "aeopcyxijsdqwh", strict=True)) | dict(zip("αορνικτυ", "aopvikty", strict=True))
#: Letters that Unicode does not decompose.
UNDECOMPOSED = {"ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ł": "l"}
_READ_AS_ONE = str.maketrans(HOMOGLYPHS | UNDECOMPOSED | {"0": "o", "1": "l", "3": "e", "5": "s", "i": "l"})
#: A letter more or less makes another word of a shorter one.
_SHORTEST = 5


def skeleton(text: str) -> str:
    """*text* so that what looks alike is equal; for comparing only."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return letters.translate(_READ_AS_ONE).replace("rn", "m").replace("vv", "w")


def nearly_same(one: str, other: str) -> bool:
    """Equal as drawn, or, if long enough to tell, one letter more, less or different."""
    drawn, other_drawn = skeleton(one), skeleton(other)
    if drawn == other_drawn:
        return True
    return min(len(drawn), len(other_drawn)) >= _SHORTEST and _one_letter_apart(drawn, other_drawn)


def resembles(address: str, other: str) -> bool:
    """Whether the e-mail *address* is another one than *other*, and could be taken for it."""
    if address.casefold() == other.casefold():
        return False
    local, _, domain = address.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    if domain.casefold() == other_domain.casefold():
        return nearly_same(local, other_local)
    return skeleton(local) == skeleton(other_local) and nearly_same(domain, other_domain)


def mixes_scripts(text: str) -> bool:
    """Whether *text* has letters of more than one script."""
    return len({unicodedata.name(each, "LATIN").split()[0] for each in text if each.isalpha()}) > 1


def _one_letter_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, other_rest = one[same:], other[same:]
    return rest[1:] == other_rest[1:] or rest[1:] == other_rest or rest == other_rest[1:]
