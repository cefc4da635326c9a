"""Tasks of colleagues inside: what is stored of them, who may be asked, and how they end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import Server
from office import Office, open_office
from sqlmodel import col, select

from dsar.casework import desks, digests, identifying, protecting, purging, searching, tasks
from dsar.casework.context import PROGRAM, question_of
from dsar.errors import SettingsError, UsageError
from dsar.lifecycle import State
from dsar.model import IdentifierType
from dsar.settings import ColleagueSection, Settings
from dsar.store.tables import OutboxRow, Task, TaskMail

SENDER = "Maria Öberg <maria.oberg@example.se>"
REQUEST = "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"
NOW = datetime.now(UTC)

PEOPLE = {
    "system.branch": "connector = manual\ndeclaration = data/branch.toml\nowner = karin@xelent.example",
    "colleague.karin": "name = Karin Holm\nemail = karin@xelent.example\ndeputy = lars",
    "colleague.lars": "name = Lars Ström\nemail = lars@xelent.example",
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, more=PEOPLE) as opened:
        yield opened


def received(office: Office, sender: str = SENDER, text: str = REQUEST, case: int = 1) -> Task:
    """Let somebody ask, and search for them; the task that this makes."""
    office.receive(sender, text)
    identifying.identify(office.app, case, now=NOW)
    searching.collect(office.app, case, attempt=1, now=NOW)
    return open_tasks(office)[-1]


def open_tasks(office: Office) -> list[Task]:
    with office.app.store.transaction() as tx:
        return [task for task, _ in tx.tasks_in(desks.UNANSWERED)]


def mails_about(office: Office, task: Task) -> list[OutboxRow]:
    query = select(OutboxRow).join(TaskMail, col(TaskMail.outbox_id) == OutboxRow.id).where(TaskMail.task_id == task.id)
    with office.app.store.transaction(read_only=True) as tx:
        return list(tx.session.exec(query))


def write(office: Office, task: Task, now: datetime = NOW) -> None:
    """What the step does that writes to a colleague."""
    digests.ask(office.app, task.id or 0, outbox=office.session.tools.outbox, now=now)


# ------------------------------------------------------------------------------------------------------- what is kept


@pytest.mark.sqlite_file
def test_the_question_is_sealed_and_its_reference_cannot_be_guessed(office: Office, tmp_path: Path) -> None:
    task = received(office)
    write(office, task)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("dsar.db*"))
    assert not any(secret.encode() in stored for secret in ("Maria", "maria.oberg", "karin@", "Karin"))
    assert desks.REFERENCE.fullmatch(task.reference)


def test_the_question_holds_no_personnummer(office: Office) -> None:
    task = received(office, text=f"Mitt personnummer är 19900101-2385.\n{REQUEST}")
    asked = question_of(office.app, office.only_case(), task).identifiers
    assert IdentifierType.PERSONNUMMER not in {each.type for each in asked}


def test_a_second_search_asks_nobody_again(office: Office) -> None:
    received(office)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    assert len(open_tasks(office)) == 1


def test_nobody_is_asked_for_a_case_that_has_ended_until_it_is_reopened(office: Office) -> None:
    task = received(office)
    (request,) = office.requests()
    office.force(request, state=State.CLOSED, closed_at=NOW, outcome="withdrawn")
    write(office, task)
    assert open_tasks(office)[0].asked_at is None

    office.force(request, state=State.SEARCHING, closed_at=None, outcome=None)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    with office.app.store.transaction() as tx:
        assert "ask" in {work.step for work in tx.work()}
    write(office, task)
    assert open_tasks(office)[0].asked_at is not None


def test_an_answer_is_to_what_was_read_and_not_to_what_became_known_after(office: Office) -> None:
    """A question that has left is not changed: what is new is asked in another one (P5)."""
    write(office, received(office))
    office.receive(SENDER, f"Jag har också adressen maria@annan.example. {REQUEST}")
    searching.collect(office.app, 1, attempt=1, now=NOW)
    first, second = open_tasks(office)
    case = office.only_case()
    assert "maria@annan.example" not in {each.value for each in question_of(office.app, case, first).identifiers}
    assert [each.value for each in question_of(office.app, case, second).identifiers] == ["maria@annan.example"]


def test_what_becomes_known_later_is_added_to_an_open_question_and_asked_of_who_has_answered(office: Office) -> None:
    task = received(office)
    office.receive(SENDER, f"Jag har också adressen maria@annan.example. {REQUEST}")
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (current,) = open_tasks(office)
    assert "maria@annan.example" in {
        each.value for each in question_of(office.app, office.only_case(), current).identifiers
    }

    tasks.answer(office.app, task, word=desks.NOTHING, by=None, actor="anna", now=NOW)
    office.receive(SENDER, f"Jag har också adressen maria@tredje.example. {REQUEST}")
    searching.collect(office.app, 1, attempt=1, now=NOW)

    (again,) = open_tasks(office)
    assert [each.value for each in question_of(office.app, office.only_case(), again).identifiers] == [
        "maria@tredje.example"
    ]


def test_two_machines_write_one_mail_a_day(tmp_path: Path, postgresql: Server) -> None:
    database = f"url = {postgresql.new_database()}\ncreate = on"
    branch = "connector = manual\ndeclaration = data/branch.toml\nowner = karin@xelent.example"
    with open_office(tmp_path, more={**PEOPLE, "system.cellar": branch, "database": database}) as office:
        received(office)
        both = open_tasks(office)
        with ThreadPoolExecutor(len(both)) as machines:
            list(machines.map(lambda task: write(office, task), both))

        mails = {mail.id for task in both for mail in mails_about(office, task)}
    assert (len(both), len(mails)) == (2, 1)


# ------------------------------------------------------------------------------------------------------------ its end


def test_what_colleagues_hold_goes_with_the_findings_and_the_rest_with_the_case(office: Office) -> None:
    task = received(office)
    write(office, task)
    tasks.answer(office.app, task, word=desks.HELD, text="Telefon: 0340-555 12", by=None, actor="anna", now=NOW)
    for request in office.requests():
        office.force(request, state=State.CLOSED, closed_at=NOW, outcome="fulfilled")

    purging.purge(office.app, now=NOW + timedelta(days=32))
    with office.app.store.transaction() as tx:
        (answer,) = tx.answers_of(task.id or 0)
    (mail,) = mails_about(office, task)
    assert (answer.sealed_content, mail.sealed_mime, answer.word) == (b"", b"", desks.HELD)
    assert office.app.vault.wrapped_by(f"task_mail:{mail.message_id}") == frozenset()

    purging.purge(office.app, now=NOW + timedelta(days=800))
    with office.app.store.transaction() as tx:
        assert tx.tasks_of(1) == []


# ------------------------------------------------------------------------------------------------------- who is asked


def test_about_a_person_with_protected_identity_no_mail_goes_out(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    identifying.identify(office.app, 1, now=NOW)
    protecting.protect(office.app, office.only_case(), on=True, reason="hot", actor="bo", now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)

    (task,) = open_tasks(office)
    assert (task.state, task.why) == (desks.PERSON, protecting.PROTECTED)
    write(office, task)
    assert mails_about(office, task) == []


def section(name: str, *, deputy: str | None = None, absent: bool = False) -> ColleagueSection:
    days = frozenset({NOW.date()}) if absent else frozenset()
    return ColleagueSection(name=name, email=f"{name}@xelent.example", deputy=deputy, absent=days)


@pytest.mark.parametrize(
    ("karin", "lars", "away", "asked"),
    [
        (section("karin", deputy="lars"), section("lars"), False, "karin"),
        (section("karin", deputy="lars", absent=True), section("lars"), False, "lars"),
        (section("karin", deputy="lars"), section("lars"), True, "lars"),
        (section("karin", absent=True), section("lars"), False, "karin"),
        (section("karin", deputy="lars", absent=True), section("lars", deputy="karin", absent=True), False, "lars"),
    ],
)
def test_who_is_asked(
    office: Office, karin: ColleagueSection, lars: ColleagueSection, asked: str, *, away: bool
) -> None:
    """The deputy in a known absence, or when the mailbox says so; two who stand in for each other are no circle."""
    chosen = Settings(**vars(office.app.settings) | {"colleagues": {"karin": karin, "lars": lars}})
    to = digests.recipient(chosen, "karin@xelent.example", away=away, today=NOW.date())
    assert to == f"{asked}@xelent.example"


def test_an_open_task_is_never_settled_away(office: Office) -> None:
    """The default is to wait and to block (P5)."""
    task = received(office)
    with pytest.raises(UsageError, match="never skipped"):
        tasks.settle_late(office.app, task, actor="bo", now=NOW)


def test_nobody_is_asked_before_it_is_known_who_asks(office: Office) -> None:
    office.receive("okand@example.net", REQUEST)
    with pytest.raises(UsageError, match="not that far"):
        tasks.add(office.app, office.only_case(), system="branch", to="karin", actor="anna", now=NOW)
    assert open_tasks(office) == []


def test_an_office_without_somebody_to_ask_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    without = {"system.branch": "connector = manual\ndeclaration = data/branch.toml\nowner = nobody@xelent.example"}
    with pytest.raises(SettingsError, match="owner must be the address"), open_office(tmp_path, more=without):
        pass


def test_a_deputy_who_is_nobody_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="there is no other"),
        open_office(tmp_path, more={"colleague.karin": "name = K\nemail = k@xelent.example\ndeputy = karin"}),
    ):
        pass


def test_the_actor_of_what_came_by_mail_is_the_program(office: Office) -> None:
    received(office)
    with office.app.store.transaction() as tx:
        (event,) = [each for each in tx.events(1) if each.name == "task_opened"]
    assert event.actor == PROGRAM
