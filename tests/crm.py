"""A customer table of the suite in three real databases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Server

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration

DECLARATION = parse_declaration(
    conformance.DECLARATION.format(kind="sql", place='table = "customers"'), source="conformance"
)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database that holds the rows of the suite, and a door of our own to it."""

    url: str
    engine: sa.Engine

    def run(self, statement: str, **values: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def value(self, statement: str) -> object:
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(statement).scalar()


def connect(url: str, **options: str) -> Any:
    return open_connector("sql", name="crm", declaration=DECLARATION, options={"url": url, **options})


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The table with the rows of the suite, and its document, in one database after the other."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/åäö crm.db"
    else:
        server: Server = request.getfixturevalue(request.param)
        url = server.new_database()
    engine = sa.create_engine(url)
    table = sa.Table(
        "customers",
        sa.MetaData(),
        sa.Column("no", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("mail", sa.String(100)),
        sa.Column("phone", sa.String(50)),
        sa.Column("offers", sa.Integer, nullable=False),
        sa.Column("paper_name", sa.String(50)),
        sa.Column("paper", sa.LargeBinary),
    )
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [row | {"offers": int(row["offers"])} for row in conformance.ROWS])
        first = sa.update(table).where(table.c.no == "K1")
        connection.execute(first.values(paper_name=conformance.PAPER.name, paper=conformance.PAPER.content))
    yield Database(url=url, engine=engine)
    engine.dispose()
