"""`dsar system new`, `check` and `list` through the command line."""

import json
import shutil
import sqlite3
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from test_cli_search import folder  # noqa: F401  # fixture

from connectors import CONNECTORS, products
from dsar.cli import main
from dsar.cli.systems import new
from dsar.declaration import load_declaration


def run(place: Path, *arguments: str, url: str = "") -> Result:
    environment = {"DSAR_ACTOR": "handler", "DSAR_SYSTEM_URL": url}
    return CliRunner(env=environment).invoke(main, ["--settings", str(place / "settings.ini"), "system", *arguments])


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("""
            CREATE TABLE customer
                (id INTEGER PRIMARY KEY, customer_no TEXT, full_name TEXT, email TEXT, "weird ""col" TEXT);
            CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), note TEXT,
                receipt BLOB);
            CREATE TABLE colour (id INTEGER PRIMARY KEY, hex TEXT);
            INSERT INTO customer VALUES (1, 'K1', 'Åsa Lindqvist', 'asa@example.se', '');
        """)
    connection.close()
    return f"sqlite:///{path}"


def test_a_draft_of_a_database_is_a_valid_declaration(tmp_path: Path, database: str) -> None:
    result = run(tmp_path, "new", "sql", "shop", "--to", str(tmp_path / "shop.toml"), url=database)

    declared = load_declaration(tmp_path / "shop.toml")
    assert result.exit_code == 0, result.output
    assert [each.name for each in declared.objects] == ["customer", "purchase"]
    assert {(find.by.value, find.columns[0]) for find in declared.object("customer").find} == {
        ("customer_no", "customer_no"),
        ("name", "full_name"),
        ("email", "email"),
    }
    assert [link.object for link in declared.object("purchase").reached_from] == ["customer"]
    assert declared.unknown == ("processors: IT-ansvarig: leverantör, land och överföringsgrund",)


def test_a_draft_says_which_tables_nobody_looked_at_and_holds_no_data(tmp_path: Path, database: str) -> None:
    run(tmp_path, "new", "sql", "shop", "--to", str(tmp_path / "shop.toml"), url=database)

    text = (tmp_path / "shop.toml").read_text("utf-8")
    assert "# Table colour: no column looks like a person's. Look: id, hex" in text
    assert "Lindqvist" not in text
    assert "sqlite" not in text


def test_a_column_with_bytes_is_drafted_as_a_document(tmp_path: Path, database: str) -> None:
    run(tmp_path, "new", "sql", "shop", "--to", str(tmp_path / "shop.toml"), url=database)

    declared = load_declaration(tmp_path / "shop.toml").object("purchase")
    assert [each.content for each in declared.documents] == ["receipt"]
    assert "receipt" not in declared.columns


def test_nothing_that_a_stranger_typed_is_certain_in_a_draft(tmp_path: Path, database: str) -> None:
    run(tmp_path, "new", "sql", "shop", "--to", str(tmp_path / "shop.toml"), url=database)

    declared = load_declaration(tmp_path / "shop.toml")
    vouched = {field.column for each in declared.objects for field in each.fields if field.vouched}
    assert vouched == {"id", "customer_id"}


def test_a_draft_of_an_api_finds_the_rows_in_its_sample(tmp_path: Path) -> None:
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps({"meta": {"n": 1}, "data": {"items": [{"id": 7, "email": "a@b.se", "note": "x"}]}}))

    result = run(tmp_path, "new", "rest", "crm", "--from", str(sample), "--to", str(tmp_path / "crm.toml"))

    declared = load_declaration(tmp_path / "crm.toml")
    assert result.exit_code == 0, result.output
    request = declared.objects[0].find[0].request
    assert request is not None
    assert (request.rows, declared.objects[0].key) == ("data.items", "id")


