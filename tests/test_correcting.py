"""A line of a plan that a person changes, or that a system refuses; what is emptied and not erased."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from office import Office, open_office

from dsar.casework import answering, approving, changing, duties, identifying, searching
from dsar.casework.facts import current_plan
from dsar.cli import main
from dsar.errors import NotPermittedError
from dsar.lifecycle import State
from dsar.model import PlanStep, Right
from dsar.store.tables import Request
from dsar.wiring import open_session

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SENDER = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.receive(SENDER, ERASE)
        now = datetime.now(UTC)
        identifying.identify(opened.app, 1, now=now)
        searching.collect(opened.app, 1, attempt=1, now=now)
        yield opened


def plan(office: Office) -> list[PlanStep]:
    with office.app.store.transaction() as tx:
        return list(current_plan(office.app, tx, tx.case_by_id(1), Right.ERASE))


def number_of(office: Office, object_: str) -> str:
    return str(next(number for number, step in enumerate(plan(office), 1) if step.object == object_))


def run(office: Office, *arguments: str, actor: str = "anna") -> Result:
    settings = str(office.app.settings.file)
    return CliRunner(env={"DSAR_ACTOR": actor, "COLUMNS": "100"}).invoke(main, ["--settings", settings, *arguments])


def letter(office: Office) -> str:
    (request,) = office.requests()
    return answering.show(office.app, office.only_case(), request, actor="bo", now=datetime.now(UTC)).letter.text


def approve_and_apply(office: Office, actor: str = "bo") -> Request:
    now = datetime.now(UTC)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor=actor, now=now)
    approving.approve(office.app, office.only_case(), request, actor=actor, now=now)
    changing.apply(office.app, request.id or 0, now=now)
    return office.requests()[0]


def business(office: Office, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.data / "business.db") as connection:
        return connection.execute(statement).fetchall()


# ------------------------------------------------------------------------------------------------------ a form


def test_the_plan_reads_like_a_form(office: Office) -> None:
    form = run(office, "show", "D-2026-00001", "--plan").output

    web, business_system = form.index("The web shop (webshop)"), form.index("The business system (business)")
    assert web < business_system, "the business system, which others refer to, comes last"
    assert "Invoice F26-0102: keep until 2033-12-31" in form
    assert "Ground: the Swedish Bookkeeping Act (1999:1078), chapter 7 section 2" in form
    assert "Reason: accounting records, which we are obliged to keep" in form
    assert "In all: " in form


def test_the_plan_tells_what_of_an_emptied_record_stays_for_a_person_to_judge(office: Office) -> None:
    """Recital 26: a rare combination tells its person without a name; only a person can see that."""
    form = " ".join(run(office, "show", "D-2026-00001", "--plan").output.split())

    assert "Stays, unless so rare that it tells whose it was: Customer number, Type of customer" in form


def test_an_emptied_record_to_which_a_kept_invoice_leads_is_not_called_erased(office: Office) -> None:
    """Art. 4(5): the invoice bears the customer number and the name, so the number alone still names the person."""
    text = letter(office)

    erased, _, rest = text.partition("Emptied:")
    emptied, _, kept = rest.partition("Kept:")
    assert "Customer" not in erased.partition("Erased by")[2]
    assert "Customer or contact person" in emptied
    assert "do not call them erased" in " ".join(emptied.split())
    assert "Invoice" in kept


def test_an_emptied_record_to_which_nothing_leads_is_erased(office: Office) -> None:
    business(office, "DELETE FROM invoices WHERE customer_no = 'K20002'")
    run(office, "reject", "D-2026-00001", "--reason", "anew")
    searching.search_again(office.app, office.only_case(), actor="anna", now=datetime.now(UTC))
    searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC))

    text = letter(office)

    assert "Emptied:" not in text
    assert "Customer or contact person" in text.partition("Erased by")[2]


# ------------------------------------------------------------------------------- what stays and could tell the person


@pytest.fixture
def rare(tmp_path: Path) -> Iterator[Office]:
    """The business system, whose customers may be told by the day on which they were entered."""
    with open_office(tmp_path):
        pass
    declaration = tmp_path / "data" / "business.toml"
    text = declaration.read_text("utf-8").replace('source = ""}}', 'source = ""}, rare = {columns = ["created_on"]}}')
    declaration.write_text(text, "utf-8")
    with open_session(tmp_path / "settings.ini") as session:
        opened = Office(session, tmp_path)
        business(opened, "DELETE FROM invoices WHERE customer_no = 'K20002'")
        opened.receive(SENDER, ERASE)
        identifying.identify(opened.app, 1, now=datetime.now(UTC))
        searching.collect(opened.app, 1, attempt=1, now=datetime.now(UTC))
        yield opened


ENTERED = "Remove or make more general what can show whom the record was about: Created."


def test_what_could_tell_the_person_is_a_line_of_the_plan_and_the_letter_calls_nothing_erased(rare: Office) -> None:
    form = " ".join(run(rare, "show", "D-2026-00001", "--plan").output.split())
    text = " ".join(letter(rare).split())

    assert f"a person does it Reason: {ENTERED}" in form
    emptied = text.partition("Emptied:")[2]
    assert "The record is emptied, but what remains can show that it was about you." in form
    assert "Customer or contact person" in emptied.partition("do not call them erased")[0]
    assert approve_and_apply(rare).state == State.DISPATCHING
    assert ("customer", "by_hand") in {(each.object, each.kind) for each in duties.open_duties(rare.app)}


def test_somebodys_word_that_it_tells_nobody_is_kept_with_its_reason(rare: Office) -> None:
    harmless = ("correct", "D-2026-00001", number_of(rare, "customer"), "--harmless")
    assert run(rare, *harmless).exit_code == 2

    result = run(rare, *harmless, "--reason", "all customers of the old register got that day")

    assert result.exit_code == 0, result.output
    assert [step.action for step in plan(rare) if step.object == "customer"] == ["anonymise"]
    assert "Emptied:" not in letter(rare)
    assert "all customers of the old register got that day" in run(rare, "show", "D-2026-00001", "--timeline").output
    with pytest.raises(NotPermittedError):
        approve_and_apply(rare, actor="anna")


def test_the_same_word_says_nothing_about_other_lines(rare: Office) -> None:
    result = run(rare, "correct", "D-2026-00001", number_of(rare, "note"), "--harmless", "--reason", "r")

    assert result.exit_code == 2


# -------------------------------------------------------------------------------------------------- a person's word


def test_a_claim_that_staff_know_of_keeps_a_record_and_the_letter_says_so(office: Office) -> None:
    result = run(
        office, "correct", "D-2026-00001", number_of(office, "note"), "--keep", "--law",
        "Art. 17(3)(e) GDPR, claim 2026-17", "--until", "2027-06-30", "--reason", "needed for a claim about the rental",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    text = " ".join(letter(office).split())
    assert "needed for a claim about the rental (Art. 17(3)(e) GDPR, claim 2026-17)" in text
    assert "30 June 2027" in text
    approve_and_apply(office)
    assert business(office, "SELECT count(*) FROM notes WHERE customer_no = 'K20002'") == [(1,)]
    owed = {(each.object, each.due_on.isoformat()) for each in duties.open_duties(office.app)}
    assert ("note", "2027-07-01") in owed


def test_what_no_law_keeps_by_a_persons_word_is_erased(office: Office) -> None:
    run(office, "correct", "D-2026-00001", number_of(office, "invoice"), "--erase", "--reason", "a test invoice")

    approve_and_apply(office)

    assert business(office, "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(1,)]


def test_a_line_left_to_a_person_is_a_task_and_its_word_can_be_taken_back(office: Office) -> None:
    before = plan(office)
    number = number_of(office, "equipment")
    run(office, "correct", "D-2026-00001", number, "--task", "--reason", "the rental runs")
    assert [step.action for step in plan(office) if step.object == "equipment"] == ["task"]

    run(office, "correct", "D-2026-00001", number, "--undo")

    assert plan(office) == before


def test_who_changed_a_line_does_not_approve_it_alone(office: Office) -> None:
    run(office, "correct", "D-2026-00001", "1", "--task", "--reason", "let me do it", actor="bo")

    with pytest.raises(NotPermittedError):
        approve_and_apply(office, actor="bo")


def test_a_changed_line_voids_what_was_shown(office: Office) -> None:
    letter(office)
    run(office, "correct", "D-2026-00001", "1", "--task", "--reason", "by hand")

    result = run(office, "approve", "D-2026-00001", actor="bo")

    assert (result.exit_code, "not seen its letter as it is now" in result.output) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("1",),
        ("1", "--task"),
        ("1", "--keep", "--reason", "r"),
        ("1", "--erase", "--reason", "r", "--law", "l", "--until", "2027-01-01"),
        ("99", "--task", "--reason", "r"),
        ("1", "--undo"),
    ],
)
def test_half_a_word_is_a_mistake(office: Office, arguments: tuple[str, ...]) -> None:
    assert run(office, "correct", "D-2026-00001", *arguments).exit_code == 2


# ------------------------------------------------------------------------------------------------ a system's refusal


def refuse(office: Office) -> None:
    business(
        office,
        "CREATE TRIGGER no_change BEFORE UPDATE ON customers BEGIN SELECT RAISE(ABORT, 'open rental'); END",
    )


def test_a_refused_step_becomes_a_line_for_a_person(office: Office) -> None:
    refuse(office)

    request = approve_and_apply(office)

    assert request.state == State.SEARCHING
    searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC))
    lines = {step.object: step for step in plan(office)}
    assert lines["customer"].action == "task"
    assert "does not allow it yet" in (lines["customer"].reason.en if lines["customer"].reason else "")
    assert approve_and_apply(office).state == State.DISPATCHING


def test_other_systems_go_on_where_one_refuses(office: Office) -> None:
    refuse(office)

    approve_and_apply(office)

    with sqlite3.connect(office.data / "webshop.db") as connection:
        (left,) = connection.execute("SELECT count(*) FROM accounts WHERE email LIKE 'john.whit%'").fetchone()
    assert left == 0


def test_a_refused_step_is_tried_again_on_a_persons_word(office: Office) -> None:
    refuse(office)
    approve_and_apply(office)
    business(office, "DROP TRIGGER no_change")
    searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC))

    run(office, "correct", "D-2026-00001", number_of(office, "customer"), "--again", "--reason", "the rental has ended")

    assert approve_and_apply(office).state == State.DISPATCHING
    assert business(office, "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(0,)]
