"""
(connection, declaration) -> what an account may write: nothing, if it searches; what is declared, if it changes.

Effects: asks the database for the account's own privileges, those of its roles included; SQLite: asks the system about
the file.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from dsar.declaration import Declaration, DeclaredObject

#: Any of these writes to a table; DROP and TRUNCATE empty it.
_WRITES = ("INSERT", "UPDATE", "DELETE", "DROP", "TRUNCATE")

#: Whether an account has one of some rights on the table of an object.
_May = Callable[[DeclaredObject, Collection[str]], bool]


def writable(connection: sa.Connection, declaration: Declaration) -> list[str] | None:
    """Names of the objects whose table can be written; None: this kind of database cannot be asked."""
    may = _asked(connection)
    return None if may is None else [each.name for each in declaration.objects if may(each, _WRITES)]


def lacking(connection: sa.Connection, declaration: Declaration) -> list[str]:
    """ "customer: DELETE" for each right that a declared change needs and the account lacks, as far as one can ask."""
    may = _asked(connection)
    if may is None:
        return []
    return [
        f"{each.name}: {right}" for each in declaration.objects for right in _needed(each) if not may(each, (right,))
    ]


def _needed(declared: DeclaredObject) -> list[str]:
    action = declared.erase.action if declared.erase else ""
    changes = bool(declared.update or declared.suppress or action == "anonymise")
    return [*(["UPDATE"] if changes else []), *(["DELETE"] if action == "delete" else [])]


def _asked(connection: sa.Connection) -> _May | None:
    dialect = connection.dialect.name
    if dialect == "sqlite":
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
        is_open = bool(path) and os.access(Path(path), os.W_OK)
        return lambda _declared, _rights: is_open
    if getattr(connection.dialect, "is_mariadb", False):
        return _asked_of_mariadb(connection)
    query = {"postgresql": _postgresql, "mysql": _mysql}.get(dialect)
    return None if query is None else lambda declared, rights: query(connection, declared, rights)


# ------------------------------------------------------------------------------------------------ PostgreSQL, MySQL


def _postgresql(connection: sa.Connection, declared: DeclaredObject, rights: Collection[str]) -> bool:
    """Roles that the account inherits from count, and so does a right to single columns."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    table = ".".join(quote(part) for part in (declared.table or "").split("."))  # it folds a name without quotes
    known = [right for right in rights if right != "DROP"]  # that belongs to who owns the table
    columns = [right for right in known if right in {"INSERT", "UPDATE"}]
    asked = [sa.func.has_table_privilege(table, ", ".join(known))]
    asked += [sa.func.has_any_column_privilege(table, ", ".join(columns))] if columns else []
    return bool(connection.scalar(sa.select(sa.or_(*asked))))


#: A grant may be on everything, on the database or on the table; the grantee is written 'name'@'host'.
_MYSQL = sa.text("""
    SELECT 1 FROM (
        SELECT grantee, privilege_type FROM information_schema.user_privileges
        UNION ALL SELECT grantee, privilege_type FROM information_schema.schema_privileges
            WHERE DATABASE() LIKE table_schema
        UNION ALL SELECT grantee, privilege_type FROM information_schema.table_privileges
            WHERE table_schema = DATABASE() AND table_name = :table
    ) AS granted
    WHERE privilege_type IN :rights
        AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
    LIMIT 1
""").bindparams(sa.bindparam("rights", expanding=True))


def _mysql(connection: sa.Connection, declared: DeclaredObject, rights: Collection[str]) -> bool:
    return connection.execute(_MYSQL, {"table": declared.table, "rights": list(rights)}).first() is not None


# --------------------------------------------------------------------------------------------------------- MariaDB

#: GRANT INSERT, SELECT (`column`) ON `database`.`table` TO ...; grants of roles, and on routines, look otherwise.
_GRANT = re.compile(r"GRANT (.+?) ON (\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO ")
_COLUMNS = re.compile(r"\([^)]*\)")
_EVERYTHING = "ALL PRIVILEGES"


class _Grant(NamedTuple):
    """Which rights hold where; "*": everywhere."""

    rights: frozenset[str]
    database: str  #: A LIKE pattern where the whole of it is meant.
    table: str

    def covers(self, database: str, table: str) -> bool:
        if self.table != "*":
            return (self.database, self.table) == (database, table)
        return self.database == "*" or re.fullmatch(_as_expression(self.database), database) is not None


def _asked_of_mariadb(connection: sa.Connection) -> _May:
    granted, database = list(_mariadb_grants(connection)), connection.exec_driver_sql("SELECT DATABASE()").scalar()

    def may(declared: DeclaredObject, rights: Collection[str]) -> bool:
        schema, _, table = (declared.table or "").rpartition(".")
        return any(
            grant.rights & {_EVERYTHING, *rights} and grant.covers(schema or str(database), table) for grant in granted
        )

    return may


def _mariadb_grants(connection: sa.Connection) -> Iterator[_Grant]:
    """
    What the account may do by itself, and by each role that it may take.

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
        if match := _GRANT.match(line):
            rights = frozenset(right.strip() for right in _COLUMNS.sub("", match[1]).split(","))
            yield _Grant(rights=rights, database=_bare(match[2]), table=_bare(match[3]))


def _bare(name: str) -> str:
    return name if name == "*" else name[1:-1].replace("``", "`")


def _as_expression(pattern: str) -> str:
    """A LIKE pattern as a regular expression; a backslash takes its meaning from the next sign."""
    signs = re.findall(r"\\.|.", pattern)
    return "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign.removeprefix("\\"))) for sign in signs)
