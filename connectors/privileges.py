"""
(connection, declaration) -> what the account that searches may write, though it should only read.

Effects: asks the database for the account's own privileges; SQLite: asks the system about the file.
"""

import os
from pathlib import Path

import sqlalchemy as sa

from dsar.declaration import Declaration

#: Dialect -> the query for one table; any row means that something of it can be written.
_QUERIES = {
    "postgresql": "SELECT 1 WHERE has_table_privilege(:table, 'INSERT, UPDATE, DELETE, TRUNCATE')",
    # A grant may be on everything, on the database or on the table; the grantee is written 'name'@'host'.
    "mysql": """
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
    """,
}
_QUERIES["mariadb"] = _QUERIES["mysql"]


def writable(connection: sa.Connection, declaration: Declaration) -> list[str] | None:
    """Names of the objects whose table can be written; None: this kind of database cannot be asked."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
        may = bool(path) and os.access(Path(path), os.W_OK)
        return [declared.name for declared in declaration.objects if may]
    if dialect not in _QUERIES:
        return None
    query = sa.text(_QUERIES[dialect])
    return [
        declared.name
        for declared in declaration.objects
        if connection.execute(query, {"table": declared.table}).first() is not None
    ]
