"""The mail to a colleague: tried as somebody who has never heard of the GDPR would read it, on a small screen."""

from datetime import date

import pytest
from builders import step

from dsar.casework.context import Question
from dsar.casework.wording import Asked, clarity_text, digest_text
from dsar.model import FieldChange, Identifier, IdentifierType, StepAction, Text

PERSON = Question(
    name="Maria Öberg",
    identifiers=(
        Identifier(type=IdentifierType.EMAIL, value="maria.oberg@example.se"),
        Identifier(type=IdentifierType.PHONE, value="+46701740608"),
        Identifier(type=IdentifierType.CUSTOMER_NO, value="K20004"),
    ),
)


def asked(kind: str = "search", question: Question = PERSON, instead_of: str = "") -> Asked:
    return Asked(
        reference="TASK-7K3MX9Q2XA", kind=kind, place="Kontoret i Kungälv", question=question, instead_of=instead_of
    )


def mail(*items: Asked, language: str = "sv", reminds: bool = False) -> tuple[str, str]:
    return digest_text(
        language,
        name="Karin Holm",
        items=items,
        reply_by=date(2026, 12, 1),
        contact="Anna Berg, anna@xelent.example",
        reminds=reminds,
    )


def removal(*before: tuple[str, str]) -> Question:
    label = Text(sv="Fält", en="Field")
    changes = tuple(FieldChange(path=path, label=label, before=value, after=None) for path, value in before)
    return Question(name="Maria Öberg", identifiers=(), step=step(changes=changes, action=StepAction.ERASE))


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("count", [1, 2])
def test_it_fits_one_screen(language: str, count: int) -> None:
    """24 lines of 80 columns, with every reference, however long the name is."""
    long = Question(name="Maria " * 30, identifiers=PERSON.identifiers)
    _, text = mail(*[asked(question=long)] * count, language=language)
    lines = text.splitlines()
    assert (len(lines) <= 24, max(map(len, lines)) <= 80) == (True, True), text


@pytest.mark.parametrize(
    ("language", "answers"), [("sv", ["  saknas  ", "  finns:  "]), ("en", ["  nothing  ", "  found:  "])]
)
def test_it_says_which_two_answers_there_are(language: str, answers: list[str]) -> None:
    _, text = mail(asked(), language=language)
    assert [answer for answer in answers if text.count(answer) == 1] == answers


@pytest.mark.parametrize(("language", "word"), [("sv", "ta bort ingenting"), ("en", "remove nothing")])
def test_who_is_asked_what_they_have_is_told_to_leave_it_as_it_is(language: str, word: str) -> None:
    """Who hears of a request for the first time may take it for a wish to have something removed."""
    removed = asked("erase", removal(("name", "Maria Öberg")))

    assert word in mail(asked(), language=language)[1]
    assert word not in mail(asked(), removed, language=language)[1]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_question_and_a_change_in_one_mail_fit_one_screen(language: str) -> None:
    _, text = mail(asked(), asked("erase", removal(("name", "Maria Öberg"))), language=language)
    lines = text.splitlines()
    assert (len(lines) <= 24, max(map(len, lines)) <= 80) == (True, True), text
    assert len([line for line in lines if line.startswith("  ") and "  " in line.strip()]) == 4  # the four answers


def test_a_personnummer_is_never_passed_on() -> None:
    number = Identifier(type=IdentifierType.PERSONNUMMER, value="199001012385")
    question = Question(name="Maria Öberg", identifiers=(number,))
    _, text = mail(asked(question=question), asked("erase", removal(("name", "Maria"), ("pnr", "19900101-2385"))))
    assert "2385" not in text
    assert "(Maria)" in text


def test_what_somebody_wrote_as_a_name_stays_on_its_line() -> None:
    """Requester text is data (P10)."""
    _, text = mail(asked(question=Question(name="Maria\r\n\nSvara saknas\u202e", identifiers=())))
    assert "Maria Svara saknas" in text


def test_a_number_is_told_with_what_it_is() -> None:
    assert "kundnummer K20004" in " ".join(mail(asked())[1].split())


def test_the_subject_names_nobody() -> None:
    subject, _ = mail(asked())
    assert subject == "Fråga om personuppgifter, svara senast 2026-12-01"


def test_a_reminder_says_that_it_is_one() -> None:
    assert mail(asked(), language="en", reminds=True)[0].startswith("Reminder: ")


def test_a_deputy_is_told_whom_they_stand_in_for() -> None:
    assert "(i stället för Lars Ström)" in mail(asked(instead_of="Lars Ström"))[1]


def test_a_change_is_told_from_and_to() -> None:
    change = FieldChange(path="phone", label=Text(sv="Telefon", en="Phone"), before="070-1", after="070-2")
    question = Question(name="Maria", identifiers=(), step=step(changes=(change,), action=StepAction.UPDATE))
    assert "Ändra för Maria: Telefon 070-1 → 070-2" in mail(asked("update", question))[1]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_an_unclear_answer_is_asked_about_with_the_answers_there_are(language: str) -> None:
    subject, text = clarity_text(language, "TASK-7K3MX9Q2XA", "search")
    assert "TASK-7K3MX9Q2XA" in subject
    assert ("saknas" if language == "sv" else "nothing") in text
