"""dsar triage, as a person at the terminal sees it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dsar.cli import main

MAIL = b"From: Anna Ek <anna.ek@example.se>\nMessage-ID: <1@x>\n\nJag vill ha ett registerutdrag.\n"
KEYS = [
    "file", "disposition", "requests", "language", "subject_name", "requester", "identifiers", "subjects", "changes",
    "flags", "sender_authentication", "needs_person", "reasons",
]  # fmt: skip


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["triage", *arguments], input=stdin)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    return path


def test_json_is_one_line_with_the_documented_keys(mail: Path) -> None:
    result = run("--json", str(mail))
    (line,) = result.output.splitlines()
    assert list(json.loads(line)) == KEYS


def test_requests_carry_their_evidence(mail: Path) -> None:
    (request,) = json.loads(run("--json", str(mail)).output)["requests"]
    assert list(request) == ["type", "portability", "evidence", "reason"]
    assert (request["type"], request["evidence"]) == ("access", "Jag vill ha ett registerutdrag.")


def test_dash_reads_standard_input() -> None:
    assert json.loads(run("--json", "-", stdin=MAIL).output)["file"] == "-"


def test_unreadable_file_is_named_and_others_are_still_read(mail: Path, tmp_path: Path) -> None:
    result = run("--json", str(tmp_path / "missing.eml"), str(mail))
    assert result.exit_code == 1
    assert "missing.eml: No such file or directory." in result.stderr
    assert json.loads(result.stdout)["disposition"] == "request"


def test_malformed_mail_is_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty.eml"
    empty.write_bytes(b"")
    result = run(str(empty))
    assert (result.exit_code, result.stderr) == (1, f"{empty}: The mail cannot be read: it is empty.\n")


def test_summary_is_for_people(mail: Path) -> None:
    output = run(str(mail)).output
    assert "request (sv, by self)" in output
    assert "access: Jag vill ha ett registerutdrag." in output


def test_why_lists_the_rules(mail: Path) -> None:
    assert "names the right of access" in run("--why", str(mail)).output
