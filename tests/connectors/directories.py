"""What the tests of directories share."""

from pathlib import Path
from typing import Any

from servers import PASSWORD
from servers.slapd import PEOPLE, DirectoryServer, service

from connectors import conformance, open_connector
from dsar.connector import SearchAnswer
from dsar.declaration import Declaration, parse_declaration
from dsar.model import IdentifierType, Record

SAMPLE = (Path(__file__).parents[2] / "connectors" / "samples" / "directory.toml").read_text("utf-8")
_REST = """  {column = "rest", label = {sv = "Övrigt", en = "Other"}, category = "note", free_text = true},
]"""
#: Column of the suite's table -> attribute.
_STORED_IN = {"no": "employeeNumber", "name": "cn", "phone": "mobile", "offers": "businessCategory"}


def sample() -> Declaration:
    return parse_declaration(SAMPLE, source="directory.toml")


def declared() -> Declaration:
    """The suite's table as entries."""
    place = f'base = "{PEOPLE}"\nfilter = "(objectClass=inetOrgPerson)"'
    text = conformance.DECLARATION.format(kind="ldap", place=place).rstrip().removesuffix("]") + _REST
    text = text.replace('key = "no"\n', "")
    for column, attribute in _STORED_IN.items():
        text = text.replace(f'{{column = "{column}", label', f'{{column = "{column}", stored_in = "{attribute}", label')
    return parse_declaration(text, source="ldap")


def fill(server: DirectoryServer) -> None:
    """Put the suite's rows into *server*."""
    for row in conformance.ROWS:
        stored = {_STORED_IN.get(column, column): text for column, text in row.items()}
        server.person(row["no"], **stored)


def connect(server: DirectoryServer, declaration: Declaration, *, user: str = "reader", **changes: str) -> Any:
    """The connector as service account *user*, over LDAPS."""
    options = {"url": f"ldaps://localhost:{server.tls_port}", "ca_file": str(server.ca_file)}
    options |= {"user": service(user), "password": PASSWORD, "timeout_seconds": "5"}
    return open_connector("ldap", name="directory", declaration=declaration, options=options | changes)


def connect_writing(
    server: DirectoryServer, declaration: Declaration, *, writer: str = "writer", **changes: str
) -> Any:
    return connect(server, declaration, write_user=service(writer), write_password=PASSWORD, **changes)


def ask(
    server: DirectoryServer, type_: IdentifierType, text: str, *, declaration: Declaration | None = None, **changes: str
) -> SearchAnswer:
    """What the sample declaration finds."""
    connector = connect(server, declaration or sample(), **changes)
    answer: SearchAnswer = connector.search([conformance.identifier(type_, text)], read_at=conformance.READ_AT)
    return answer


def found(answer: SearchAnswer) -> set[tuple[str, str]]:
    """{(object, user name)}"""
    return {(record.object, value(record, "uid")) for record in answer.records}


def value(record: Record, column: str) -> str:
    """The text in *column*; "" if there is none."""
    return next((each.value for each in record.values if each.path == column), "")
