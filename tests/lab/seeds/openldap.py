"""The directory: colleagues with their manager, customers' accounts in the portal, and the groups of both."""

import ssl
from collections.abc import Iterator
from typing import Any

import ldap3

from lab.people import ANNA, COLLEAGUES, ERIK, OTHERS, Person
from lab.seeds.clients import CA_FILE, port

SUFFIX = "dc=xelent,dc=example"
_PEOPLE, _GROUPS, _SERVICES = (f"ou={each},{SUFFIX}" for each in ("people", "groups", "services"))
#: dsar's accounts: one reads, one writes.
_ACCOUNTS = {"dsar-las": "las", "dsar-skriv": "skriv"}


def run() -> None:
    with opened() as admin:
        add: Any = admin.add
        for dn, classes, values in _entries():
            assert add(dn, classes, values), (dn, admin.result)


def opened() -> Any:
    """A connection as who owns the directory."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(CA_FILE))
    server = ldap3.Server("127.0.0.1", port("LDAP"), use_ssl=True, tls=tls)
    return ldap3.Connection(server, f"cn=admin,{SUFFIX}", "admin", auto_bind=True)


def _entries() -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    yield SUFFIX, ["dcObject", "organization"], {"o": "Xelent Office Sweden AB"}
    for dn in (_PEOPLE, _GROUPS, _SERVICES):
        yield dn, ["organizationalUnit"], {}
    for name, password in _ACCOUNTS.items():
        yield f"cn={name},{_SERVICES}", ["organizationalRole", "simpleSecurityObject"], {"userPassword": password}
    for each in COLLEAGUES:
        boss = {"manager": _dn(COLLEAGUES[0])} if each != COLLEAGUES[0] else {}
        yield _dn(each), ["inetOrgPerson"], _account(each) | {"employeeType": "medarbetare"} | boss
    note = f"Portalkonto. {ERIK.first} nås på {ERIK.phone}, {ERIK.street}."
    customers = [ERIK, ANNA, *OTHERS[:24:2], *OTHERS[24::2]]
    for each in customers:
        told = {"description": note} if each == ERIK else {}
        yield _dn(each), ["inetOrgPerson"], _account(each) | {"employeeType": "kund"} | told
    first, second = (f"cn={name},{_GROUPS}" for name in ("kundportal", "medarbetare"))
    yield first, ["groupOfNames"], {"member": [_dn(each) for each in (COLLEAGUES[0], *customers)]}
    yield second, ["groupOfNames"], {"member": [_dn(each) for each in COLLEAGUES]}
    system = {"gidNumber": "5001", "memberUid": [ERIK.email, *(each.email for each in OTHERS[:24:4])]}
    yield f"cn=utskrift,{_GROUPS}", ["posixGroup"], system


def _dn(person: Person) -> str:
    return f"uid={person.email},{_PEOPLE}"


def _account(person: Person) -> dict[str, Any]:
    values = {
        "cn": person.name,
        "sn": person.last,
        "givenName": person.first,
        "mail": person.email,
        "mobile": person.phone,
        "employeeNumber": person.number,
        "title": person.title,
        "o": person.employer,
        "userPassword": "{SSHA}c2FsdGVkaGFzaHNhbHRlZGhhc2g=",
    }
    return {name: value for name, value in values.items() if value}
