"""
The company that everything happens to: real servers behind doors, sample systems, databases, and what cuts them off.

Effects: starts servers on free loopback ports; with root it mounts a small tmpfs for what the program writes.
"""

import os
import random
import sqlite3
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from databases import Own, Server
from journeys.company import Company
from servers import DovecotServer, SmtpSink, TlsFiles
from servers.hosts import Host
from servers.sms import PASSWORD, USER, SmsDouble
from servers.web import serve

from dsar.store import Store, migrate

from .clock import FILE
from .door import Door
from .people import VISITS_DECLARATION, Person, invent, make_known
from .shop import DECLARATION, PATIENCE, Shop

ALARMS, _MANAGEMENT, _OFFICE = "alarm@xelent.example", "chef@xelent.example", "karin@xelent.example"
_RECIPIENT = "dpo@affarsdrift.example"
#: Who else gets mail about requests.
TOLD = frozenset({ALARMS, _MANAGEMENT, _OFFICE})

ROOT = os.geteuid() == 0
#: Run a command with names of its own: file of hosts, resolver, name of the host, command.
_OWN_NAMES = """
mount --bind "$1" /etc/hosts
mount --bind "$2" /etc/resolv.conf
[ -z "$3" ] || hostname "$3"
shift 3
exec "$@"
"""
_TESTS = str(Path(__file__).parents[1])
TMPFS_MEGABYTES = 24
#: Seconds that the program waits for mail servers here; and how long they keep silent to outlast that.
MAIL_PATIENCE, OUTLASTING = 4, 6.0

#: Where the clock of the program stands at the beginning; the nights are those on which Sweden changes its clocks.
EPOCHS = {
    "today": None,
    "autumn night": datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC),
    "spring night": datetime(2027, 3, 28, 0, 59, 30, tzinfo=UTC),
}


def unproven() -> list[str]:
    """What cannot be tried here, in words."""
    told = []
    if not ROOT:
        told.append("without root: no full disk, no read-only file system, no failing DNS, no cut hosts")
    return told


def expired_tls(tls: TlsFiles, folder: Path) -> ssl.SSLContext:
    """A server's side of TLS whose certificate was good until yesterday, by the CA that the program trusts."""
    cert = x509.load_pem_x509_certificate(tls.cert_file.read_bytes())
    key = serialization.load_pem_private_key(tls.key_file.read_bytes(), None)
    # made by the same key as the good one: only the time has run out
    builder = x509.CertificateBuilder(cert.issuer, cert.subject, key.public_key(), x509.random_serial_number())  # type: ignore[arg-type]  # an EC key
    start = datetime.now(UTC) - timedelta(days=60)
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=30))
    for extension in cert.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    (folder / "expired.pem").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]  # an EC key
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "expired.pem", tls.key_file)
    return context


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one scenario is played in."""

    database: str  #: sqlite, postgresql
    tls: bool
    epoch: str  #: of EPOCHS
    workers: int
    people: int


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses of this machine at which the program finds what it needs."""

    servers: str = "127.0.0.1"  #: Behind the name localhost.
    database: str = "127.0.0.1"


