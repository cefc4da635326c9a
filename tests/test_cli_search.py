"""`dsar search` over the sample world through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from test_settings import SMALLEST

from connectors import samples
from dsar.cli import main
from dsar.store import Store, migrate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample world, and settings of a single user who may search it."""
    samples.create(tmp_path)
    settings = SMALLEST + "[staff]\nseparation = off\n"
    settings += "[staff.handler]\nrole = handler\nname = Handläggaren\nemail = handler@xelent.example\n"
    for system, (kind, _) in samples.SYSTEMS.items():
        options = "".join(f"{name} = {value}\n" for name, value in samples.options(system, tmp_path).items())
        settings += f"[system.{system}]\nconnector = {kind}\ndeclaration = {system}.toml\n{options}"
    (tmp_path / "settings.ini").write_text(settings, encoding="utf-8")
    (tmp_path / "settings.ini").chmod(0o600)
    store = Store(f"sqlite:///{tmp_path}/dsar.db")
    migrate.upgrade(store.engine)
    store.close()
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner(env={"DSAR_ACTOR": "handler"}).invoke(
        main, ["--settings", str(folder / "settings.ini"), "search", *arguments]
    )


def document(folder: Path, *arguments: str) -> dict[str, Any]:
    result = run(folder, *arguments, "--json")
    assert result.exit_code in {0, 3}, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_json_has_the_promised_form(folder: Path) -> None:
    answer = document(folder, "--customer-no", "k20002", "--system", "business")

    (customer,) = (record for record in answer["records"] if record["object"] == "customer")
    customer["values"] = customer["values"][:2]
    assert answer["systems"] == [{"system": "business", "outcome": "found", "detail": ""}]
    assert customer == {
        "system": "business",
        "object": "customer",
        "key": "K20002",
        "strength": "certain",
        "found_by": {"type": "customer_no", "value": "K20002"},
        "keep_until": None,
        "values": [
            {"path": "customer_no", "label": "Kundnummer", "value": "K20002"},
            {"path": "first_name", "label": "Förnamn", "value": "John"},
        ],
    }


def test_an_invoice_says_until_when_it_is_kept(folder: Path) -> None:
    answer = document(folder, "--email", "John.Whitfield@example.com")

    assert {each["key"]: each["keep_until"] for each in answer["records"] if each["object"] == "invoice"} == {
        "F22-0115": "2029-12-31",
        "F26-0102": "2033-12-31",
    }


def test_namesakes_are_candidates(folder: Path) -> None:
    answer = document(folder, "--name", "Anna Öberg")

    customers = {each["key"]: each["strength"] for each in answer["records"] if each["object"] == "customer"}
    assert customers == {"K20010": "candidate", "K20011": "candidate"}


def test_a_system_that_does_not_answer_ends_with_3_and_the_others_are_shown(folder: Path) -> None:
    (folder / "webshop.db").unlink()

    result = run(folder, "--email", "asa.lindqvist@example.se", "--json")

    assert result.exit_code == 3
    outcomes = {each["system"]: each["outcome"] for each in json.loads(result.stdout)["systems"]}
    assert outcomes == {"business": "found", "webshop": "failed", "office": "found"}


def test_nothing_found_is_an_answer(folder: Path) -> None:
    result = run(folder, "--email", "nobody@example.se")

    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["business", "nothing"],
        ["webshop", "nothing"],
        ["office", "nothing"],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say whom to search for"),
        (("--email", "no address"), "A value of --email cannot be one"),
        (("--email", "a@b.se", "--system", "nosuch"), "No system is called nosuch"),
    ],
)
def test_what_makes_no_sense_ends_with_2(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(folder, *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_the_search_is_audited_without_what_was_searched_for(folder: Path) -> None:
    run(folder, "--email", "asa.lindqvist@example.se")

    with sa.create_engine(f"sqlite:///{folder}/dsar.db").connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, actor, detail FROM event").all()
    assert [(row.name, row.actor) for row in rows] == [("searched_outside_case", "handler")]
    assert "asa" not in rows[0].detail
