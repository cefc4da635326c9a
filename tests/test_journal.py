"""Logs: lines for a machine, and nothing in them that could tell of a person (promise P9)."""

import json
import logging
from collections.abc import Iterator

import pytest

from dsar.cli import journal


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Other tests listen to the loggers, too."""
    loggers = [logging.getLogger(name) for name in ("", "dsar", "connectors")]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    yield
    for each, handlers, level, propagate in before:
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    told: dict[str, object] = json.loads(capsys.readouterr().err)
    return told


def test_a_line_is_one_json_object_with_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    journal.listen(journal.JsonLines(), level=logging.INFO)
    logging.getLogger("dsar.worker").warning("step failed", extra={"step": "search", "subject": 7, "error": "OSError"})
    told = line(capsys)
    assert str(told.pop("at")).endswith("+00:00")
    assert told == {
        "level": "warning",
        "logger": "dsar.worker",
        "message": "step failed",
        "step": "search",
        "subject": 7,
        "error": "OSError",
    }


def test_whatever_else_a_line_is_given_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A value that somebody put into the words, under another key, or into the text of an error."""
    journal.listen(journal.JsonLines(), level=logging.INFO)
    try:
        int("anna.berg@example.com")
    except ValueError:
        logging.getLogger("dsar.poller").exception("lost %s", "anna.berg@example.com", extra={"sender": "anna.berg"})
    told = line(capsys)
    assert (told["message"], told["error"]) == ("lost %s", "ValueError")
    assert "anna" not in json.dumps(told)


@pytest.mark.parametrize("name", ["imapclient", "urllib3", "sqlalchemy.engine", "asyncio"])
def test_libraries_are_not_listened_to(capsys: pytest.CaptureFixture[str], name: str) -> None:
    journal.listen(journal.JsonLines(), level=logging.INFO)
    logging.getLogger(name).error("LOGIN anna.berg@example.com")
    assert capsys.readouterr().err == ""


def test_a_person_reads_the_same_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    journal.listen(journal.Words(), level=logging.WARNING)
    logging.getLogger("dsar.worker").info("not of interest")
    logging.getLogger("dsar.worker").warning("step failed", extra={"step": "search", "error": "OSError"})
    assert capsys.readouterr().err == "Warning: step failed (step search, error OSError)\n"
