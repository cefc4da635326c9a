"""
A live directory -> a commented declaration to begin from.

Effects: reads the directory: of every entry its classes and the names of its attributes, and no value (RFC 4511
section 4.5.1.6, typesOnly), so that none can get into the draft.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from connectors.drafting import Thing, draft
from connectors.ldap import account_of
from connectors.ldap.directory import ANY, Directory
from connectors.ldap.names import parts_above
from connectors.ldap.rows import DN, ENTRY_UUID, LEFT_OUT, NAMES, REST, SECRETS, syntax_of
from dsar.errors import SettingsError, SystemUnavailableError

#: Attribute of a group -> the attribute of a member that it names.
_MEMBERS = {"member": DN, "uniqueMember": DN, "memberUid": "uid"}
#: Pictures, sounds, certificates (RFC 4517 section 3.3, RFC 4523).
_DOCUMENTS = frozenset(f"1.3.6.1.4.1.1466.115.121.1.{number}" for number in (4, 5, 8, 23, 28))
#: Types of names that no person has (RFC 4519).
_PLACES = frozenset({"dc", "ou", "o", "c", "l", "st"})
_FIRST = (DN, "cn", "displayName", "uid", "mail")


def draft_ldap(name: str, url: str, user: str, password: str, *, ca_file: str = "") -> str:
    """
    The declaration of a directory.

    Args: url: ldaps://HOST/BASE (RFC 4516), without a base all that the server holds; user: distinguished name or "".
    Raises: SettingsError; SystemUnavailableError; SystemRefusedError; SystemContractError.
    """
    parts = urlsplit(url)
    base = unquote(parts.path.strip("/"))
    options = {"url": f"{parts.scheme}://{parts.netloc}", "user": user, "password": password}
    options |= {"ca_file": ca_file} if ca_file else {}
    with Directory(name, account_of(name, options, prefix="")) as directory:
        bases = [base] if base else directory.naming_contexts
        if not bases:
            raise SettingsError([f"system {name}: the server names no base; write it behind its address"])
        things = [thing for each in bases for thing in _things(directory, each)]
    return draft(name, "ldap", things)


def _things(directory: Directory, base: str) -> Iterator[Thing]:
    entries, problem = directory.read(base, ANY, ["objectClass", "structuralObjectClass"])
    if problem:
        raise SystemUnavailableError(directory.system, problem)
    classes = Counter(_class([*entry.texts("structuralObjectClass"), *entry.texts("objectClass")]) for entry in entries)
    found: list[Thing] = []
    for class_, count in sorted(classes.items()):
        filter_ = f"(objectClass={class_})"
        named, _ = directory.read(base, filter_, ["*"], names_only=True)
        columns = _columns(directory, {attribute for entry in named for attribute in entry.attributes})
        base_of = _common([entry.dn for entry in named])
        place = [
            f'base = "{base_of}"  # ?',
            f'filter = "{filter_}"  # ? {count} entries',
        ]
        groups = [each for each in columns if each in _MEMBERS]
        if groups:
            found += [_group(class_, each, place) for each in groups]
        else:
            found.append(_entry(directory, class_, columns, place))
    people = [thing for thing in found if thing.people and thing.finds]
    for thing in found:
        links = [(ours, each.name, their) for ours, _, their in thing.links for each in people if their in each.columns]
        yield replace(thing, links=links)


def _entry(directory: Directory, class_: str, columns: Sequence[str], place: Sequence[str]) -> Thing:
    documents = [each for each in columns if syntax_of(directory.schema, each) in _DOCUMENTS]
    names = [each for each in columns if each != DN and syntax_of(directory.schema, each) in NAMES]
    more = [f'# {each} names other entries: give it an object of its own with each = "{each}".' for each in names]
    told = [each for each in columns if each not in {*documents, *names}]
    return Thing(
        name=class_,
        columns=[*told, REST],
        key=ENTRY_UUID,
        documents=documents,
        place=[*more, *place],
        vouched=frozenset({DN, "uid"}),
    )


def _group(class_: str, attribute: str, place: Sequence[str]) -> Thing:
    return Thing(
        name=f"{class_}_{attribute}",
        columns=["cn", attribute],
        key=ENTRY_UUID,
        links=[(attribute, "", _MEMBERS[attribute])],
        place=[*place, f'each = "{attribute}"'],
        people=False,
    )


def _columns(directory: Directory, names: Iterable[str]) -> list[str]:
    """Attributes as the schema writes them, those that name a person first."""
    known = directory.schema.attribute_types
    written = {known[each].name[0] if each in known and known[each].name else each for each in names}
    told = {each for each in written if each.lower() not in LEFT_OUT | SECRETS} | {DN}
    return sorted(told, key=lambda each: (_FIRST.index(each) if each in _FIRST else len(_FIRST), each.lower()))


def _class(classes: Sequence[str]) -> str:
    return classes[0] if classes else "top"


def _common(dns: Sequence[str]) -> str:
    """The name of the nearest place that all entries called *dns* lie below, and that is no person's."""
    shared: list[str] = []
    for parts in zip(*(reversed(parts_above(each)) for each in dns), strict=False):
        if len({*parts}) > 1 or parts[0].partition("=")[0] not in _PLACES:
            break
        shared.insert(0, parts[0])
    return ",".join(shared)
