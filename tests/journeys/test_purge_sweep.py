"""
After the purge no byte of the person is left: database, log, key store, files, temporary files, log lines, mailbox.

The sweep looks for every way in which the person could be written, in every file below the installation and in the
mail server's own store. Connected systems hold what they hold: they are not ours to purge.
"""

import base64
import json
import os
import quopri
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink
from test_purging import kept_blobs, lying_about

from .people import Asking
from .test_retention import grow_older

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail, pytest.mark.sqlite_file]

ASKED = "Jag vill ha ett registerutdrag över mina personuppgifter. Mitt nummer är 19900101-2385.\n\nMaria Öberg\n"
CSV = "Namn;E-post;Kaffe\nMaria Öberg;Maria.Oberg@example.se;dubbel espresso utan socker\n"
#: What names the person, and words that only their mails and answers hold.
PERSON = (
    "Maria Öberg",
    "Öberg",
    "maria.oberg@example.se",
    "Maria.Oberg",
    "19900101-2385",
    "199001012385",
    "dubbel espresso utan socker",
)


def keys_of_the_installation(company: Asking) -> set[bytes]:
    """Wrapped keys that belong to nobody: of the mailbox, and of the proof of what was told."""
    with closing(sqlite3.connect(company.folder / "dsar-keys.db")) as keys:
        query = "SELECT wrapped FROM wrapped_key WHERE key_id IN ('mailbox:privacy', 'proof')"
        return {wrapped for (wrapped,) in keys.execute(query)}


@pytest.fixture
def company(
    tmp_path: Path,
    dovecot_server: DovecotServer,
    smtp_sink: SmtpSink,
    mail_user: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Asking:
    """Temporary files of the program lie where the sweep looks; backups are made."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    made = Asking(tmp_path, dovecot_server, smtp_sink, mail_user)
    text = made.settings.read_text("utf-8")
    made.settings.write_text(f"{text}[backup]\ndata_folder = copies/data\nkeys_folder = copies/keys\n", "utf-8")
    return made


def ways(text: str) -> Iterator[bytes]:
    """The bytes in which a text may lie in a file: charsets, transfer encodings, JSON, a vault's hexadecimal."""
    for charset in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        plain = text.encode(charset)
        yield plain
        yield plain.lower()
        yield plain.hex().encode()
        yield quopri.encodestring(plain).strip(b"=\n")
        for skipped in range(3):  # base64 depends on what goes before
            yield base64.b64encode(b"\0" * skipped + plain)[4 if skipped else 0 : -4]
    yield json.dumps(text).strip('"').encode()


def sweep(*places: Path, without: Path) -> list[str]:
    """ "FILE: words" for every file that holds anything of the person, in whatever form, or bears it in its name."""
    needles = {word: [way for way in ways(word) if len(way) > 4] for word in PERSON}
    found = []
    for place in places:
        for file in sorted(place.rglob("*")):
            if not file.is_file() or file.is_relative_to(without) or file.name.startswith("dovecot."):
                continue  # the mail server's index forgets what was expunged at its own next clean-up
            content = file.read_bytes() + os.fsencode(file.name)
            unwrapped = content.replace(b"\r", b"").replace(b"\n", b"")  # base64 comes in lines
            looked_at = (content, content.lower(), unwrapped)
            found += [
                f"{file.name}: {word}"
                for word, forms in needles.items()
                if any(form in each for form in forms for each in looked_at)
            ]
    return found


def maildir(company: Asking) -> Path:
    return company.dovecot.directory / "home" / company.user / "Maildir"


def run_for_a_while(company: Asking) -> None:
    """The daemon purges, too; its log stands in a file beside."""
    command = [sys.executable, "-m", "dsar", "--settings", str(company.settings), "run"]
    with (company.folder / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stderr=log, stdout=log)
        deadline = time.monotonic() + 60
        while b'"purged"' not in (company.folder / "log").read_bytes():
            assert time.monotonic() < deadline, "the daemon did not purge"
            time.sleep(0.3)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0


def test_no_byte_of_a_purged_person_is_left_anywhere(company: Asking) -> None:
    """Asked about at a colleague's, answered, written again; then two years go by and the daemon runs, with backups."""
    standing = set(kept_blobs(company.folder))
    company.reply(company.asked(ASKED), "Bifogar vår lista.", files=[("kunder.csv", CSV.encode("cp1252"))])
    company.approve(company.case())
    company.write("Maria Öberg <maria.oberg@example.se>", "Radera mig inte än, jag återkommer. Maria Öberg\n")
    company.ok("poll")
    for line in company.undone():
        company.ok("sort", line["reference"], "--not-request")
    standing |= keys_of_the_installation(company)
    of_person = [blob for blob in kept_blobs(company.folder) if blob not in standing]
    held = sweep(maildir(company), company.folder, without=company.data)
    assert {found.partition(": ")[2] for found in held} >= {*PERSON} - {"199001012385"}
    figures = company.ok("stats", "--from", "2020-01-01", "--to", "2035-12-31", "--json").lines[0]["total"]

    grow_older(company, 800)
    run_for_a_while(company)

    assert sweep(maildir(company), company.folder, without=company.data) == []
    assert lying_about(company.folder, of_person) == 0 < len(of_person)
    assert list((company.folder / "tmp").rglob("*")) == []
    assert company.ok("audit", "verify", "--json").lines[0]["broken_at"] is None
    after = company.ok("stats", "--from", "2020-01-01", "--to", "2035-12-31", "--json").lines[0]["total"]
    assert (after["outcomes"], after["closed"]) == (figures["outcomes"], figures["closed"])
