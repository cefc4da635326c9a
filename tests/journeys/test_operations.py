"""Operating the program: its log, its self-test, its backups, by commands only."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company

pytestmark = [pytest.mark.journey, pytest.mark.sqlite_file]

MARIA = "Maria Öberg <maria.oberg@example.se>"
ACCESS = "Jag vill ha ett registerutdrag över mina personuppgifter.\n\nMaria Öberg\n"


def add(company: Company, section: str, lines: str) -> None:
    text = company.settings.read_text("utf-8")
    company.settings.write_text(f"{text}[{section}]\n{lines}\n", "utf-8")


def test_the_log_of_the_daemon_is_json_lines_without_personal_data(company: Company) -> None:
    company.write(MARIA, ACCESS)
    command = [sys.executable, "-m", "dsar", "--settings", str(company.settings), "run"]
    daemon = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not company.queue():
            assert time.monotonic() < deadline, "the mail was not taken in"
    finally:
        daemon.send_signal(signal.SIGTERM)
        out, err = daemon.communicate(timeout=60)
    lines = [json.loads(line) for line in err.splitlines()]
    assert (out, daemon.returncode) == ("", 0)
    assert [lines[0]["message"], lines[-1]["message"]] == ["running", "stopped"]
    assert {"mailbox": "privacy", "count": 1}.items() <= next(
        line for line in lines if line["message"] == "mail taken in"
    ).items()
    assert [word for word in ("Maria", "berg", "@", "registerutdrag") if word in err] == []


def test_a_self_test_that_is_asked_for_comes_back(
    tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str
) -> None:
    """The public address is one that the mail server delivers into the privacy mailbox."""
    company = Company(tmp_path, dovecot_server, smtp_sink, f"{mail_user}@xelent.example")
    add(company, "health", f"self_test_address = {company.user}")
    findings = company.dsar("check", "--self-test", "--json").lines
    (finding,) = [line for line in findings if line["what"] == "self-test"]
    assert finding["level"] == "ok"
    assert company.mailbox_count("DSAR-Done") == 1
    assert company.undone() == []


def test_a_backup_fills_a_fresh_machine_with_the_same_audit_trail(company: Company) -> None:
    add(company, "backup", "data_folder = backups/data\nkeys_folder = backups/keys")
    company.write(MARIA, ACCESS)
    company.ok("poll")
    head, queue = company.ok("audit", "verify", "--json").lines[0], company.queue()
    (made,) = company.ok("backup", "--json").lines
    kept = company.folder / "anchor.json"
    kept.write_text(json.dumps(head), "utf-8")

    for file in (*company.folder.glob("dsar.db*"), *company.folder.glob("dsar-keys.db*")):
        file.unlink()
    restored = company.ok("restore", "--data", made["data"], "--keys", made["keys"], "--json").lines[0]

    assert (restored["audit"]["head"], restored["audit"]["anchor_holds"]) == (head["head"], True)
    assert company.ok("audit", "verify", "--anchor", str(kept), "--json").lines[0]["anchor_holds"] is True
    assert company.queue() == queue
    assert "Maria" in company.ok("show", queue[0]["reference"]).out
    again = company.dsar("restore", "--data", made["data"], "--keys", made["keys"])
    assert (again.exit_code, "not empty" in again.err) == (2, True)


def test_a_backup_does_not_open_without_the_master_key_it_was_made_with(company: Company) -> None:
    add(company, "backup", "data_folder = backups/data\nkeys_folder = backups/keys")
    (made,) = company.ok("backup", "--json").lines
    for file in (*company.folder.glob("dsar.db*"), *company.folder.glob("dsar-keys.db*")):
        file.unlink()
    os.environ["DSAR_VAULT_MASTER_KEY"] = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    try:
        refused = company.dsar("restore", "--data", made["data"], "--keys", made["keys"])
    finally:
        del os.environ["DSAR_VAULT_MASTER_KEY"]
    assert (refused.exit_code, "is missing or wrong" in refused.err) == (1, True)
    assert not (company.folder / "dsar.db").exists()
