"""What staff read, in Swedish and English."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from dsar import locale
from dsar.cli.words import METHODS, reason_told
from dsar.clock import Extension, Question, QuestionKind, run
from dsar.errors import CoverageError
from dsar.identity import CheckMethod, IdentityCheck, assess
from dsar.locale import said, tell, tell_again
from dsar.mime import read_mail
from dsar.model import Identifier, IdentifierType, Right, SenderAuthentication
from dsar.triage import triage

ROOT = Path(__file__).parents[1]


def _gathering() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gather_texts", ROOT / "docs" / "gather_texts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gathering = _gathering()


@pytest.fixture
def swedish() -> Iterator[None]:
    """The interface in Swedish, for one test."""
    locale.speak({"LANG": "sv_SE.UTF-8"})
    yield
    locale.speak({})


def dsar(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "dsar", *arguments],
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# ------------------------------------------------------------------------------------------------- the catalogue


def test_every_text_has_a_translation() -> None:
    """What is missing is named; `make translations` puts it into the .po, where its Swedish is to be written."""
    missing = gathering.missing(gathering.catalogue(gathering.stored()))
    assert missing == [], f"no Swedish for {missing}: run 'make translations', and fill in {gathering.PO}"


def test_catalogue_holds_todays_texts_and_is_compiled() -> None:
    """Else run `make translations`."""
    made = gathering.catalogue(gathering.stored())
    assert gathering.written(made) == gathering.PO.read_bytes()
    assert gathering.compiled(made) == gathering.MO.read_bytes()


def test_translations_have_the_places_of_their_texts() -> None:
    """{case} and the like would else be lost, or stop the program."""
    pairs = [
        (text, form)
        for message in gathering.stored()
        if message.id
        for text, form in zip(_forms(message.id), _forms(message.string), strict=True)
    ]
    assert [pair for pair in pairs if len({tuple(sorted(re.findall(r"{[^}]*}", text))) for text in pair}) > 1] == []


def _forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


def test_translations_keep_the_commands_that_are_to_be_typed() -> None:
    wrong = {}
    for message in gathering.stored():
        if isinstance(message.id, str):
            commands = re.findall(r"'dsar [a-z]+|--[a-z-]+", message.id)
            if sorted(commands) != sorted(re.findall(r"'dsar [a-z]+|--[a-z-]+", message.string)):
                wrong[message.id] = message.string
    assert wrong == {}


# ------------------------------------------------------------------------------------------------- what is printed


_PRINTS = {"click.echo", "click.prompt", "click.confirm"}


def _untold(path: Path) -> Iterator[str]:
    """Sentences that a module prints without having them translated."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _PRINTS and node.args:
            literal = node.args[0]
            parts = literal.values if isinstance(literal, ast.JoinedStr) else [literal]
            words = " ".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
            if re.search(r"[A-Za-z]{3,} +[A-Za-z]{2,}", words):
                yield f"{path.name}:{node.lineno}: {words!r}"


def test_commands_of_staff_print_no_sentence_past_the_catalogue() -> None:
    """say(), ask() and _() translate; click.echo() prints what is no sentence."""
    modules = [
        each for each in (ROOT / "dsar/cli").glob("*.py") if each.stem not in gathering.MODULES_OF_ADMINISTRATION
    ]
    assert [line for path in modules for line in _untold(path)] == []