def test_a_draft_of_a_register_takes_its_header(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("Datum;Besökare;E-post\n2026-01-02;Åsa;a@b.se\n", "cp1252")

    run(tmp_path, "new", "files", "office", "--from", str(tmp_path / "visits.csv"), "--to", str(tmp_path / "o.toml"))

    declared = load_declaration(tmp_path / "o.toml")
    assert [field.column for field in declared.objects[0].fields] == ["Datum", "Besökare", "E-post"]
    assert declared.objects[0].file == "*.csv"


@pytest.mark.parametrize("kind", ["imap", "carddav", "manual"])
def test_a_draft_of_what_is_alike_everywhere_is_valid_and_cautious(tmp_path: Path, kind: str) -> None:
    """Nothing in it makes a record certain or erases one until somebody has said so, and it names nobody's canary."""
    result = run(tmp_path, "new", kind, "mine", "--to", str(tmp_path / "mine.toml"))

    declared = load_declaration(tmp_path / "mine.toml")
    assert result.exit_code == 0, result.output
    assert (declared.name, declared.kind, declared.canary) == ("mine", kind, None)
    assert not any(each.erase for each in declared.objects)
    people = [field for each in declared.objects for field in each.fields if field.category in {"identity", "contact"}]
    assert not any(field.vouched for field in people)
    assert all(each.find for each in declared.objects)


def test_every_kind_that_is_connected_can_be_drafted() -> None:
    (kind,) = [each for each in new.params if each.name == "kind"]
    assert isinstance(kind.type, click.Choice)
    drafted = set(CONNECTORS) - {"memory"}  # memory is for trying out
    assert set(kind.type.choices) == drafted | {"product"}


def test_a_column_that_may_mark_protected_identity_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "kunder.csv").write_text("E-post;Sekretess\na@b.se;\n", "utf-8")

    run(tmp_path, "new", "files", "office", "--from", str(tmp_path / "kunder.csv"), "--to", str(tmp_path / "o.toml"))

    assert '# protected_if = {"Sekretess" = "..."}  # ?' in (tmp_path / "o.toml").read_text("utf-8")


def test_a_draft_never_overwrites(tmp_path: Path, database: str) -> None:
    (tmp_path / "shop.toml").write_text("mine")

    result = run(tmp_path, "new", "sql", "shop", "--to", str(tmp_path / "shop.toml"), url=database)

    assert (result.exit_code, (tmp_path / "shop.toml").read_text()) == (2, "mine")


@pytest.mark.parametrize("source", ["{}", "[1]", "not json"])
def test_a_sample_without_rows_is_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "sample.json").write_text(source)

    result = run(tmp_path, "new", "rest", "crm", "--from", str(tmp_path / "sample.json"), "--to", str(tmp_path / "c"))

    assert result.exit_code == 2
    assert "sample.json" in result.stderr


def test_list_shows_what_each_can_and_who_must_answer(folder: Path) -> None:  # noqa: F811  # the fixture
    shutil.copy(Path(products.__path__[0]) / "register.toml", folder / "register.toml")

    result = run(folder, "list", "--json")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    business = next(line for line in lines if line.get("system") == "business")
    asked = {line["fact"] for line in lines if line.get("of") == "register A2"}
    assert business["abilities"] == ["search", "update", "erase", "suppress"]
    assert asked == {"recipients: Ekonomiansvarig: redovisningsbyrå, revisor, arkivleverantör"}
    assert "Facts that are missing" in run(folder, "list").stdout


def test_check_finds_the_canary_and_says_what_it_may_change(folder: Path) -> None:  # noqa: F811
    result = run(folder, "check", "business", "--json")

    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["canary"]) == (0, True, "found")
    customer = said["objects"][0]
    assert any(by.startswith("email in ") for by in customer["by"])
    assert customer["changes"]


def test_check_tells_that_the_canary_is_gone(folder: Path) -> None:  # noqa: F811
    declaration = folder / "business.toml"
    text = declaration.read_text("utf-8")
    canary = next(line for line in text.splitlines() if line.startswith("canary"))
    declaration.write_text(text.replace(canary, 'canary = {type = "email", value = "nobody@example.invalid"}'), "utf-8")

    result = run(folder, "check", "business")

    assert result.exit_code == 1
    assert "the canary person is not found" in result.stdout


def test_check_of_an_unknown_system_names_the_known(folder: Path) -> None:  # noqa: F811
    result = run(folder, "check", "nosuch")

    assert (result.exit_code, "business" in result.stderr) == (2, True)


def test_a_product_is_copied_with_its_section_for_the_settings(tmp_path: Path) -> None:
    result = run(tmp_path, "new", "product", "fortnox", "--to", str(tmp_path / "erp.toml"))

    assert result.exit_code == 0, result.output
    assert load_declaration(tmp_path / "erp.toml").name == "fortnox"
    assert f"[system.fortnox]\nconnector = rest\ndeclaration = {tmp_path / 'erp.toml'}" in result.stdout


def test_a_product_that_nobody_declared_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    result = run(tmp_path, "new", "product", "../register", "--to", str(tmp_path / "x.toml"))

    assert result.exit_code == 2
    assert "46elks, apsis, brevo" in result.stderr
    assert not (tmp_path / "x.toml").exists()
