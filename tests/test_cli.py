"""The command line as a whole: quick to help, clear when called wrongly. Single commands have tests of their own."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from office import open_office

from dsar import __version__
from dsar.cli import COMMANDS, main

#: Each costs tens of milliseconds or more.
SLOW_TO_IMPORT = {
    "sqlalchemy",
    "sqlmodel",
    "pydantic",
    "reportlab",
    "pikepdf",
    "rich",
    "jinja2",
    "cryptography",
    "alembic",
}


def run_dsar(*arguments: str, interpreter_options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *interpreter_options, "-m", "dsar", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_help_and_version_import_nothing_slow(arguments: tuple[str, ...]) -> None:
    run = run_dsar(*arguments, interpreter_options=("-X", "importtime"))
    imported = set(re.findall(r"\|\s+([a-z0-9_]+)", run.stderr))

    assert "click" in imported
    assert imported & SLOW_TO_IMPORT == set()


def test_help_lists_every_command_with_its_line() -> None:
    run = run_dsar("--help")
    words = " ".join(run.stdout.split())

    assert run.returncode == 0
    assert [name for name, entry in COMMANDS.items() if f"{name} {entry.help}" not in words] == []


def test_version_is_the_one_of_the_package() -> None:
    run = run_dsar("--version")

    assert (run.returncode, run.stdout) == (0, f"dsar, version {__version__}\n")


def test_unknown_command_is_a_usage_error() -> None:
    """Exit 2, and stdout stays clean for whoever reads it by program."""
    run = run_dsar("aprove")

    assert (run.returncode, run.stdout) == (2, "")
    assert "No such command 'aprove'" in run.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_row_of_the_table_leads_to_the_command_that_it_describes(name: str) -> None:
    """Same name, and both help texts begin with the same verb."""
    entry = COMMANDS[name]
    command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)

    assert (command.name, (command.help or "").split()[0]) == (name, entry.help.split()[0])


@pytest.mark.parametrize("name", COMMANDS)
def test_command_explains_itself_without_settings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [name, "--help"])

    assert (result.exit_code, result.stderr) == (0, "")


def test_staff_do_not_wait_for_what_a_look_at_the_queue_needs_not() -> None:
    """Each of these costs every command more than a look into the database does."""
    heavy = ("sqlalchemy.dialects.postgresql", "urllib.request", "dsar.redaction", "dsar.declaration", "dsar.mentions")
    program = f"import sys, dsar.cli.queue, dsar.casework.waiting; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_look_at_the_queue_makes_no_classes_of_tables_that_it_does_not_read(tmp_path: Path) -> None:
    """Each takes 3 ms, and a fifth of what the look takes went into those."""
    with open_office(tmp_path) as office:
        office.receive("Maria Öberg <maria.oberg@example.se>", "Jag vill veta vilka personuppgifter ni har om mig.\n")
    look = ["--settings", str(tmp_path / "settings.ini"), "queue"]
    begin = "dsar.store.tables."
    program = f"""
import sys, dsar.cli
dsar.cli.main({look}, standalone_mode=False)
print(*sorted(m.removeprefix({begin!r}) for m in sys.modules if m.startswith({begin!r})))
"""
    environment = os.environ | {"DSAR_ACTOR": "anna"}
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "D-2026-00001/access" in told.stdout
    assert told.stdout.splitlines()[-1] == "audit base cases duties found letters mail tasks work"


def test_who_may_ask_systems_has_made_all_classes_of_tables_before(tmp_path: Path) -> None:
    """Threads ask them, and SQLAlchemy takes no new class while another thread goes through those it has."""
    with open_office(tmp_path):
        pass
    program = f"""
import sys
from pathlib import Path
from dsar.store import tables
from dsar.wiring import open_session
with open_session(Path({str(tmp_path / "settings.ini")!r})):
    print([module for module in tables.LATER if f"{{tables.__name__}}.{{module}}" not in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
