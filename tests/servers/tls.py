"""A real TLS server for every protocol that begins with TLS or changes to it, with good and bad certificates."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_WAIT_SECONDS = 20

_OURS = ("localhost", "db.example")
#: What a certificate can be: (names in it, days until it ends, whether our CA signed it).
CERTIFICATES = {
    "good": (_OURS, 30, True),
    "expired": (_OURS, -1, True),
    "of another name": (("other.example",), 30, True),
    "self-signed": (_OURS, 30, False),
}


@dataclass
class TlsListener:
    """What came over TLS: nothing, where who called did not believe the certificate."""

    port: int
    calls: int = 0
    agreed: list[str] = field(default_factory=list)  #: The version of TLS of each call that went so far.
    heard: bytearray = field(default_factory=bytearray)


def certificates(folder: Path, *, address: str = "127.0.0.1") -> Path:
    """Write a CA, and certificate and key of each kind beside it, valid for *address*, too. Returns: the CA's file."""
    ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), _name("Test CA")
    ca = _signed(ca_name, ca_name, ca_key.public_key(), ca_key, x509.BasicConstraints(ca=True, path_length=None), 30)
    (folder / "ca.pem").write_bytes(ca)
    for kind, (hosts, days, by_ca) in CERTIFICATES.items():
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signing = (ca_name, ca_key) if by_ca else (_name(hosts[0]), key)
        ours = [x509.IPAddress(ipaddress.ip_address(address))] if hosts is _OURS else []
        names = x509.SubjectAlternativeName([*ours, *(x509.DNSName(host) for host in hosts)])
        made = _signed(issuer, _name(hosts[0]), key.public_key(), signing, names, days)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{kind}.pem").write_bytes(secret + made)
    return folder / "ca.pem"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    issuer: x509.Name,
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signing: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
    days: int,
) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    certificate = builder.add_extension(extension, critical=True).sign(signing, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def context(pem: Path, *, old: bool = False) -> ssl.SSLContext:
    """Args: old: it speaks TLS 1.1 and nothing newer."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    if old:
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return made


@contextmanager
def listening(
    tls: ssl.SSLContext, begin: Callable[[socket.socket], None], greeting: bytes = b""
) -> Iterator[TlsListener]:
    """Serve until the end of the block: *begin* says what comes before TLS, *greeting* follows, answers are kept."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = TlsListener(port=server.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(server, tls, begin, greeting, listener), daemon=True)
        thread.start()
        yield listener
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join(_WAIT_SECONDS)


def _serve(
    server: socket.socket,
    tls: ssl.SSLContext,
    begin: Callable[[socket.socket], None],
    greeting: bytes,
    listener: TlsListener,
) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        listener.calls += 1
        connection.settimeout(_WAIT_SECONDS)
        with connection, suppress(OSError):
            begin(connection)
            with tls.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.sendall(greeting)
                _speak(encrypted, listener)


def _speak(encrypted: ssl.SSLSocket, listener: TlsListener) -> None:
    """In TLS 1.3 a client may hang up after its part of the handshake; who believes us says something."""
    encrypted.settimeout(_WAIT_SECONDS)
    said = b""
    with suppress(OSError):
        said = encrypted.recv(4096)
    if said:
        listener.agreed.append(encrypted.version() or "")
        listener.heard += said


# ---------------------------------------------------------------------------------------------- what comes before TLS


def at_once(_: socket.socket) -> None:
    """TLS from the first byte."""


def imap_starttls(connection: socket.socket) -> None:
    """RFC 9051 section 6.2.1."""
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n")
    while b"STARTTLS" not in (line := connection.recv(4096).upper()):
        tag = line.split()[0]
        connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n")
    connection.sendall(line.split()[0] + b" OK go on\r\n")


def smtp_starttls(connection: socket.socket) -> None:
    """RFC 3207 section 4."""
    connection.sendall(b"220 localhost ESMTP\r\n")
    while b"STARTTLS" not in connection.recv(4096).upper():
        connection.sendall(b"250-localhost\r\n250 STARTTLS\r\n")
    connection.sendall(b"220 go on\r\n")


def ldap_starttls(connection: socket.socket) -> None:
    """RFC 4511 section 4.14: an extended request, and the answer success (0) to message 1."""
    request = connection.recv(4096)
    number = request[2 : 4 + request[3]]  # of a short message: 30 LENGTH 02 LENGTH-OF-NUMBER NUMBER
    answer = number + b"\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
    connection.sendall(bytes((0x30, len(answer))) + answer)


def postgresql(connection: socket.socket) -> None:
    """https://www.postgresql.org/docs/current/protocol-flow.html, "SSL Session Encryption": S, and TLS begins."""
    while connection.recv(8)[4:8] != b"\x04\xd2\x16\x2f":  # 80877103 asks for TLS, 80877104 before it for Kerberos
        connection.sendall(b"N")
    connection.sendall(b"S")


def mariadb(connection: socket.socket) -> None:
    """The server's greeting says that it can (CLIENT_SSL, 0x800), and the client's short packet that TLS begins."""
    capabilities = 0x81FFFFFF & ~0x01000000
    greeting = (
        b"\x0a8.0.36\x00\x01\x00\x00\x00" + b"saltsalt\x00"
        + (capabilities & 0xFFFF).to_bytes(2, "little") + b"\x2d\x02\x00" + (capabilities >> 16).to_bytes(2, "little")
        + b"\x15" + bytes(10) + b"saltsaltsalt\x00" + b"mysql_native_password\x00"
    )  # fmt: skip
    connection.sendall(len(greeting).to_bytes(3, "little") + b"\x00" + greeting)
    connection.recv(36)
