"""No client of ours says a word to a server that it cannot prove: one real server, every client, every way to fail."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import declarations
import pytest
from servers import tls

from connectors import open_connector
from dsar.declaration import parse_declaration
from dsar.errors import (
    DatabaseUnavailableError,
    InboxUnavailableError,
    OutboxUnavailableError,
    SettingsError,
    SmsUnavailableError,
    SmsUncertainError,
    SystemUnavailableError,
    TokenUnavailableError,
)
from dsar.inbox import ImapInbox
from dsar.inbox.connection import ImapAccount
from dsar.mailserver import Credential, Security
from dsar.oauth import AccessTokens, OAuthClient
from dsar.outbox import SmtpAccount, SmtpOutbox
from dsar.sms import SmsAccount, SmsGateway
from dsar.store import Store
from dsar.tls import libpq_tls, mysql_tls

#: That TLS 1.1 is old is the matter of these tests.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")

SECRET = "hunter2"


@dataclass(frozen=True, kw_only=True)
class At:
    """Where the server listens, and the CA that counts."""

    port: int
    ca_file: Path

    def url(self, scheme: str) -> str:
        return f"{scheme}://localhost:{self.port}"


# ------------------------------------------------------------------------------------------------------ our clients


def read_mail(at: At, security: Security = "tls") -> None:
    account = ImapAccount(
        mailbox="privacy", host="localhost", port=at.port, security=security, user="u", credential=_secret,
        ca_file=at.ca_file, timeout_seconds=20,
    )  # fmt: skip
    with ImapInbox(account) as inbox:
        inbox.uid_validity("INBOX")


def read_mail_by_starttls(at: At) -> None:
    read_mail(at, "starttls")


def send_mail(at: At, security: Security = "tls") -> None:
    account = SmtpAccount(
        host="localhost", port=at.port, security=security, user="u", credential=_secret, ca_file=at.ca_file,
        timeout_seconds=20,
    )  # fmt: skip
    SmtpOutbox(account).send(b"Subject: x\r\n\r\nx\r\n", sender="a@example.org", recipients=["b@example.org"])


def send_mail_by_starttls(at: At) -> None:
    send_mail(at, "starttls")


def fetch_a_token_for_mail(at: At) -> None:
    AccessTokens("privacy", OAuthClient(token_url=at.url("https"), client_id="dsar", client_secret=SECRET))()


def send_a_text_message(at: At) -> None:
    account = SmsAccount(provider="http", url=at.url("https"), secret=SECRET, sender="Xelent")
    SmsGateway(account).send("+46701740608", SECRET, reference="r")


def ask_a_web_api(at: At) -> None:
    _ask("rest", declarations.web('style = "bearer"'), at, url=at.url("https"), token=SECRET)


def fetch_a_token_for_a_web_api(at: At) -> None:
    text = declarations.web('style = "oauth2_client", token_path = "/token"')
    _ask("rest", text, at, url=at.url("https"), client_id="dsar", client_secret=SECRET)


def ask_an_address_book(at: At) -> None:
    _ask("carddav", declarations.cards(), at, url=at.url("https"), user="u", password=SECRET)


def ask_a_directory(at: At, scheme: str = "ldaps") -> None:
    options = {"user": "cn=dsar", "password": SECRET, "timeout_seconds": "20"}
    _ask("ldap", declarations.directory(), at, url=at.url(scheme), **options)


def ask_a_directory_by_starttls(at: At) -> None:
    ask_a_directory(at, "ldap")


def ask_a_mailbox(at: At) -> None:
    options = {"host": "localhost", "port": str(at.port), "user": "u", "password": SECRET, "mailboxes": "asa"}
    _ask("imap", declarations.mails(), at, **options)


def ask_postgresql(at: At) -> None:
    _ask("sql", declarations.table(), at, url=f"postgresql://u:{SECRET}@localhost:{at.port}/crm")


def ask_mariadb(at: At) -> None:
    _ask("sql", declarations.table(), at, url=f"mariadb://u:{SECRET}@localhost:{at.port}/crm")


def open_our_own_postgresql(at: At) -> None:
    """By a name that is not this machine's, as any real one; only the way there is."""
    url = f"postgresql+psycopg://u:{SECRET}@db.example:{at.port}/dsar?hostaddr=127.0.0.1&sslrootcert={at.ca_file}"
    with closing(Store(url)) as store, store.transaction() as tx:
        tx.requests(1)


def _secret() -> Credential:
    return Credential(kind="password", secret=SECRET)


def _ask(kind: str, text: str, at: At, **options: str) -> None:
    declaration = parse_declaration(text, source=kind)
    options["ca_file"] = str(at.ca_file)
    open_connector(kind, name="system", declaration=declaration, options=options).health()