class Place(Company):
    """One company for one scenario."""

    def __init__(
        self,
        folder: Path,
        dovecot: DovecotServer,
        smtp: SmtpSink,
        user: str,
        *,
        look: Look,
        shop: Shop,
        gateway: SmsDouble,
        doors: dict[str, Door],
        network: "Network",
    ) -> None:
        super().__init__(folder, dovecot, smtp, user)
        self.look, self.shop, self.doors, self.network = look, shop, doors, network
        self.gateway = gateway
        self.people: list[Person] = []
        self.furthest_back = timedelta()  #: How far the program's clock ever stood behind.
        self.furthest_on = datetime.min.replace(tzinfo=UTC)  #: The latest that it ever was, but for leaps.
        self.leapt = timedelta()  #: How far it has leapt just now.
        self.offset = folder.parent / "clock"
        self.hosts = folder.parent / "hosts"
        self.resolver = folder.parent / "resolv.conf"
        self.resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.know_hosts(known=True)
        begin = EPOCHS[look.epoch]
        self.shift(begin - datetime.now(UTC) if begin else timedelta())

    # ------------------------------------------------------------------------------------------------- its clock

    def shift(self, offset: timedelta) -> None:
        """Put the program's clock so far from the true one, for all its processes."""
        self.furthest_back = max(self.furthest_back, -offset)
        self.offset_now = offset
        self.furthest_on = max(self.furthest_on, self.now())
        self._tell()

    def leap(self, by: timedelta) -> None:
        """Put the program's clock off by so much more, which nobody should believe; by nothing: set it right."""
        self.leapt = by
        self._tell()

    def _tell(self) -> None:
        other = self.offset.with_suffix(".new")
        other.write_text(f"{(self.offset_now + self.leapt).total_seconds():+.0f}\n")
        other.replace(self.offset)

    def now(self) -> datetime:
        """What the program takes for the present, but for a leap."""
        return datetime.now(UTC) + self.offset_now

    def know_hosts(self, *, known: bool) -> None:
        self.hosts.write_text(f"{self.network.servers} localhost\n" if known else "# nothing is known\n")

    # --------------------------------------------------------------------------------------------- its processes

    def start(
        self, *program: str, die_at: str = "", host: Host | None = None, **options: Any
    ) -> "subprocess.Popen[Any]":
        """Begin a program of ours with the company's clock and names, as the first of a group of processes."""
        environment = {**os.environ, "DSAR_ACTOR": "bo", FILE: str(self.offset), "PYTHONPATH": _TESTS}
        if die_at:
            environment |= {"DIE_AT": die_at}
        command = [sys.executable, *program]
        if ROOT:
            elsewhere = host.entered if host else ("unshare",)
            own = ["sh", "-ec", _OWN_NAMES, "sh", str(self.hosts), str(self.resolver), host.name if host else ""]
            command = [*elsewhere, "--mount", *own, *command]
        return subprocess.Popen(command, env=environment, start_new_session=True, **options)

    def bills_kept(self) -> list[int]:
        """How many invoices the business system has of each person who wants to be erased."""
        with closing(sqlite3.connect(self.data / "business.db")) as business:
            query = "SELECT count(*) FROM invoices WHERE customer_no = ?"
            numbers = [person.number for person in self.people if person.wish == "erase"]
            return [business.execute(query, (number,)).fetchone()[0] for number in numbers]

    # ------------------------------------------------------------------------------------------------------ mail

    def deliver_from(self, person: Person) -> datetime | None:
        """Put the person's mail into the mailbox; its time of arrival where it is not the true one."""
        if self.look.epoch == "today":
            self.dovecot.deliver(person.mail(), self.user)
            return None
        arrived = self.now().replace(microsecond=0)
        stamp = f'"{arrived:%d-%b-%Y %H:%M:%S} +0000"'
        self.dovecot.append(person.mail(), self.user, internal_date=stamp)
        return arrived

    # -------------------------------------------------------------------------------------------------- settings

    def move(self, there: Own) -> None:
        """Let the program's data lie in other databases."""
        text = self.settings.read_text("utf-8").replace(f"keys_url = {self.databases.keys_url}", "keys_url = KEYS")
        text = text.replace(f"url = {self.databases.url}", f"url = {there.url}")
        self.settings.write_text(text.replace("keys_url = KEYS", f"keys_url = {there.keys_url}"), "utf-8")
        self.databases = there


