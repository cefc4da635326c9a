"""Three real databases: search, changes, and what must be impossible."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from crm import DECLARATION, Database, connect
from databases import Server
from servers import TlsFiles

from connectors import conformance, open_connector, samples
from connectors.sql import SqlEditor, SqlReader
from dsar.connector import Erases, Searches, Suppresses, Updates
from dsar.declaration import load_declaration, parse_declaration
from dsar.errors import (
    SettingsError,
    SystemContractError,
    SystemDriftError,
    SystemRefusedError,
    SystemUnavailableError,
)
from dsar.model import IdentifierType, RequestedChange, Strength

pytestmark = pytest.mark.xdist_group("databases")  # one server of each for all

CUSTOMER_NO = IdentifierType.CUSTOMER_NO
NOTES = """
[[object]]
name = "note"
label = {sv = "Anteckning", en = "Note"}
table = "notes"
key = "id"
activities = ["A1"]
reached_from = [{object = "customer", their = "no", ours = "owner"}]
fields = [
  {column = "owner", label = {sv = "Kund", en = "Customer"}, category = "identity", asserted_by = "company"},
  {column = "body", label = {sv = "Text", en = "Text"}, category = "note", free_text = true},
]
"""


# --------------------------------------------------------------------------------------------------- read-only


def test_without_a_write_url_it_can_only_search(database: Database) -> None:
    reader = connect(database.url)

    assert isinstance(reader, Searches)
    assert not any(isinstance(reader, ability) for ability in (Updates, Erases, Suppresses))


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_that_knows_no_tls_gets_no_word_in_plain_text(
    kind: str, request: pytest.FixtureRequest, tls_files: TlsFiles
) -> None:
    server: Server = request.getfixturevalue(kind)
    reader = connect(server.new_database(), ca_file=str(tls_files.ca_file))

    with pytest.raises(SystemUnavailableError):
        conformance.search(reader, IdentifierType.EMAIL, "a@b.example")


@pytest.mark.parametrize(
    "statement", ["DELETE FROM customers", "UPDATE customers SET name = 'x'", "DROP TABLE customers"]
)
def test_the_database_itself_refuses_writes_in_the_session_that_searches(database: Database, statement: str) -> None:
    reader: SqlReader = connect(database.url)

    with pytest.raises(sa.exc.DBAPIError), reader._reading.begin() as connection:
        connection.exec_driver_sql(statement)

    assert database.value("SELECT count(*) FROM customers WHERE name <> 'x'") == len(conformance.ROWS)


def test_an_account_that_could_write_is_noted(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        Path(database.engine.url.database or "").chmod(0o644)

    health = connect(database.url).health()

    assert health.ok
    assert ["may also write: customer" in note for note in health.notes] == [True]


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_an_account_that_only_reads_is_as_it_should_be(
    server: str, request: pytest.FixtureRequest, account: Callable[[Server, str], str]
) -> None:
    url = account(request.getfixturevalue(server), "GRANT SELECT ON customers TO {}")

    assert connect(url).health().notes == ()


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "DELETE"])
def test_a_single_right_to_write_is_noted(
    server: str, right: str, request: pytest.FixtureRequest, account: Callable[[Server, str], str]
) -> None:
    url = account(request.getfixturevalue(server), f"GRANT SELECT, {right} ON customers TO {{}}")

    assert len(connect(url).health().notes) == 1


#: How an account comes by the right to write without its being granted to itself; {r} is a role of its own.
BY_ROLE = {
    "postgresql": ["CREATE ROLE {r}", "GRANT INSERT ON customers TO {r}", "GRANT {r} TO {a}"],
    "mariadb": ["CREATE ROLE {r}", "GRANT INSERT ON customers TO {r}", "GRANT {r} TO {a}"],
    "mariadb, by default": [
        *("CREATE ROLE {r}", "GRANT INSERT ON customers TO {r}", "GRANT {r} TO {a}"),
        "SET DEFAULT ROLE {r} FOR {a}",
    ],
    "mariadb, through another role": [
        *("CREATE ROLE {r}", "CREATE ROLE {r}_outer", "GRANT DELETE ON customers TO {r}"),
        *("GRANT {r} TO {r}_outer", "GRANT {r}_outer TO {a}"),
    ],
    "mariadb, on every database with such a name": ["GRANT UPDATE ON `{like}`.* TO {a}"],
}


@pytest.mark.parametrize("how", BY_ROLE)
def test_a_right_to_write_that_comes_another_way_is_noted(
    how: str, request: pytest.FixtureRequest, account: Callable[..., str]
) -> None:
    server = request.getfixturevalue(how.partition(",")[0])
    url = account(server, "GRANT SELECT ON customers TO {}", more=BY_ROLE[how])

    assert ["may also write: customer" in note for note in connect(url).health().notes] == [True]


@pytest.mark.parametrize("elsewhere", ["GRANT INSERT ON others TO {a}", "GRANT INSERT ON `nosuch%%`.* TO {a}"])
def test_what_may_be_written_elsewhere_is_no_matter_of_this_system(
    mariadb: Server, account: Callable[..., str], elsewhere: str
) -> None:
    url = account(mariadb, "GRANT SELECT ON customers TO {}", more=["CREATE TABLE others (no int)", elsewhere])

    assert connect(url).health().notes == ()


@pytest.mark.parametrize(("right", "noted"), [("SELECT", 0), ("SELECT, DELETE", 1)])
def test_a_table_whose_name_has_capitals_is_looked_at_under_that_name(
    postgresql: Server, account: Callable[..., str], right: str, noted: int
) -> None:
    """PostgreSQL folds a name that is not quoted."""
    more = ['ALTER TABLE customers RENAME TO "Kunder"', f'GRANT {right} ON "Kunder" TO {{a}}']
    text = conformance.DECLARATION.format(kind="sql", place='table = "Kunder"')
    options = {"url": account(postgresql, "GRANT SELECT ON customers TO {}", more=more)}
    health = open_connector(
        "sql", name="crm", declaration=parse_declaration(text, source="test"), options=options
    ).health()

    assert (health.ok, len(health.notes)) == (True, noted)


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
@pytest.mark.parametrize(
    ("rights", "lacks"),
    [
        ("SELECT", "customer: UPDATE, customer: DELETE"),
        ("SELECT, UPDATE", "customer: DELETE"),
        ("SELECT, UPDATE (mail, phone, offers), DELETE", ""),
        ("SELECT, UPDATE, DELETE", ""),
    ],
)
def test_an_account_for_changes_that_lacks_a_right_is_noted_before_anything_is_approved(
    server: str, rights: str, lacks: str, request: pytest.FixtureRequest, account: Callable[..., str]
) -> None:
    url = account(request.getfixturevalue(server), f"GRANT {rights} ON customers TO {{}}")

    notes = connect(url, write_url=url).health().notes
    wanted = [f"the account that changes lacks rights: {lacks}"] if lacks else []
    assert [note for note in notes if "that changes" in note] == wanted


def test_an_account_for_changes_that_cannot_log_in_is_noted_and_stops_no_search(
    postgresql: Server, account: Callable[..., str]
) -> None:
    url = account(postgresql, "GRANT SELECT ON customers TO {}")
    health = connect(url, write_url="postgresql://nobody@127.0.0.1:1/crm").health()

    assert health.ok
    assert ["the account that changes cannot be used" in note for note in health.notes] == [True]


@pytest.fixture
def account() -> Callable[..., str]:
    """(server, grant) -> URL of a fresh database with the canary, for an account that has that grant, and *more*."""

    def made(server: Server, grant: str, more: Sequence[str] = ()) -> str:
        url = sa.make_url(server.new_database())
        name = f"r{uuid.uuid4().hex[:8]}"
        login = f"'{name}'@'127.0.0.1'" if url.get_backend_name() == "mysql" or "mariadb" in url.drivername else name
        create = f"CREATE USER {login}" if login != name else f"CREATE ROLE {name} LOGIN"
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            columns = "(no varchar(9), name varchar(99), mail varchar(99), phone varchar(9), offers varchar(9))"
            connection.exec_driver_sql(f"CREATE TABLE customers {columns}")
            connection.exec_driver_sql("INSERT INTO customers VALUES ('K5', 'Kanarie', 'kanarie@example.com', '', '')")
            connection.exec_driver_sql(create)
            connection.exec_driver_sql(grant.format(login))
            for statement in more:
                like = f"{(url.database or '')[:-1]}%%"
                connection.exec_driver_sql(statement.format(a=login, r=f"role_{name}", like=like))
        engine.dispose()
        return url.set(username=name).render_as_string(hide_password=False)

    return made


# ---------------------------------------------------------------------------------------------------- searching


@pytest.mark.parametrize(
    "stored", ["0701740699", "070-174 06 99", "+46701740699", "+46 (0)70-174 06 99", "0046 70 174 06 99", "070/1740699"]
)
def test_every_spelling_of_a_phone_is_found(database: Database, stored: str) -> None:
    database.run("UPDATE customers SET phone = :stored WHERE no = 'K3'", stored=stored)

    records = conformance.search(connect(database.url), IdentifierType.PHONE, "070-174 06 99")

    assert conformance.numbers(records) == {"K3"}


def test_one_of_two_phones_in_a_field_is_found_and_a_longer_number_is_not(database: Database) -> None:
    database.run("UPDATE customers SET phone = '031-390 06 14, 070-174 06 99' WHERE no = 'K3'")
    database.run("UPDATE customers SET phone = '+49 30 0701740699' WHERE no = 'K5'")

    records = conformance.search(connect(database.url), IdentifierType.PHONE, "070-174 06 99")

    assert conformance.numbers(records) == {"K3"}


def test_capitals_beyond_ascii_and_coded_domains_are_found(database: Database) -> None:
    database.run("UPDATE customers SET mail = 'MÄRTA@xn--rksmrgs-5wao1o.se' WHERE no = 'K3'")

    records = conformance.search(connect(database.url), IdentifierType.EMAIL, "märta@räksmörgås.se")

    assert conformance.numbers(records) == {"K3"}


def test_a_missing_column_is_a_breach_of_the_declaration_and_not_nothing(database: Database) -> None:
    database.run("ALTER TABLE customers RENAME COLUMN phone TO telephone")

    with pytest.raises(SystemContractError):
        conformance.search(connect(database.url), CUSTOMER_NO, "K1")


def test_a_missing_table_is_a_breach_of_the_declaration_and_not_nothing(database: Database) -> None:
    database.run("DROP TABLE customers")

    with pytest.raises(SystemContractError):
        conformance.search(connect(database.url), CUSTOMER_NO, "K1")


def test_a_lost_canary_is_reported(database: Database) -> None:
    database.run("DELETE FROM customers WHERE no = 'K5'")

    assert not connect(database.url).health().ok


def test_a_row_is_reached_through_a_key_that_the_database_pads(database: Database) -> None:
    """PostgreSQL gives CHAR(10) back with blanks behind it."""
    database.run("CREATE TABLE notes (id INTEGER PRIMARY KEY, owner CHAR(10), body VARCHAR(50))")
    database.run("INSERT INTO notes VALUES (1, 'K1', 'ringer ofta'), (2, 'K2', 'ringer aldrig')")
    text = conformance.DECLARATION.format(kind="sql", place='table = "customers"') + NOTES
    declaration = parse_declaration(text, source="test")
    reader = open_connector("sql", name="crm", declaration=declaration, options={"url": database.url})

    records = conformance.search(reader, IdentifierType.EMAIL, "asa.lindqvist@example.se")

    assert [(each.object, each.key, each.strength) for each in records] == [
        ("customer", "K1", Strength.CERTAIN),
        ("note", "1", Strength.CERTAIN),
    ]


# ------------------------------------------------------------------------------------------------------ changing


def test_an_emptied_value_is_stored_as_nothing_where_the_column_allows_it(database: Database) -> None:
    editor = connect(database.url, write_url=database.url)
    records = conformance.search(editor, CUSTOMER_NO, "K1")
    (step,) = editor.plan_update(records, [RequestedChange(field="phone", old=None, new=None, valid_from=None)])

    editor.apply(step, key="1")

    assert database.value("SELECT phone FROM customers WHERE no = 'K1'") is None
    assert editor.verify(step).done


def test_a_row_changed_after_approval_is_not_erased(database: Database) -> None:
    editor = connect(database.url, write_url=database.url)
    (step,) = editor.plan_erase(conformance.search(editor, CUSTOMER_NO, "K1"))
    database.run("UPDATE customers SET name = 'Någon Annan' WHERE no = 'K1'")

    with pytest.raises(SystemDriftError):
        editor.apply(step, key="1")

    assert database.value("SELECT count(*) FROM customers WHERE no = 'K1'") == 1


def test_a_row_that_others_point_at_is_refused_and_stays(database: Database) -> None:
    database.run("CREATE TABLE invoices (id INTEGER PRIMARY KEY, no VARCHAR(20) REFERENCES customers (no))")
    database.run("INSERT INTO invoices VALUES (1, 'K1')")
    if database.engine.dialect.name == "sqlite":
        database.run("CREATE TRIGGER kept BEFORE DELETE ON customers BEGIN SELECT RAISE(ABORT, 'bokförd faktura'); END")
    editor = connect(database.url, write_url=database.url)
    (step,) = editor.plan_erase(conformance.search(editor, CUSTOMER_NO, "K1"))

    with pytest.raises(SystemRefusedError) as refused:
        editor.apply(step, key="1")

    assert "K1" not in str(refused.value)  # P9: the driver's text holds values
    assert not editor.verify(step).done


def test_a_role_that_may_not_write_is_refused(postgresql: Server) -> None:
    url = postgresql.new_database()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customers (no text, name text, mail text, phone text, offers text)")
        connection.exec_driver_sql("INSERT INTO customers VALUES ('K1', 'Åsa Lindqvist', 'a@example.se', '', '1')")
        connection.exec_driver_sql("DROP ROLE IF EXISTS reads_only")
        connection.exec_driver_sql("CREATE ROLE reads_only LOGIN")
        connection.exec_driver_sql("GRANT SELECT ON customers TO reads_only")
    engine.dispose()
    editor = connect(url, write_url=url.replace("dsar@", "reads_only@"))
    (step,) = editor.plan_erase(conformance.search(editor, CUSTOMER_NO, "K1"))

    with pytest.raises(SystemRefusedError, match="InsufficientPrivilege"):
        editor.apply(step, key="1")


def test_a_value_with_quotes_is_written_as_it_is(database: Database) -> None:
    editor = connect(database.url, write_url=database.url)
    hostile = "x'); DELETE FROM customers; --@example.se"
    change = RequestedChange(field="email", old=None, new=hostile, valid_from=None)
    (step,) = editor.plan_update(conformance.search(editor, CUSTOMER_NO, "K1"), [change])

    editor.apply(step, key="1")

    assert database.value("SELECT mail FROM customers WHERE no = 'K1'") == hostile
    assert database.value("SELECT count(*) FROM customers") == len(conformance.ROWS)


# ------------------------------------------------------------------------------------------- settings and failures


def test_a_database_that_is_not_there_is_temporary_and_says_no_more_than_the_kind_of_error(tmp_path: Path) -> None:
    with pytest.raises(SystemUnavailableError, match="SQLITE_CANTOPEN"):
        conformance.search(connect(f"sqlite:///{tmp_path}/none.db"), CUSTOMER_NO, "K1")

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_temporary() -> None:
    unreachable = connect("postgresql://dsar@127.0.0.1:1/crm", timeout_seconds="1")

    with pytest.raises(SystemUnavailableError):
        conformance.search(unreachable, CUSTOMER_NO, "K1")
    assert not unreachable.health().ok


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, "url is missing"),
        ({"url": "sqlite:///x.db", "colour": "red"}, "colour is unknown"),
        ({"url": "no url"}, "the database URL cannot be used"),
        ({"url": "oracle9://x/y"}, "the database URL cannot be used"),
        ({"url": "sqlite:///x.db", "timeout_seconds": "soon"}, "timeout_seconds is no whole number"),
    ],
)
def test_wrong_options_are_settings_errors(options: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        open_connector("sql", name="crm", declaration=DECLARATION, options=options)


# ------------------------------------------------------------------------------------------------- the sample world


@pytest.fixture
def business(tmp_path: Path) -> SqlEditor:
    samples.create(tmp_path)
    declaration = load_declaration(tmp_path / "business.toml")
    editor: Any = open_connector(
        "sql", name="business", declaration=declaration, options=samples.options("business", tmp_path)
    )
    assert isinstance(editor, SqlEditor)
    return editor


def test_erasing_a_customer_keeps_the_ledger_and_anonymises_the_rest(business: SqlEditor) -> None:
    found = conformance.search(business, IdentifierType.EMAIL, "peter.sandberg@example.se")
    steps = business.plan_erase([record for record in found if record.strength is Strength.CERTAIN])

    for step in steps:
        business.apply(step, key=step.key)

    assert {f"{step.object} {step.action.value}" for step in steps} == {"customer anonymise", "invoice erase"}
    assert all(business.verify(step).done for step in steps)
    assert conformance.search(business, IdentifierType.EMAIL, "peter.sandberg@example.se") == ()
    assert conformance.search(business, IdentifierType.NAME, "Peter Sandberg") == ()
