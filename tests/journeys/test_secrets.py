"""An installation that has lived: what it has written is its own user's alone, and no secret of it is told anywhere."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import declarations
import pytest
from servers import LyingImapServer
from servers.web import Asked, Reply, serve

from .company import Company

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

MARIA = "Maria Öberg <maria.oberg@example.se>"
ACCESS = "Jag vill ha ett registerutdrag över mina personuppgifter.\n\nMaria Öberg\n"
#: Written for other programs on purpose; docs/security.md says why.
READ_BY_OTHERS = {"metrics/dsar.prom"}
#: What works with secrets, and what shows or writes what was done with them.
COMMANDS = (
    ("check",),
    ("poll",),
    ("system", "check"),
    ("search", "--json", "--email", "maria.oberg@example.se"),
    ("work",),
    ("show", "D-2026-00001", "--timeline"),
    ("backup",),
)


# ------------------------------------------------------------------------------------------------------- permissions


@pytest.fixture
def careless() -> Iterator[None]:
    """Whoever starts the program lets everybody read and write what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Permissions of everything below *folder*."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


@pytest.mark.usefixtures("careless")
def test_what_it_writes_is_for_its_own_user_alone(company: Company) -> None:
    add(company, {"backup": "data_folder = backups/data\nkeys_folder = backups/keys"})
    add(company, {"health": "metrics_file = metrics/dsar.prom"})
    (company.folder / "metrics").mkdir()
    temporary = company.folder / "temporary"
    temporary.mkdir()
    given = set(modes(company.folder))
    environment = {"TMPDIR": str(temporary)}

    company.write(MARIA, ACCESS)
    with running(company, environment):
        waits_for(company, "the mail was not sorted")
    company.ok("poll")  # whatever the daemon had no time for
    (reference,) = [line["reference"] for line in company.queue() if line["reference"].startswith("D-")]
    company.ok("show", reference, "--letter", "--save", str(company.folder / "annexes"), actor="bo")
    company.ok("approve", reference, actor="bo")
    company.ok("backup")
    company.ok("letter", "preview", "access_export", "--format", "pdf", "--out", str(company.folder / "look.pdf"))
    administrator = company.settings.read_text("utf-8").replace("role = approver", "role = admin")
    company.settings.write_text(administrator, "utf-8")
    company.ok("audit", "export", reference.partition("/")[0], "--to", str(company.folder / "export"), actor="bo")

    made = {name: mode for name, mode in modes(company.folder).items() if name not in given}
    assert {Path(name).suffix for name in made} >= {".dsar", ".pdf", ".prom"}
    assert {name for name, mode in made.items() if mode & 0o077} == READ_BY_OTHERS
    assert made["metrics/dsar.prom"] == 0o644


def add(company: Company, sections: Mapping[str, str]) -> None:
    text = company.settings.read_text("utf-8")
    for section, lines in sections.items():
        text += f"[{section}]\n{lines}\n"
    company.settings.write_text(text, "utf-8")


