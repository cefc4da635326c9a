"""Address book servers: Radicale and Xandikos, with one empty book."""

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from servers.parts import PASSWORD, TlsFiles, free_port, missing

_MAKE_BOOK = (
    '<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/>'
    "<C:addressbook/></resourcetype></prop></set></mkcol>"
)


class BookServer:
    """A running server; `home` holds address books, one of them is `book`."""

    def __init__(self, home: str, *, ca_file: Path | None = None) -> None:
        self.home = home
        self.book = f"{home}people/"
        self.client = httpx.Client(
            auth=("office", PASSWORD), trust_env=False, verify=ssl.create_default_context(cafile=ca_file)
        )
        self.make_book("people")

    def make_book(self, name: str) -> None:
        headers = {"Content-Type": "application/xml"}
        self.client.request("MKCOL", f"{self.home}{name}/", content=_MAKE_BOOK, headers=headers).raise_for_status()

    def put(self, name: str, card: str, *, book: str = "people") -> None:
        headers = {"Content-Type": "text/vcard"}
        url = f"{self.home}{book}/{name}.vcf"
        self.client.put(url, content=card.encode(), headers=headers).raise_for_status()

    def stored(self, name: str) -> str:
        return self.client.get(f"{self.book}{name}.vcf").raise_for_status().text


@contextmanager
def radicale(directory: Path, *, tls: TlsFiles | None = None) -> Iterator[BookServer]:
    """User "office" with the password of every test server."""
    users = directory / "users"
    users.write_text(f"office:{PASSWORD}\n")
    port = free_port()
    options = ["--config", "", "--hosts", f"127.0.0.1:{port}", "--storage-filesystem-folder", str(directory / "books")]
    options += ["--auth-type", "htpasswd", "--auth-htpasswd-filename", str(users)]
    options += ["--auth-htpasswd-encryption", "plain"]
    if tls is not None:
        options += ["--server-ssl", "--server-certificate", str(tls.cert_file), "--server-key", str(tls.key_file)]
    with _running("radicale", options, port):
        scheme = "https" if tls else "http"
        yield BookServer(f"{scheme}://127.0.0.1:{port}/office/", ca_file=tls.ca_file if tls else None)


@contextmanager
def xandikos(directory: Path) -> Iterator[BookServer]:
    """Lets anybody in, so it proves nothing about log-ins."""
    port = free_port()
    options = ["--directory", str(directory / "books"), "--listen-address", "127.0.0.1", "--port", str(port)]
    with _running("xandikos", [*options, "--current-user-principal", "/office/", "--defaults"], port):
        yield BookServer(f"http://127.0.0.1:{port}/office/contacts/")


@contextmanager
def _running(program: str, options: list[str], port: int) -> Iterator[None]:
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        missing(program)
    process = subprocess.Popen([str(path), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_listening(port)
        yield
    finally:
        process.kill()  # asked to end, Xandikos waits for every connection that a client keeps
        process.wait(timeout=15)


def _await_listening(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"no server answers on port {port}")
