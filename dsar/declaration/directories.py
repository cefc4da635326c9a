"""
(declared object of a directory) -> its faults.

Effects: none. Base and filter come from here alone, so they are checked before any server sees them.
"""

import re
from collections.abc import Iterator

from dsar.declaration.lines import Place
from dsar.declaration.system import DeclaredObject

#: What the connector gives of an entry besides its attributes.
_PSEUDO = frozenset({"dn", "rest"})
#: Attributes by which a server names an entry for good; only these survive a renaming (RFC 4530 and its kin).
_KEYS = frozenset({"entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID"})
#: RFC 4512 section 2.5: a name or a numeric OID.
_ATTRIBUTE = r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)"
#: RFC 4514 section 3, as far as a slip of the pen goes.
_PART = rf"{_ATTRIBUTE}=(?:[^,+\"\\<>;\x00]|\\(?:[0-9A-Fa-f]{{2}}|[ ,+\"\\<>;=#]))+"
_BASE = re.compile(rf"{_PART}(?:[,+] *{_PART})*")
#: RFC 4515 section 3, innermost first.
_ITEM = re.compile(rf"\({_ATTRIBUTE}(?:;[\w-]+)*(?::\w[\w.]*)?(?:=|~=|>=|<=|:=)(?:[^()\\\x00]|\\[0-9A-Fa-f]{{2}})*\)")
_COMPOUND = re.compile(r"\((?:[&|]\x00+|!\x00)\)")


def entry_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    """What an object of kind ldap cannot be."""
    if declared.base is None or declared.filter is None:
        yield (), "an object of a directory needs base and filter"
    if declared.base is not None and not _BASE.fullmatch(declared.base):
        yield ("base",), "this is no distinguished name (RFC 4514), as ou=people,dc=example,dc=se"
    if declared.filter is not None and not _is_filter(declared.filter):
        yield ("filter",), "this is no filter (RFC 4515), as (objectClass=inetOrgPerson)"
    if declared.key is not None and declared.key not in _KEYS:
        yield ("key",), f"the key of an entry is one of {', '.join(sorted(_KEYS))}: no other stays when it is renamed"
    yield from _attribute_faults(declared)
    if declared.each is None:
        if not any(each.column == "rest" and each.free_text for each in declared.fields):
            yield ("fields",), "an entry needs a field rest that is free_text, for what has no other place"
    elif any(each.column == "rest" for each in declared.fields):
        yield ("fields",), "the rest of an entry with 'each' is about others"
    erase = declared.erase
    if declared.each and erase and erase.action == "anonymise":
        yield ("erase",), "a value of 'each' is deleted, not anonymised"


def _attribute_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    named: list[tuple[Place, str]] = [
        (("fields", at), each.stored_in or each.column) for at, each in enumerate(declared.fields)
    ]
    named += [(("each",), declared.each)] if declared.each else []
    named += [
        (("documents", at, "content"), each.content) for at, each in enumerate(declared.documents) if each.content
    ]
    for place, name in named:
        if not re.fullmatch(_ATTRIBUTE, name):
            yield place, f"{name!r} is no name of an attribute (RFC 4512)"
    for at, each in enumerate(declared.fields):
        if each.packed:
            yield ("fields", at), "a value of an entry is not packed"
        if each.column in _PSEUDO and each.stored_in is not None:
            yield ("fields", at), f"column {each.column!r} is of the entry itself"
    changed = [*declared.update.values(), *([declared.suppress.column] if declared.suppress else [])]
    changed += [*declared.erase.set] if declared.erase else []
    for column in changed:
        if column in _PSEUDO:
            yield ("fields",), f"column {column!r} is of the entry itself and cannot be written"


def _is_filter(text: str) -> bool:
    if "\0" in text:
        return False
    while (shorter := _COMPOUND.sub("\0", _ITEM.sub("\0", text))) != text:
        text = shorter
    return text == "\0"
