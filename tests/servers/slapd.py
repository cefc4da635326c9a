"""
A real OpenLDAP server with an empty tree, and an account for each thing that can be wrong with one.

Everything lies in one directory and listens on loopback; it needs no rights of its own.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from servers.parts import PASSWORD, free_port, make_tls, missing

SUFFIX = "dc=example,dc=se"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
_ADMIN = f"cn=admin,{SUFFIX}"

#: `reader` reads, `writer` writes, `nosy` reads passwords, `blind` sees nobody, `half` sees all but the hidden ones.
_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/msuser.schema
modulepath {modules}
moduleload back_mdb
moduleload retcode
pidfile {dir}/slapd.pid
{tls}
database mdb
suffix {suffix}
rootdn {admin}
rootpw {password}
directory {dir}/data
maxsize 33554432
dbnosync
limits dn.exact="cn=reader,ou=services,{suffix}" size.prtotal=unlimited
limits dn.exact="cn=few,ou=services,{suffix}" size=2
limits dn.exact="cn=pages,ou=services,{suffix}" size.prtotal=501
access to attrs=userPassword
  by dn.exact="cn=nosy,ou=services,{suffix}" read
  by anonymous auth
  by * none
access to dn.subtree="{suffix}" filter=(description=hidden)
  by dn.exact="cn=half,ou=services,{suffix}" none
  by dn.exact="cn=blind,ou=services,{suffix}" search
  by dn.exact="cn=writer,ou=services,{suffix}" write
  by * read
access to dn.subtree="{people}"
  by dn.exact="cn=writer,ou=services,{suffix}" write
  by dn.exact="cn=blind,ou=services,{suffix}" search
  by users read
  by * none
access to *
  by dn.exact="cn=writer,ou=services,{suffix}" write
  by users read
  by * none
overlay retcode
retcode-parent "ou=broken,{suffix}"
retcode-item "ou=slow" 0x03
retcode-item "ou=busy" 0x33
retcode-item "ou=admin" 0x0b
"""
_TLS_CONF = """
TLSCACertificateFile {tls.ca_file}
TLSCertificateFile {tls.cert_file}
TLSCertificateKeyFile {tls.key_file}
TLSVerifyClient try
authz-regexp "cn=localhost" "cn=reader,ou=services,dc=example,dc=se"
"""
_SERVICES = ("reader", "writer", "nosy", "blind", "half", "few", "pages")


def service(name: str) -> str:
    return f"cn={name},ou=services,{SUFFIX}"


@dataclass(frozen=True, kw_only=True)
class DirectoryServer:
    """A running slapd with empty ou=people and ou=groups."""

    directory: Path
    port: int  #: Plain, and StartTLS.
    tls_port: int
    ca_file: Path
    process: subprocess.Popen[bytes]

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, Any]) -> None:
        with self.adding() as add:
            add(dn, classes, attributes)

    @contextmanager
    def adding(self) -> Iterator[Callable[[str, Sequence[str], Mapping[str, Any]], None]]:
        """Adds many entries over one connection."""
        with self._admin() as admin:

            def add(dn: str, classes: Sequence[str], attributes: Mapping[str, Any]) -> None:
                assert admin.add(dn, [*classes], dict(attributes)), admin.result

            yield add

    def person(self, uid: str, **attributes: Any) -> str:
        """Adds ou=people's *uid* and gives its name."""
        dn = f"uid={uid},{PEOPLE}"
        values = {"cn": uid, "sn": uid, **{name: value for name, value in attributes.items() if value}}
        self.add(dn, ["inetOrgPerson"], values)
        return dn

    def change(self, dn: str, **values: Any) -> None:
        """Replace attributes; [] removes one."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, value if isinstance(value, list) else [value])]
            for name, value in values.items()
        }
        with self._admin() as admin:
            assert admin.modify(dn, changes), admin.result

    def move(self, dn: str, above: str) -> None:
        with self._admin() as admin:
            assert admin.modify_dn(dn, dn.partition(",")[0], new_superior=above), admin.result

    def remove(self, dn: str) -> None:
        with self._admin() as admin:
            assert admin.delete(dn), admin.result

    def stored(self, dn: str) -> dict[str, list[bytes]] | None:
        """{attribute: values} of one entry; None if it is not there."""
        with self._admin() as admin:
            admin.search(dn, "(objectClass=*)", search_scope=ldap3.BASE, attributes=["*"])
            found = [each for each in admin.response or () if each["type"] == "searchResEntry"]
            return {name: list(values) for name, values in found[0]["raw_attributes"].items()} if found else None

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        with ldap3.Connection(server, _ADMIN, PASSWORD, auto_bind=True) as connection:
            yield connection


@contextmanager
def slapd(directory: Path, *, tls: bool = True) -> Iterator[DirectoryServer]:
    """Args: tls: False: it knows no encryption at all."""
    program = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
    modules = next(iter(Path("/usr/lib").glob("**/ldap/back_mdb.so")), None)
    if program is None or modules is None:
        missing("slapd (OpenLDAP)")
    (directory / "data").mkdir(parents=True)
    files = make_tls(directory / "tls")
    config = directory / "slapd.conf"
    values = {"dir": directory, "modules": modules.parent, "suffix": SUFFIX, "people": PEOPLE, "admin": _ADMIN}
    encryption = _TLS_CONF.format(tls=files) if tls else ""
    config.write_text(_CONF.format(**values, password=PASSWORD, tls=encryption))
    port, tls_port = free_port(), free_port()
    addresses = ("127.0.0.1", "127.0.0.2")  # the certificate is for the first
    urls = " ".join(f"ldap://{each}:{port}/" + f" ldaps://{each}:{tls_port}/" * tls for each in addresses)
    with (directory / "slapd.log").open("wb") as log:
        process = subprocess.Popen([program, "-f", str(config), "-h", urls, "-d", "config"], stdout=log, stderr=log)
    server = DirectoryServer(directory=directory, port=port, tls_port=tls_port, ca_file=files.ca_file, process=process)
    try:
        _await_root(server)
        for dn in (PEOPLE, GROUPS, f"ou=services,{SUFFIX}"):
            server.add(dn, ["organizationalUnit"], {})
        for name in _SERVICES:
            server.add(service(name), ["organizationalRole", "simpleSecurityObject"], {"userPassword": PASSWORD})
        yield server
    finally:
        process.kill()  # its files are thrown away
        process.wait(timeout=15)


def _await_root(server: DirectoryServer) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(LDAPException, OSError):
            return server.add(SUFFIX, ["dcObject", "organization"], {"o": "Example"})
        time.sleep(0.02)
    raise TimeoutError(f"slapd does not answer: {(server.directory / 'slapd.log').read_text()[-500:]}")