Client = Callable[[At], None]
#: How a client says that it could not speak to the server; wrong settings are a mistake of this test.
_TOLD = (
    DatabaseUnavailableError,
    InboxUnavailableError,
    OutboxUnavailableError,
    SmsUnavailableError,
    SmsUncertainError,
    SystemUnavailableError,
    TokenUnavailableError,
)
#: Client -> what comes before TLS, what the server says first over it.
CLIENTS: dict[Client, tuple[Callable[..., None], bytes]] = {
    read_mail: (tls.at_once, b"* OK hello\r\n"),
    read_mail_by_starttls: (tls.imap_starttls, b""),
    send_mail: (tls.at_once, b"220 localhost ESMTP\r\n"),
    send_mail_by_starttls: (tls.smtp_starttls, b""),
    fetch_a_token_for_mail: (tls.at_once, b""),
    send_a_text_message: (tls.at_once, b""),
    ask_a_web_api: (tls.at_once, b""),
    fetch_a_token_for_a_web_api: (tls.at_once, b""),
    ask_an_address_book: (tls.at_once, b""),
    ask_a_directory: (tls.at_once, b""),
    ask_a_directory_by_starttls: (tls.ldap_starttls, b""),
    ask_a_mailbox: (tls.at_once, b"* OK hello\r\n"),
    ask_postgresql: (tls.postgresql, b""),
    ask_mariadb: (tls.mariadb, b""),
    open_our_own_postgresql: (tls.postgresql, b""),
}
every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, and certificates of each kind."""
    made = tmp_path_factory.mktemp("tls")
    tls.certificates(made)
    return made


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Client, ssl.SSLContext], tls.TlsListener]:
    """Let a client speak to a server with a certificate, and see what it told it."""

    def calling(client: Client, context: ssl.SSLContext) -> tls.TlsListener:
        begin, greeting = CLIENTS[client]
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))  # for clients that believe the machine's CAs only
        with tls.listening(context, begin, greeting) as listener, suppress(*_TOLD):
            client(At(port=listener.port, ca_file=folder / "ca.pem"))
        return listener

    return calling


@every_client
def test_a_proven_server_is_spoken_to(call: Callable[..., tls.TlsListener], folder: Path, client: Client) -> None:
    """Without this one, a client that speaks to nobody would pass the others."""
    listener = call(client, tls.context(folder / "good.pem"))

    assert listener.heard
    assert set(listener.agreed) <= {"TLSv1.2", "TLSv1.3"}


@every_client
@pytest.mark.parametrize("certificate", [kind for kind in tls.CERTIFICATES if kind != "good"])
def test_a_server_that_cannot_be_proven_hears_nothing(
    call: Callable[..., tls.TlsListener], folder: Path, client: Client, certificate: str
) -> None:
    listener = call(client, tls.context(folder / f"{certificate}.pem"))

    assert listener.calls
    assert not listener.heard


@every_client
def test_a_server_that_speaks_tls_1_1_at_best_hears_nothing(
    call: Callable[..., tls.TlsListener], folder: Path, client: Client
) -> None:
    """RFC 8996: "TLS 1.1 MUST NOT be used"."""
    listener = call(client, tls.context(folder / "good.pem", old=True))

    assert listener.calls
    assert not listener.heard


def test_the_old_server_is_really_one_that_others_would_speak_to(folder: Path) -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    careless.set_ciphers("ALL:@SECLEVEL=0")
    careless.minimum_version = ssl.TLSVersion.TLSv1
    with (
        tls.listening(tls.context(folder / "good.pem", old=True), tls.at_once) as listener,
        socket.create_connection(("localhost", listener.port)) as raw,
        careless.wrap_socket(raw) as connection,
    ):
        connection.sendall(b"hello")
        assert connection.version() == "TLSv1.1"


# -------------------------------------------------------------------------------- databases on other machines and here


def test_a_database_elsewhere_is_proven_without_a_word_in_the_settings() -> None:
    """libpq's own default is to take any certificate, and to go on without TLS where the server has none."""
    told = libpq_tls("db.example", {})

    assert told["sslmode"] == "verify-full"
    assert Path(told["sslrootcert"]).is_file()
    assert mysql_tls("db.example", {})["ssl"].verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("localhost", {}),
        ("127.0.0.1", {}),
        ("::1", {}),
        (None, {"host": "/run/postgresql"}),
        (None, {"host": ("localhost:5432", "127.0.0.1:5433")}),
    ],
)
def test_this_machine_needs_no_proof(host: str | None, query: dict[str, str | tuple[str, ...]]) -> None:
    assert libpq_tls(host, query) == {}


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("10.0.0.7", {}),
        ("localhost.example", {}),
        ("localhost", {"hostaddr": "192.0.2.1"}),
        ("localhost", {"host": "localhost,db.example"}),
        ("localhost", {"service": "crm"}),
        (None, {"host": ("/run/postgresql", "db.example:5432")}),
    ],
)
def test_one_place_elsewhere_is_enough(host: str | None, query: dict[str, str | tuple[str, ...]]) -> None:
    assert libpq_tls(host, query)["sslmode"] == "verify-full"


@pytest.mark.parametrize(
    "url",
    [
        *(f"postgresql://u:{SECRET}@db.example/crm?sslmode={mode}" for mode in ("disable", "prefer", "require")),
        f"mariadb://u:{SECRET}@db.example/crm?ssl_disabled=true",
        f"mysql://u:{SECRET}@db.example/crm?ssl_verify_cert=false",
    ],
)
def test_a_url_that_asks_for_less_is_refused_without_repeating_it(url: str) -> None:
    declaration = parse_declaration(declarations.table(), source="sql")
    with pytest.raises(SettingsError, match="a database on another machine needs") as told:
        open_connector("sql", name="crm", declaration=declaration, options={"url": url})
    assert SECRET not in str(told.value)


def test_our_own_data_do_not_travel_unproven_either() -> None:
    with pytest.raises(DatabaseUnavailableError, match="verify-full"):
        Store(f"postgresql+psycopg://u:{SECRET}@db.example/dsar?sslmode=require")


def test_a_ca_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    declaration = parse_declaration(declarations.table(), source="sql")
    options = {"url": "mariadb://u@db.example/crm", "ca_file": str(tmp_path / "none.pem")}
    with pytest.raises(SettingsError, match="ca_file"):
        open_connector("sql", name="crm", declaration=declaration, options=options)