@pytest.mark.parametrize(
    ("environ", "first"),
    [
        ({"LANG": "sv_SE.UTF-8"}, "Svara den som frågar"),
        ({"LC_ALL": "sv_FI.UTF-8", "LANG": "en_GB.UTF-8"}, "Svara den som frågar"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:sv:en"}, "Svara den som frågar"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "en:sv"}, "Answer people who ask"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "sv"}, "Answer people who ask"),
        ({}, "Answer people who ask"),
    ],
)
def test_language_is_that_of_the_locale(environ: Mapping[str, str], first: str) -> None:
    assert dsar("--help", PYTHONUTF8="1", **environ).stdout.splitlines()[2].strip().startswith(first)


def test_help_of_commands_options_and_click_is_swedish() -> None:
    shown = dsar("task", "answer", "--help", LANG="sv_SE.UTF-8", PYTHONUTF8="1").stdout
    assert "Användning:" in shown
    assert "Skriv ner vad en kollega svarade" in shown
    assert "De har inget om personen." in shown
    assert "Visa den här hjälpen och avsluta." in shown


def test_json_is_the_same_in_every_language() -> None:
    arguments = ("clock", "2026-11-25", "--json")
    assert dsar(*arguments, LANG="sv_SE.UTF-8").stdout == dsar(*arguments, LANG="C.UTF-8").stdout


# ------------------------------------------------------------------------------------------------- finished sentences


@pytest.mark.usefixtures("swedish")
def test_an_error_is_told_in_swedish_with_what_is_within_it() -> None:
    error = CoverageError("D-2026-00001", [said("system {name} was not searched", name="crm")])
    assert tell(error.args[0]) == "D-2026-00001 kan inte godkännas: systemet crm är inte genomsökt."
    assert str(error) == "D-2026-00001 cannot be approved: system crm was not searched."


@pytest.mark.usefixtures("swedish")
def test_words_that_are_typed_stay_as_they_are() -> None:
    """A right in a sentence is one that the reader types, although "erase" alone has a translation."""
    assert tell(said("{case}/{right} has no approved change that could go on.", case="D-1", right="erase")) == (
        "D-1/erase har ingen godkänd ändring som kunde gå vidare."
    )


def test_a_finished_sentence_is_an_ordinary_text() -> None:
    assert said("system {name} was not searched", name="crm") == "system crm was not searched"


# --------------------------------------------------------------------------------------- what was kept in English


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("bo recorded it.", "bo har antecknat det."),
        ("bo has seen the mandate (god_man).", "bo har sett behörigheten (god_man)."),
        ("The sender's address is not on file.", "Avsändarens adress finns inte i registren."),
        ("signed by example.com, example.se", "signerat av example.com, example.se"),
        ("a sentence of the version before", "a sentence of the version before"),
    ],
)
def test_a_kept_sentence_is_told_again(kept: str, told: str) -> None:
    assert tell_again(kept) == told


def test_a_kept_sentence_stays_in_english() -> None:
    assert tell_again("bo recorded it.") == "bo recorded it."


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("access: asks what we hold (wanted)", "tillgång (art. 15): frågar vad vi har (begärs)"),
        ("request: it exercises a right", "begäran: det utövar en rättighet"),
        ("a person decides: no rule knows what it is", "en person avgör: ingen regel vet vad det är"),
        ("certain to 83% only", "bara säkert till 83%"),
        ("flags: look_alike, threat", "Flaggor: look_alike, threat"),
    ],
)
def test_why_a_mail_was_sorted_so_is_told_in_swedish(reason: str, told: str) -> None:
    assert reason_told(reason) == told


@pytest.mark.usefixtures("swedish")
def test_no_reason_of_the_corpus_is_left_in_english() -> None:
    """Reasons are kept in English; `DOUBTS` of dsar.cli.words names those that are in no table of triage."""
    results = [
        triage(read_mail(path.read_bytes()), sender_authentication=SenderAuthentication.NONE)
        for path in (ROOT / "tests" / "mails").glob("*.eml")
    ]
    told = {reason: reason_told(reason) for result in results for reason in result.reasons}
    told |= {sign: tell_again(sign) for result in results for sign in result.sender_evidence}
    assert len(told) > 40
    assert [reason for reason, swedish in told.items() if swedish == reason] == []


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize("right", Right)
def test_every_step_of_the_clock_is_told_in_swedish(right: Right) -> None:
    """Over a year of receipts, with questions and extensions that count and that do not."""
    told: dict[str, str] = {}
    for received in (date(2026, 1, 1) + timedelta(days=number) for number in range(0, 366, 5)):
        asked = [received + timedelta(days=days) for days in (1, 20)]
        questions = [
            Question(kind=kind, left_on=left, answered_on=answered, grounded=grounded)
            for kind, left, answered, grounded in zip(
                QuestionKind,
                [*asked, asked[0]],
                [asked[0] + timedelta(days=3), None, None],
                [True, True, False],
                strict=True,
            )
        ]
        for extension in (None, Extension(left_on=received), Extension(left_on=received + timedelta(days=60))):
            clock = run(received, right, questions=questions, extension=extension)
            told |= {sentence: tell(sentence) for sentence in clock.explanation}
    assert len(told) > 200
    assert [swedish for sentence, swedish in told.items() if swedish == sentence or " the " in swedish] == []


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize("method", CheckMethod)
def test_what_a_check_shows_is_told_in_swedish(method: CheckMethod) -> None:
    contact = Identifier(type=IdentifierType.EMAIL, value="anna@kund.se")
    check = IdentityCheck(method=method, checked_by="bo", checked_on=date(2026, 11, 25), contact=contact)
    found = assess(sender=None, authentication=SenderAuthentication.NONE, on_file=[contact], checks=[check])
    assert tell_again(str(found.reason)) != found.reason
    assert locale._(METHODS[method]) != METHODS[method]
