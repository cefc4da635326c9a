"""Whoever looks at personal data leaves an event behind (design: every view of personal data is audited)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from office import open_office
from sqlmodel import select

from dsar.casework import identifying, searching
from dsar.cli import main
from dsar.store.tables import EventRow
from dsar.wiring import open_session

PETER = "Peter Sandberg <peter.sandberg@example.se>"
ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nPeter Sandberg\n"
MAYBE = "Hej, jag undrar hur det fungerar med radering av uppgifter hos er?\n"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case in review with a candidate, and a mail that waits for a person."""
    folder, now = tmp_path_factory.mktemp("office"), datetime.now(UTC)
    with open_office(folder, more={"staff.eva": "role = admin\nname = Eva Ek\nemail = eva@xelent.example"}) as office:
        office.receive(PETER, ACCESS, at=now)
        identifying.identify(office.app, 1, now=now)
        searching.collect(office.app, 1, attempt=1, now=now)
        office.receive("Somebody <somebody@example.net>", MAYBE, at=now)
    return folder / "settings.ini"


def events_of(settings: Path, actor: str) -> list[str]:
    with open_session(settings) as session, session.app.store.transaction(read_only=True) as tx:
        return list(tx.session.scalars(select(EventRow.name).where(EventRow.actor == actor)))


#: What is typed, what is typed after it, and something personal that it shows.
_VIEWS = [
    (("show", "CASE"), "", "peter.sandberg@example.se"),
    (("show", "CASE", "--message"), "", "peter.sandberg@example.se"),
    (("show", "CASE", "--data"), "", "Sandberg"),
    (("show", "CASE/access", "--letter"), "", "Sandberg"),
    (("show", "CASE", "--json"), "", "peter.sandberg@example.se"),
    (("show", "M-2", "--message"), "", "somebody@example.net"),
    (("review", "CASE"), "q\n", "peter.sandberg@example.se"),
    (("search", "--email", "peter.sandberg@example.se"), "", "Sandberg"),
    (("audit", "export", "CASE", "--to", "FOLDER"), "", ""),
]


@pytest.mark.parametrize(("typed", "answers", "personal"), _VIEWS, ids=[" ".join(typed) for typed, _, _ in _VIEWS])
def test_a_look_is_recorded_under_the_name_of_who_looked(
    settings: Path, tmp_path: Path, typed: tuple[str, ...], answers: str, personal: str
) -> None:
    with open_session(settings) as session, session.app.store.transaction(read_only=True) as tx:
        case = tx.case_by_id(1).reference
    before = events_of(settings, "eva")

    command = [word.replace("CASE", case).replace("FOLDER", str(tmp_path)) for word in typed]
    done = CliRunner().invoke(
        main, ["--settings", str(settings), *command], input=answers, env={"DSAR_ACTOR": "eva", "COLUMNS": "200"}
    )

    assert (done.exit_code, personal in done.output) == (0, True), done.output
    assert len(events_of(settings, "eva")) > len(before)


@pytest.mark.parametrize("typed", [("queue",), ("queue", "--json"), ("queue", "--filed"), ("stats",), ("duties",)])
def test_what_needs_no_record_shows_nothing_personal(settings: Path, typed: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, ["--settings", str(settings), *typed], env={"DSAR_ACTOR": "eva"})
    assert done.exit_code == 0
    assert [each for each in ("Sandberg", "example.se", "example.net", "Peter") if each in done.output] == []
