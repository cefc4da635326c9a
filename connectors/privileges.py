"""
(connection, declaration) -> what the account that searches may write, though it should only read.

Effects: asks the database for the account's own privileges, those of its roles included; SQLite: asks the system about
the file.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from dsar.declaration import Declaration, DeclaredObject

#: PostgreSQL: roles that the account inherits from count, too.
_POSTGRESQL = "SELECT 1 WHERE has_table_privilege(:table, 'INSERT, UPDATE, DELETE, TRUNCATE')"

#: MySQL: a grant may be on everything, on the database or on the table; the grantee is written 'name'@'host'.
_MYSQL = """
    SELECT 1 FROM (
        SELECT grantee, privilege_type FROM information_schema.user_privileges
        UNION ALL SELECT grantee, privilege_type FROM information_schema.schema_privileges
            WHERE DATABASE() LIKE table_schema
        UNION ALL SELECT grantee, privilege_type FROM information_schema.table_privileges
            WHERE table_schema = DATABASE() AND table_name = :table
    ) AS granted
    WHERE privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'DROP')
        AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
    LIMIT 1
"""


def writable(connection: sa.Connection, declaration: Declaration) -> list[str] | None:
    """Names of the objects whose table can be written; None: this kind of database cannot be asked."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
        may = bool(path) and os.access(Path(path), os.W_OK)
        return [declared.name for declared in declaration.objects if may]
    if getattr(connection.dialect, "is_mariadb", False):
        granted, database = list(_mariadb_grants(connection)), connection.exec_driver_sql("SELECT DATABASE()").scalar()
        return [
            declared.name
            for declared in declaration.objects
            if any(grant.covers(*_place(declared, str(database))) for grant in granted)
        ]
    query = {"postgresql": _POSTGRESQL, "mysql": _MYSQL}.get(dialect)
    if query is None:
        return None
    return [
        declared.name
        for declared in declaration.objects
        if connection.execute(sa.text(query), {"table": _named(connection, declared)}).first() is not None
    ]


def _named(connection: sa.Connection, declared: DeclaredObject) -> str:
    """The table as the query takes it: quoted as PostgreSQL reads names, which folds what is not."""
    if connection.dialect.name != "postgresql":
        return declared.table or ""
    quote = connection.dialect.identifier_preparer.quote_identifier
    return ".".join(quote(part) for part in (declared.table or "").split("."))


# --------------------------------------------------------------------------------------------------------- MariaDB

#: GRANT INSERT, SELECT (`column`) ON `database`.`table` TO ...; grants of roles, and on routines, look otherwise.
_GRANT = re.compile(r"GRANT (.+?) ON (\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO ")
_WRITES = re.compile(r"\b(?:ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP)\b")
_COLUMNS = re.compile(r"\([^)]*\)")


class _Grant(NamedTuple):
    """Where something may be written; "*": everywhere."""

    database: str  #: A LIKE pattern where the whole of it is meant.
    table: str

    def covers(self, database: str, table: str) -> bool:
        if self.table != "*":
            return (self.database, self.table) == (database, table)
        return self.database == "*" or re.fullmatch(_as_expression(self.database), database) is not None


def _mariadb_grants(connection: sa.Connection) -> Iterator[_Grant]:
    """
    What the account may write by itself, and by each role that it may take.

    The views of information_schema leave out what comes through a role, and SHOW GRANTS tells it of the role taken.
    """
    taken = connection.exec_driver_sql("SELECT CURRENT_ROLE()").scalar()
    granted = "SELECT role_name FROM information_schema.applicable_roles WHERE grantee = CURRENT_USER()"
    yield from _shown(connection)
    for role in connection.exec_driver_sql(granted).scalars().all():
        _take(connection, role)
        yield from _shown(connection)
    _take(connection, taken)


def _take(connection: sa.Connection, role: str | None) -> None:
    quoted = connection.dialect.identifier_preparer.quote_identifier(role) if role else "NONE"
    connection.execute(sa.text(f"SET ROLE {quoted}".replace(":", "\\:")))  # a colon would begin a parameter


def _shown(connection: sa.Connection) -> Iterator[_Grant]:
    for line in connection.exec_driver_sql("SHOW GRANTS").scalars():
        if (match := _GRANT.match(line)) and _WRITES.search(_COLUMNS.sub("", match[1])):
            yield _Grant(database=_bare(match[2]), table=_bare(match[3]))


def _bare(name: str) -> str:
    return name if name == "*" else name[1:-1].replace("``", "`")


def _as_expression(pattern: str) -> str:
    """A LIKE pattern as a regular expression; a backslash takes its meaning from the next sign."""
    signs = re.findall(r"\\.|.", pattern)
    return "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign.removeprefix("\\"))) for sign in signs)


def _place(declared: DeclaredObject, database: str) -> tuple[str, str]:
    schema, _, table = (declared.table or "").rpartition(".")
    return schema or database, table
