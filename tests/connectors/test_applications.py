"""Applications in a folder and in a mailbox: found by what stands in them, kept as long as claims can be made."""

import os
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from postroom import connect, found, mail, value
from servers import DovecotServer

from connectors.applications import criminal_record_in
from connectors.files import FilesEditor
from dsar.declaration import load_declaration, parse_declaration
from dsar.errors import SettingsError
from dsar.model import IdentifierType, StepAction

NUMBER = "191212121212"
CV = "CV\nErik Lindqvist\nPersonnummer: 19121212-1212\nTekniker sedan 1998"
#: The mailboxes of the tests begin with a u; here every one holds applications.
MAILBOXES = (files("connectors.samples") / "mailboxes.toml").read_text("utf-8").replace("*[Aa]nsökningar*", "u*")


def folder_of(tmp_path: Path, name: str, text: str, *, saved: datetime) -> FilesEditor:
    (tmp_path / name).write_text(text, "utf-8")
    os.utime(tmp_path / name, (saved.timestamp(), saved.timestamp()))
    with_sample = load_declaration(Path(str(files("connectors.samples") / "applications.toml")))
    return FilesEditor(name="applications", declaration=with_sample, options={"folder": str(tmp_path), "changes": "on"})


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("POLISMYNDIGHETEN\nUtdrag ur belastningsregistret\nErik Lindqvist", True),
        ("Utdrag ur Belastnings-\nregistret", True),
        ("utdrag_belastningsregistret.pdf\nPolismyndigheten intygar", True),
        ("Extract from the criminal record", True),
        ("Politiet: straffeattest", True),
        ("Jag har haft hög belastning och registrerat allt.", False),
        ("Utdrag ur befolkningsregistret", False),
        ("Skriv in det i kundregistret", False),
    ],
)
def test_an_extract_from_the_criminal_record_is_recognised(text: str, *, is_one: bool) -> None:
    assert bool(criminal_record_in(text)) is is_one


def test_a_cv_in_a_folder_is_found_by_the_personnummer_in_it(tmp_path: Path) -> None:
    connector = folder_of(tmp_path, "lindqvist.txt", CV, saved=datetime(2026, 1, 5, tzinfo=UTC))

    (record,) = found(connector, IdentifierType.PERSONNUMMER, NUMBER)

    assert value(record, "modified") == "2026-01-05"
    assert value(record, "criminal") == ""


def test_an_extract_in_a_folder_is_told_as_one(tmp_path: Path) -> None:
    text = f"{CV}\nPolismyndigheten\nUtdrag ur belastningsregistret"
    connector = folder_of(tmp_path, "lindqvist.txt", text, saved=datetime(2026, 1, 5, tzinfo=UTC))

    (record,) = found(connector, IdentifierType.PERSONNUMMER, NUMBER)

    assert [each.value for each in record.values if each.category == "criminal"] == ["utdrag ur belastningsregistret"]


def test_a_cv_attached_to_a_mail_is_found_by_the_personnummer_in_it(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    extract = b"Utdrag ur belastningsregistret, Polismyndigheten"
    dovecot_server.append(mail("Se CV", attached=[("cv.txt", CV.encode()), ("utdrag.txt", extract)]), mail_user)

    (record,) = found(connect(dovecot_server, mail_user, declaration=MAILBOXES), IdentifierType.PERSONNUMMER, NUMBER)

    assert record.object == "application"
    assert [each.name for each in record.documents] == ["cv.txt", "utdrag.txt"]
    assert value(record, "criminal") == "utdrag ur belastningsregistret"


@pytest.mark.parametrize(
    ("arrived", "action"),
    [
        ('"26-Nov-2024 12:00:00 +0100"', StepAction.KEEP),
        ('"25-Nov-2024 12:00:00 +0100"', StepAction.KEEP),  # searched on 25 November 2026, its last day
        ('"24-Nov-2024 12:00:00 +0100"', StepAction.ERASE),
    ],
)
def test_an_application_is_kept_for_two_years_and_no_longer(
    dovecot_server: DovecotServer, mail_user: str, arrived: str, action: StepAction
) -> None:
    dovecot_server.append(mail(CV), mail_user, internal_date=arrived)
    connector = connect(dovecot_server, mail_user, declaration=MAILBOXES, changes="on")

    (step,) = connector.plan_erase(found(connector, IdentifierType.PERSONNUMMER, NUMBER))

    assert step.action is action
    if action is StepAction.KEEP:
        assert "diskrimineringslagen" in step.law.sv
        assert "rättsliga krav" in step.reason.sv


def test_the_erased_document_is_gone_from_the_folder(tmp_path: Path) -> None:
    connector = folder_of(tmp_path, "lindqvist.txt", CV, saved=datetime(2024, 1, 5, tzinfo=UTC))
    (step,) = connector.plan_erase(found(connector, IdentifierType.PERSONNUMMER, NUMBER))

    connector.apply(step, key="case-1")

    assert connector.verify(step).done
    assert not (tmp_path / "lindqvist.txt").exists()


def test_applications_that_do_not_look_for_extracts_are_no_declaration() -> None:
    text = (files("connectors.samples") / "applications.toml").read_text("utf-8")
    without = "\n".join(line for line in text.splitlines() if 'column = "criminal"' not in line)

    with pytest.raises(SettingsError, match="applications need the column criminal"):
        parse_declaration(without, source="test")
