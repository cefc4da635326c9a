"""
Mails from Dovecot over TLS: dsar against mbsync, getmail6 and a plain imaplib loop, in one run; exit 1 below a target.

Intake is `poller.poll`: fetch, hash, seal, commit durably, move to the done folder. The whole way goes on through
reading in the guarded child, triage and the committed rows of every mail, one process with its child: two cores.
mbsync runs with FSync yes. getmail6 gets the first GETMAIL_MAILS of the same mails, because it is slow; what counts is
mails per second. Both are optional: `apt-get install isync`, and getmail6 in an environment of its own whose program
`GETMAIL` names. Every measurement has a mailbox of its own with the same mails; the best of ROUNDS counts for each.
"""

import argparse
import imaplib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import mailboxes
from frame import Figure, absent, run
from journeys.company import Company
from servers import DovecotServer, SmtpSink, dovecot

_ALONE = Path(__file__).with_name("intake_alone.py")
GETMAIL_MAILS = 500
BIG_MAIL_BYTES = 50_000_000

#: Least ratio of our mails per second to theirs, as issue 4 promises them.
LEAST = {("intake", "mbsync"): 4.0, ("whole", "mbsync"): 0.5, ("whole", "getmail6"): 5.0}
MOST_MEMORY_MB = {"intake": 150, "whole": 150, "big": 30}


# ---------------------------------------------------------------------------------------------------- ours


def ours(what: str, server: DovecotServer, folder: Path, user: str, expected: int) -> tuple[float, float]:
    """Seconds, and MB of memory at most; in a process of its own."""
    company = Company(folder / f"{what}-{user}", server, SmtpSink(None), user)
    command = [sys.executable, str(_ALONE), what, str(company.settings)]
    stored, seconds, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(stored) == expected, stored
    return float(seconds), float(memory)


# ---------------------------------------------------------------------------------------------------- the others


def imaplib_alone(server: DovecotServer, user: str, expected: int) -> float:
    """Read one mail after the other and forget it."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with imaplib.IMAP4_SSL("localhost", server.imaps_port, ssl_context=context) as client:
        client.login(user, "test")
        client.select("INBOX", readonly=True)
        began = time.perf_counter()
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        sizes = [len(client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1]) for uid in uids]
        seconds = time.perf_counter() - began
    assert len(sizes) == expected
    return seconds


def mbsync(server: DovecotServer, folder: Path, user: str, expected: int) -> float:
    """All mails into a Maildir, each durable."""
    into = folder / f"mbsync-{user}"
    into.mkdir()
    config = into / "mbsyncrc"
    config.write_text(
        f"FSync yes\n\nIMAPAccount a\nHost localhost\nPort {server.imaps_port}\nUser {user}\nPass test\nSSLType IMAPS\n"
        f"CertificateFile {server.ca_file}\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {into}/\n"
        f"Inbox {into}/INBOX\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\n"
        "SyncState *\n"
    )
    began = time.perf_counter()
    subprocess.run(["mbsync", "-q", "-c", str(config), "c"], check=True)
    seconds = time.perf_counter() - began
    assert len(list((into / "INBOX" / "new").iterdir())) == expected
    return seconds


def getmail(server: DovecotServer, folder: Path, user: str, expected: int) -> float:
    """All mails into a Maildir; it refuses to deliver as root."""
    into = folder / f"getmail-{user}"
    for name in ("new", "cur", "tmp"):
        (into / "mails" / name).mkdir(parents=True)
    (into / "getmailrc").write_text(
        f"[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = localhost\nport = {server.imaps_port}\n"
        f"username = {user}\npassword = test\n"
        f"ca_certs = {server.ca_file}\n[destination]\ntype = Maildir\npath = {into}/mails/\n"
        "[options]\nread_all = true\ndelete = false\nverbose = 0\n"
    )
    command = [os.environ["GETMAIL"], "--getmaildir", str(into), "--rcfile", "getmailrc"]
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody:nogroup", str(into)], check=True)
        command = ["runuser", "-u", "nobody", "--", *command]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    assert len(list((into / "mails" / "new").iterdir())) == expected
    return seconds


# ------------------------------------------------------------------------------------------------------- judging


def measure(server: DovecotServer, folder: Path, count: int, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Mails per second of each, and MB of memory of ours."""
    best: dict[str, float] = {}
    memory: dict[str, float] = {}

    few = min(count, GETMAIL_MAILS)

    def take(name: str, mails: int, run: Callable[[str], float]) -> None:
        user = f"{name}{len(list((server.directory / 'home').iterdir()))}"
        mailboxes.fill(server, user, mailboxes.mails(mails))
        best[name] = max(best.get(name, 0), mails / run(user))

    def take_ours(name: str) -> None:
        def run(user: str) -> float:
            seconds, peak = ours(name, server, folder, user, count)
            memory[name] = max(memory.get(name, 0), peak)
            return seconds

        take(name, count, run)

    for _ in range(rounds):
        take_ours("intake")
        if shutil.which("mbsync"):
            take("mbsync", count, lambda user: mbsync(server, folder, user, count))
        take_ours("whole")
        if os.environ.get("GETMAIL"):
            take("getmail6", few, lambda user: getmail(server, folder, user, few))
        take("imaplib", count, lambda user: imaplib_alone(server, user, count))
    mailboxes.fill(server, "big", iter([b"Subject: big\r\n\r\n" + b"x" * 76 + b"\r\n" * (BIG_MAIL_BYTES // 2)]))
    memory["big"] = ours("big", server, folder, "big", 1)[1]
    return best, memory


def judged(given: argparse.Namespace) -> Iterator[Figure]:
    """What is promised of these measurements."""
    folder = Path(tempfile.mkdtemp(prefix="dsar-bench-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    try:
        with dovecot(folder / "dovecot") as server:
            best, memory = measure(server, folder, given.mails, given.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for (us, them), least in LEAST.items():
        what = f"intake of {given.mails:,} mails, {us}: mails per second"
        if them not in best:
            yield absent(what, them)
            continue
        detail = f"{best[us]:.0f}/s, {them} {best[them]:.0f}/s"
        yield Figure(what=what, value=best[us] / best[them], unit="times", least=least, against=them, detail=detail)
    for name, most in MOST_MEMORY_MB.items():
        yield Figure(what=f"intake, {name}: memory", value=memory[name], unit="MB", most=most)


if __name__ == "__main__":
    run(
        __doc__,
        judged,
        full={"mails": 10_000, "rounds": 2},
        usual={"mails": 2000},
        small={"mails": 300, "rounds": 1},
    )
