"""
How fast mail can be taken in at all: the server alone, and a loop that checks nothing, beside mbsync and dsar.

    .venv/bin/python benchmarks/evidence_bound.py --mails 2000

Each way takes the same mails from Dovecot over TLS, one way after the other, so that a busy machine slows all alike:

    served      one FETCH of everything, the bytes thrown away as they come: no client can be faster
    and moved   the same, then one MOVE of everything: no client that moves its mail can be faster
    bare        the least that keeps a mail: 4 MB a FETCH, SHA-256, one durable commit to SQLite a batch, MOVE; neither
                sealed nor compared, no UIDVALIDITY, no second look
    mbsync      FSync yes
    intake      dsar

Prints mails per second and the processor time of a mail, the client's and Dovecot's; those of docs/evidence.md.
"""

import argparse
import hashlib
import imaplib
import os
import re
import resource
import shutil
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import bench_intake
import mailboxes
from servers import DovecotServer, dovecot

_BATCH_BYTES = 4 << 20
_PIECE = 1 << 16
_UID_AND_SIZE = re.compile(rb"UID (\d+) RFC822\.SIZE (\d+)")
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def _inbox(server: DovecotServer, user: str) -> Iterator[imaplib.IMAP4_SSL]:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with imaplib.IMAP4_SSL("localhost", server.imaps_port, ssl_context=context) as client:
        client.login(user, "test")
        client.create("Done")
        client.select("INBOX")
        yield client


def serve(server: DovecotServer, user: str, *, moved: bool) -> None:
    """Have everything sent, and moved."""
    with _inbox(server, user) as client:
        client.send(b"x1 UID FETCH 1:* (BODY.PEEK[])\r\n")
        end = b""
        while b"x1 OK" not in end:
            read = client.sock.recv(_PIECE)
            assert read, "the connection is gone"
            end = (end + read)[-200:]
        if moved:
            assert client.uid("MOVE", "1:*", "Done")[0] == "OK"


def bare(server: DovecotServer, user: str, target: Path) -> None:
    """Fetch, hash, commit, move."""
    database = sqlite3.connect(target)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE mail(hash TEXT PRIMARY KEY, content BLOB)"
    )
    with _inbox(server, user) as client:
        lines = client.uid("FETCH", "1:*", "(RFC822.SIZE)")[1]
        for uids in _packed([(int(uid), int(size)) for line in lines for uid, size in _UID_AND_SIZE.findall(line)]):
            parts = client.uid("FETCH", ",".join(map(str, uids)), "(BODY.PEEK[])")[1]
            contents = [part[1] for part in parts if isinstance(part, tuple)]
            rows = [(hashlib.sha256(content).hexdigest(), content) for content in contents]
            with database:
                database.executemany("INSERT INTO mail VALUES (?, ?)", rows)
        assert client.uid("MOVE", "1:*", "Done")[0] == "OK"
    database.close()


def _packed(sizes: list[tuple[int, int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0
    for uid, size in sizes:
        if batch and total + size > _BATCH_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += size
    yield batch


def _processors(server: DovecotServer) -> tuple[float, float]:
    """Seconds of us and our children; of Dovecot and its children that have ended."""
    ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    master = (server.directory / "run" / "master.pid").read_text().strip()
    ticks = Path(f"/proc/{master}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(each.ru_utime + each.ru_stime for each in ours), sum(map(int, ticks)) / _TICKS


def measure(server: DovecotServer, folder: Path, count: int, rounds: int) -> None:
    """Print a line for each way, the best of *rounds*."""
    ways: dict[str, Callable[[str], object]] = {
        "served": lambda user: serve(server, user, moved=False),
        "and moved": lambda user: serve(server, user, moved=True),
        "bare": lambda user: bare(server, user, folder / f"{user}.db"),
        "mbsync": lambda user: bench_intake.mbsync(server, folder, user, count),
        "intake": lambda user: bench_intake.ours("intake", server, folder, user, count)[0],
    }
    best: dict[str, tuple[float, float, float]] = {}
    for turn in range(rounds):
        for name, take in ways.items():
            user = f"{name.replace(' ', '')}{turn}"
            mailboxes.fill(server, user, mailboxes.mails(count))
            before, began = _processors(server), time.perf_counter()
            told = take(user)
            # dsar tells itself how long it took, without its start
            seconds = told if name == "intake" and isinstance(told, float) else time.perf_counter() - began
            time.sleep(1)  # until Dovecot has reaped the process that served
            client, served = (after - was for after, was in zip(_processors(server), before, strict=True))
            best[name] = min(best.get(name, (seconds, client, served)), (seconds, client, served))
    for name, (seconds, client, served) in best.items():
        print(
            f"{name:10} {count / seconds:7.0f} mails/s   processor of a mail: client {1000 * client / count:.2f} ms, "
            f"Dovecot {1000 * served / count:.2f} ms"
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dsar-bound-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    try:
        with dovecot(folder / "dovecot") as server:
            measure(server, folder, given.mails, given.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