@contextmanager
def running(company: Company, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """The daemon, until the end of the block; then what it said."""
    command = [sys.executable, "-m", "dsar", "--settings", str(company.settings), "run"]
    daemon = subprocess.Popen(
        command, env={**os.environ, **environment}, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    said: list[str] = []
    try:
        yield said
    finally:
        daemon.send_signal(signal.SIGTERM)
        said += daemon.communicate(timeout=60)


def waits_for(company: Company, otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not any(line["reference"].startswith("D-") for line in company.queue()):
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


# ------------------------------------------------------------------------------------------------------------ secrets


@dataclass
class Canaries:
    """Secrets that are like no other text."""

    made: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> str:
        return self.made.setdefault(name, f"canary-{name}-{os.urandom(9).hex()}")

    def within(self, content: bytes) -> list[str]:
        return [name for name, secret in self.made.items() if secret.encode() in content]


@contextmanager
def watching_processes(canaries: Canaries) -> Iterator[set[str]]:
    """Which secrets any process of this machine shows among its arguments meanwhile, where everybody can read them."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.update(canaries.within(process.read_bytes()))
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def test_the_watch_sees_a_secret_among_arguments() -> None:
    canaries = Canaries()
    with watching_processes(canaries) as seen:
        subprocess.run(["sleep", "1", canaries("told")], check=False, capture_output=True)
        subprocess.run([sys.executable, "-c", "import time; time.sleep(1)", canaries("told")], check=True)
    assert seen == {"told"}


def test_no_secret_is_told_by_log_output_file_mail_or_argument(company: Company) -> None:
    """Each secret is used, and most are refused: it is errors that quote what they should not."""
    canaries = Canaries()
    with (
        serve(lambda _: Reply(status=401, body={})) as web,
        LyingImapServer(lambda command: command.send(command.no)) as imap,
    ):
        secrets = equip(company, canaries, web.url, imap.port)
        given = {path for path in company.folder.rglob("*") if path.is_file()}
        told = live(company, canaries, secrets)
        used = b"".join([*map(as_bytes, web.asked), *imap.received])

    written = [path for path in company.folder.rglob("*") if path.is_file() and path not in given]
    assert {path.suffix for path in written} >= {".dsar"}
    assert {name: canaries.within(content) for name, content in told.items() if canaries.within(content)} == {}
    assert [(path.name, found) for path in written if (found := canaries.within(path.read_bytes()))] == []
    assert [taken.content for taken in company.smtp.taken if canaries.within(taken.content)] == []
    # What proves that the secrets were those that the program works with.
    assert set(canaries.within(used)) >= {"api", "oauth-secret", "oauth-refresh", "client-secret", "mailbox"}


def equip(company: Company, canaries: Canaries, web: str, imap: int) -> dict[str, str]:
    """Connect one of everything that takes a secret; returns the environment that holds one of them."""
    for name, text in {
        "api": declarations.web('style = "bearer"'),
        "granted": declarations.web('style = "oauth2_client", token_path = "/token", client_auth = "body"'),
        "cards": declarations.cards(),
        "directory": declarations.directory(),
        "mails": declarations.mails(),
        "table": declarations.table(),
        "maria": declarations.table(),
    }.items():
        (company.data / f"{name}.toml").write_text(text, "utf-8")
    (company.folder / "api-token").write_text(canaries("api") + "\n", "utf-8")
    (company.folder / "cards-password").write_text(canaries("cards") + "\n", "utf-8")
    systems = {
        "api": f"connector = rest\nurl = {web}\ntoken_file = api-token",
        "granted": f"connector = rest\nurl = {web}\nclient_id = dsar",
        "cards": f"connector = carddav\nurl = {web}\nuser = u\npassword_cmd = cat cards-password",
        "directory": f"connector = ldap\nurl = ldaps://localhost:1\nuser = cn=x\npassword = {canaries('directory')}",
        "mails": f"connector = imap\nhost = localhost\nport = {imap}\nplain = on\nuser = u\nmailboxes = u\n"
        f"password = {canaries('mails')}",
        "table": f"connector = sql\nurl = postgresql://u:{canaries('table')}@127.0.0.1:1/x\n"
        f"write_url = postgresql://u:{canaries('write-table')}@127.0.0.1:1/x",
        "maria": f"connector = sql\nurl = mariadb://u:{canaries('maria')}@127.0.0.1:1/x",
    }
    for name, lines in systems.items():
        add(company, {f"system.{name}": f"{lines}\ndeclaration = data/{name}.toml"})
    box = f"host = localhost\nport = {imap}\nsecurity = plain\nuser = u"
    add(company, {"mailbox.second": f"{box}\npassword = {canaries('mailbox')}"})
    oauth = f"oauth2_client_id = dsar\noauth2_client_secret = {canaries('oauth-secret')}"
    oauth += f"\noauth2_refresh_token = {canaries('oauth-refresh')}\noauth2_token_url = {web}/token"
    add(company, {"mailbox.third": f"{box}\n{oauth}"})
    add(company, {"sms": f"provider = http\nurl = {web}\nsender = Xelent\ntoken = {canaries('sms')}"})
    add(company, {"backup": "data_folder = backups/data\nkeys_folder = backups/keys"})
    return {"DSAR_SYSTEM_GRANTED_CLIENT_SECRET": canaries("client-secret")}


def live(company: Company, canaries: Canaries, secrets: Mapping[str, str]) -> dict[str, bytes]:
    """Let the program run, look and fail; {what: all that it told}."""
    told: dict[str, bytes] = {}
    company.write(MARIA, ACCESS)
    company.write("Maria Öberg <mallory@other.example>", ACCESS.replace("Maria", "Mitt kundnummer är K20004.\n\nMaria"))
    before = {name: os.environ.get(name) for name in secrets}
    os.environ.update(secrets)
    try:
        with watching_processes(canaries) as seen:
            with running(company, {}) as said:
                waits_for(company, "the mails were not sorted")
            told["run"] = "".join(said).encode()
            for command in COMMANDS:
                done = company.dsar(*command, actor="bo")
                told[" ".join(command)] = (done.out + done.err).encode()
        told["arguments of processes"] = " ".join(canaries.made[name] for name in seen).encode()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    assert told["check"]
    return told


def as_bytes(asked: Asked) -> bytes:
    return f"{asked.target} {dict(asked.headers)} ".encode() + asked.body
