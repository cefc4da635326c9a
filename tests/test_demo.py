"""`dsar demo` as a newcomer meets it: what it says is what lies in its folder, and what it invites to works."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("demo")

DSAR = (sys.executable, "-m", "dsar")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DSAR_")}
SLOWEST_SECONDS = 60


def run(*arguments: str, place: Path, actor: str = "anna") -> subprocess.CompletedProcess[str]:
    """One command of the program, called in *place*."""
    environment = {**ENVIRONMENT, "DSAR_ACTOR": actor}
    return subprocess.run(
        [*DSAR, *arguments], cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A demo that has run."""

    place: Path  #: Where it was called.
    out: str
    exit_code: int
    seconds: float

    @property
    def folder(self) -> Path:
        return self.place / "demo"

    def rows(self, system: str, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "systems" / f"{system}.db")) as database:
            return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    place = tmp_path_factory.mktemp("newcomer")
    began = time.monotonic()
    done = run("demo", place=place)
    return Ran(place=place, out=done.stdout, exit_code=done.returncode, seconds=time.monotonic() - began)


def test_demo_succeeds_within_a_minute(ran: Ran) -> None:
    assert (ran.exit_code, ran.seconds < SLOWEST_SECONDS) == (0, True), ran.out


def test_every_line_fits_on_a_terminal(ran: Ran) -> None:
    """Only the path of this test's Python is longer than a newcomer's."""
    lines = ran.out.replace(sys.executable, "python").splitlines()

    assert [line for line in lines if len(line) > 80] == []


def test_answers_that_it_names_are_pdf_files(ran: Ran) -> None:
    named = re.findall(r"^  (demo/letters/\S+\.pdf)$", ran.out, re.MULTILINE)

    assert len(named) == 2
    assert [(ran.place / name).read_bytes()[:5] for name in named] == [b"%PDF-", b"%PDF-"]


def test_letters_that_it_names_lie_there(ran: Ran) -> None:
    named = re.findall(r"(\S+-letter-\d\.txt)", ran.out)

    assert len(named) == 11
    assert [name for name in named if not (ran.folder / "letters" / name).is_file()] == []


def test_erased_person_is_in_no_table_but_the_kept_vouchers(ran: Ran) -> None:
    found = {
        f"{system}.{table}"
        for system in ("business", "webshop")
        for (table,) in ran.rows(system, "SELECT name FROM sqlite_master WHERE type = 'table'")
        for row in ran.rows(system, f'SELECT * FROM "{table}"')  # noqa: S608  # names from the schema
        if "whitfield" in " ".join(map(str, row)).lower()
    }

    assert found == {"business.invoices", "webshop.orders"}


def test_new_number_stands_in_both_systems(ran: Ran) -> None:
    assert ran.rows("business", "SELECT mobile FROM customers WHERE customer_no = 'K20031'") == [("+46701740688",)]
    assert ran.rows("webshop", "SELECT phone FROM accounts WHERE account_no = 'W1008'") == [("+46701740688",)]


def test_marketing_is_off(ran: Ran) -> None:
    assert ran.rows("business", "SELECT marketing FROM customers WHERE customer_no = 'K20006'") == [(0,)]


def test_queue_shows_what_the_demo_said_is_left(ran: Ran) -> None:
    done = run("--settings", "demo/settings.ini", "queue", "--json", place=ran.place)
    waiting = {(line["reference"], line["waits_for"]) for line in map(json.loads, done.stdout.splitlines())}
    told = re.search(r"^7\..*?^8\.", ran.out, re.MULTILINE | re.DOTALL)

    assert told
    assert {wait for _, wait in waiting} == {"person: verify", "person: sort"}
    assert waiting == set(re.findall(r"^  (\S+-\S+) +(person: \w+)", told[0], re.MULTILINE))


def test_forged_sender_the_machines_and_the_salesman_get_no_mail(ran: Ran) -> None:
    letters = "".join(path.read_text("utf-8") for path in (ran.folder / "letters").glob("*.txt"))
    recipients = set(re.findall(r"^To: (\S+)$", letters, re.MULTILINE))

    assert "maria.oberg@example.se" in recipients
    assert recipients.isdisjoint({"erik.nystrom@example.se", "kim@growthworks.example", "karin.hakansson@example.se"})


def test_secrets_are_readable_by_their_owner_only(ran: Ran) -> None:
    assert (ran.folder / "master.key").stat().st_mode & 0o077 == 0


def test_second_run_makes_the_folder_anew(tmp_path: Path) -> None:
    first = run("demo", place=tmp_path)
    (tmp_path / "demo" / "left-behind").touch()
    second = run("demo", place=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), second.stdout + second.stderr
    assert not (tmp_path / "demo" / "left-behind").exists()


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work")
    done = run("demo", place=tmp_path)

    assert done.returncode == 2
    assert "--folder" in done.stderr
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("library", ["pymap", "aiosmtpd"])
def test_without_its_servers_it_says_what_to_install(library: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules['{library}'] = None; sys.argv = ['dsar', 'demo']; import dsar.__main__ as m; m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == "Error: The mail servers of the demo are not installed: pip install 'dsar[demo]'.\n"
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------------ --keep


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A demo whose servers are up."""

    place: Path
    out: str
    process: subprocess.Popen[str]

    def typed(self) -> str:
        """All that it invites to type, as a script that stops at the first failure."""
        _, _, invitation = self.out.partition("The mail servers stay up")
        return "set -e\n" + "\n".join(line for line in invitation.splitlines() if line.startswith("  "))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    process = subprocess.Popen(
        [*DSAR, "demo", "--keep"], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    out = ""
    while "Letters that are sent appear in" not in out:
        line = process.stdout.readline()
        assert line, f"it ended early:\n{out}"
        out += line
    try:
        yield Kept(place=tmp_path, out=out, process=process)
    finally:
        process.kill()
        process.wait()


def test_what_it_invites_to_works(kept: Kept) -> None:
    """Typed word for word: an ID is shown and the case answered; a mail is sent, fetched and waits for approval."""
    done = subprocess.run(
        ["bash", "-c", kept.typed()],
        cwd=kept.place,
        env={**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "access_answer approved" in done.stdout
    assert "1 new" in done.stdout
    assert re.search(r"D-\d{4}-00010/access +person: approve", done.stdout)
    assert len(list((kept.place / "demo" / "letters").glob("*.pdf"))) == 3


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(kept: Kept, how: signal.Signals) -> None:
    kept.process.send_signal(how)

    assert kept.process.wait(timeout=10) == 0