def furnish(place: Place, dice: random.Random) -> None:
    """People, systems and settings, with every server behind its door."""
    place.people = invent(dice, place.look.people)
    place.shop.rows |= make_known(place.people, place.data)
    (place.data / "visits.toml").write_text(VISITS_DECLARATION, "utf-8")
    (place.data / "shop.toml").write_text(DECLARATION, "utf-8")
    text = place.settings.read_text("utf-8")
    security = "tls" if place.look.tls else "plain"
    ports = {"imap": place.doors["imap"].target, "smtp": place.doors["smtp"].target}
    text = text.replace(f"port = {place.dovecot.imaps_port}", f"port = {ports['imap']}")
    for name, port in ports.items():
        text = text.replace(f"port = {port}", f"port = {place.doors[name].port}")
    text = text.replace("security = tls", f"security = {security}")
    text = text.replace("write_url = sqlite:///data/business.db", f"{_slow('business')}")
    text = text.replace("write_url = sqlite:///data/webshop.db", f"{_slow('webshop')}")
    text = text.replace("sender = ", f"timeout_seconds = {MAIL_PATIENCE}\nsender = ", 1)
    text = text.replace("password = test\n", f"password = test\ntimeout_seconds = {MAIL_PATIENCE}\n", 1)
    register = place.data / "register.toml"
    named = 'driftar affärssystemet", en = "processor, hosts the business system"}, country = "SE"'
    register.write_text(register.read_text("utf-8").replace(named, f'{named}, notify = "{_RECIPIENT}"'), "utf-8")
    more = f"""
[sms]
provider = 46elks
url = http://localhost:{place.doors["sms"].port}/a1/sms
user = {USER}
password = {PASSWORD}
sender = Xelent
[health]
alarm_address = {ALARMS}
[statistics]
management = {_MANAGEMENT}
[system.branch]
connector = manual
declaration = data/branch.toml
owner = {_OFFICE}
[colleague.karin]
name = Karin Holm
email = {_OFFICE}
[system.visits]
connector = files
declaration = data/visits.toml
folder = data/visits
changes = on
[system.shop]
connector = rest
declaration = data/shop.toml
url = http://localhost:{place.doors["shop"].port}/api
token = t-1
changes = on
timeout_seconds = {PATIENCE}
patience_seconds = 3
"""
    place.settings.write_text(text + more, "utf-8")


def _slow(name: str) -> str:
    return f"write_url = sqlite:///data/{name}.db\ntimeout_seconds = 2"


def _port(url: str) -> int:
    port = sa.make_url(url).port
    assert port
    return port


def _databases(server: Server, door: Door, network: Network) -> Own:
    through = server.url.replace(f"127.0.0.1:{door.target}/", f"{network.database}:{door.port}/")
    store = Store(server.new_database())
    migrate.upgrade(store.engine)
    name = store.engine.url.database
    store.close()
    keys = sa.make_url(server.new_database()).database
    return Own(url=f"{through}{name}{server.parameters}", keys_url=f"{through}{keys}{server.parameters}")


@contextmanager
def open_place(
    folder: Path,
    dovecot: DovecotServer,
    tls: TlsFiles,
    *,
    look: Look,
    dice: random.Random,
    postgresql: Server | None,
    hit: Callable[[str], None],
    network: Network = Network(),  # frozen
) -> Iterator[Place]:
    """A company, furnished, with its servers running; all of it is gone afterwards."""
    with ExitStack() as stack:
        small = folder / "company"
        small.mkdir(parents=True)
        if ROOT:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MEGABYTES}m", "tmpfs", str(small)], check=True)
            stack.callback(subprocess.run, ["umount", "--lazy", str(small)], check=True)
        sink = stack.enter_context(SmtpSink(tls if look.tls else None, deliver=None))
        shop = Shop(happened=lambda lapse: hit(f"shop: {lapse}"))
        web = stack.enter_context(serve(shop.answer))
        gateway = stack.enter_context(SmsDouble())
        expired = expired_tls(tls, folder)
        ports = {
            "imap": dovecot.imaps_port if look.tls else dovecot.imap_port,
            "smtp": sink.port,
            "shop": _port(web.url),
            "sms": _port(gateway.elks_url),
        }
        if postgresql:
            ports["database"] = int(postgresql.url.rpartition(":")[2].strip("/"))
        doors = {
            name: Door(
                port,
                address=network.database if name == "database" else network.servers,
                happened=lambda trouble, name=name: hit(f"{name}: {trouble.wrong}"),  # type: ignore[misc]  # a default
                expired=expired,
            )
            for name, port in ports.items()
        }
        for door in doors.values():
            stack.callback(door.close)
        user = f"f{uuid.uuid4().hex[:12]}"
        place = Place(small, dovecot, sink, user, look=look, shop=shop, gateway=gateway, doors=doors, network=network)
        if postgresql:
            place.move(_databases(postgresql, doors["database"], network))
        furnish(place, dice)
        yield place
