"""The roles that docs/postgresql makes: the daily one does all of the program's work, and nothing that it need not."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Server, running_postgresql
from office import open_office
from servers.parts import missing

from dsar.casework import purging
from dsar.cli.doctor import examine
from dsar.store import SqlKeyStore, Store, migrate

SCRIPTS = Path(__file__).parents[1] / "docs" / "postgresql"
JOHN = "John Whitfield <john.whitfield@example.com>"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Roles belong to a whole server, so this one is ours alone; both scripts were run as docs/operations.md says."""
    if shutil.which("psql") is None:
        missing("PostgreSQL")
    with running_postgresql() as running:
        _psql(running, "postgres", "roles.sql")
        owner = running.url.replace("dsar@", "dsar_owner@")
        store = Store(f"{owner}dsar")
        migrate.upgrade(store.engine)
        store.close()
        SqlKeyStore(f"{owner}dsar_keys").close()
        yield running


@pytest.fixture
def narrow(server: Server) -> Server:
    """The server, with the trail closed."""
    _psql(server, "dsar", "trail.sql")
    return server


@pytest.fixture
def daily(narrow: Server) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"{_daily(narrow)}dsar", isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def _psql(server: Server, database: str, script: str) -> None:
    url = server.url.replace("+psycopg", "") + database
    done = subprocess.run(
        ["psql", "-X", "-d", url, "-f", SCRIPTS / script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _daily(server: Server) -> str:
    return server.url.replace("dsar@", "dsar_service@")


def _office(server: Server) -> dict[str, str]:
    return {"database": f"url = {_daily(server)}dsar\nkeys_url = {_daily(server)}dsar_keys"}


def test_the_program_does_all_of_its_daily_work(narrow: Server, tmp_path: Path) -> None:
    """An erasure from its mail to the purge of its case touches nearly every table."""
    now = datetime.now(UTC)
    with open_office(tmp_path, more=_office(narrow)) as office:
        request = office.carried_out(JOHN, "Delete all data about me.\n", now=now)
        office.force(request, state="closed", outcome="fulfilled", closed_at=now)
        gone = purging.purge(office.app, now=now + timedelta(days=900))
        with office.app.store.transaction() as tx:
            tx.seal_events()
            report = tx.verify_chain()

    assert "case" in {each.what for each in gone}
    assert (report.broken_at, report.unsealed) == (None, 0)
    assert report.sealed > 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor = 'nobody'",
        "DELETE FROM event",
        "TRUNCATE seal CASCADE",
        "UPDATE seal SET digest = ''",
        "DELETE FROM seal",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "DROP TABLE seal",
        "DROP TABLE case_file CASCADE",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE request ADD COLUMN mine int",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "COPY request TO PROGRAM 'cat'",
        "COPY request FROM '/etc/passwd'",
        "SET ROLE dsar_owner",
    ],
)
def test_what_the_daily_role_need_not_do_it_cannot(daily: sa.Engine, statement: str) -> None:
    with (
        pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be (owner|superuser)"),
        daily.connect() as at,
    ):
        at.exec_driver_sql(statement)


def test_keys_are_made_and_destroyed_and_never_exchanged(narrow: Server) -> None:
    engine = sa.create_engine(f"{_daily(narrow)}dsar_keys")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE wrapped_key SET wrapped = ''")
    engine.dispose()


def test_no_other_role_may_even_connect(narrow: Server) -> None:
    engine = sa.create_engine(narrow.url + "postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS somebody")
        connection.exec_driver_sql("CREATE ROLE somebody LOGIN")
    engine.dispose()
    for database in ("dsar", "dsar_keys"):
        other = sa.create_engine(narrow.url.replace("dsar@", "somebody@") + database)
        with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
            other.connect()
        other.dispose()


@pytest.mark.parametrize(("closed", "warned"), [(True, 0), (False, 1)])
def test_check_warns_where_the_program_could_change_the_trail(
    server: Server, tmp_path: Path, *, closed: bool, warned: int
) -> None:
    admin = sa.create_engine(server.url + "dsar")
    with admin.begin() as connection:
        connection.exec_driver_sql("GRANT UPDATE ON event TO dsar_service")
    admin.dispose()
    if closed:
        _psql(server, "dsar", "trail.sql")
    with open_office(tmp_path, more=_office(server)):
        pass

    findings = [each for each in examine(tmp_path / "settings.ini") if each.what == "audit trail"]

    assert len(findings) == warned
