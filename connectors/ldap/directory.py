"""
A directory server (LDAP, RFC 4511) -> its entries with their stored bytes; guarded changes to them.

Effects: the network, to the one host of option `url`; a referral to another one is not followed, for it would carry the
password there. TLS is Python's own, verified, by LDAPS or StartTLS; without it only this very machine is spoken to.
What a server says in words is not passed on, for it may quote names (P9).
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPStartTLSError
from ldap3.protocol.rfc4511 import EqualityMatch, Filter
from ldap3.utils.conv import escape_filter_chars
from pyasn1.codec.ber.encoder import encode

from connectors.ldap.names import canonical_dn
from dsar.errors import DsarError, SystemContractError, SystemDriftError, SystemRefusedError, SystemUnavailableError

#: RFC 4515: the filter that every entry fits.
ANY = "(objectClass=*)"
_PAGE = 500
#: RFC 4511 section 4.1.9: what a search ended with before it was through -> what that means.
_ENDED_EARLY = {
    3: "the time limit was reached",
    4: "the size limit was reached",
    10: "part of it lies on another server",
    11: "a limit of the server was reached",
}
_NOT_THERE = 32
#: No such attribute, no such entry, a value that is there already, an assertion that failed: not as it was read.
_CHANGED = frozenset({16, 20, 32, 122})
_NO_SUCH_VALUE, _INAPPROPRIATE_MATCHING = 16, 18
_REFUSED = {
    7: "it does not know the way of logging in",
    8: "it wants a stronger log-in",
    13: "it wants an encrypted connection",
    19: "a rule of the directory forbids the value",
    21: "the value does not fit its attribute",
    48: "it does not allow this way of logging in",
    49: "the user or the password is wrong",
    50: "the account may not do that",
    53: "it is unwilling",
    64: "the value is part of the entry's name",
    65: "the entry would no longer be as its schema demands",
    66: "entries lie below it",
    67: "the value is part of the entry's name",
}
#: RFC 4528: a change is made only if a filter holds.
_ASSERTION = "1.3.6.1.1.12"


@dataclass(frozen=True, kw_only=True)
class Account:
    """How one account gets into the directory."""

    host: str
    port: int
    tls: ssl.SSLContext | None  #: None: without TLS, on this machine only.
    tls_first: bool  #: ldaps://, else StartTLS (RFC 4513 section 3).
    user: str  #: Distinguished name; "": anonymous, unless *by_certificate*.
    password: str
    by_certificate: bool  #: What *tls* shows of us is the log-in (SASL EXTERNAL, RFC 4422 appendix A).
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry as it is stored."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]  #: By their name in small letters, without options (RFC 4512 s. 2.5).

    def texts(self, attribute: str) -> list[str]:
        return [value.decode("utf-8", "replace") for value in self.attributes.get(attribute.lower(), ())]


class Directory:
    """
    One log-in, open while the `with` block runs.

    Raises in every method: SystemUnavailableError, SystemRefusedError, SystemContractError.
    """

    def __init__(self, system: str, account: Account) -> None:
        self.system = system
        self._account = account
        tls = _VerifiedTls(account.tls, account.host) if account.tls else None
        self._tls = tls
        self._server = ldap3.Server(
            account.host,
            account.port,
            use_ssl=account.tls is not None and account.tls_first,
            tls=tls,
            get_info=ldap3.ALL,
            connect_timeout=account.timeout_seconds,
        )
        self._connection: Any = None

    def __enter__(self) -> Self:
        account = self._account
        with self._translated():
            self._connection = ldap3.Connection(
                self._server,
                user=account.user or None,
                password=account.password or None,
                **_way_in(account),
                auto_referrals=False,
                auto_range=True,
                check_names=False,
                receive_timeout=account.timeout_seconds,
            )
            self._connection.open(read_server_info=False)
            if account.tls is not None and not account.tls_first:
                self._connection.start_tls(read_server_info=False)
            self._connection.bind(read_server_info=False)
            self._expect_done("log in")
            self._connection.refresh_server_info()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(LDAPException, OSError):
            self._connection.unbind()

    # ---------------------------------------------------------------------------------------------------- its schema

    @property
    def schema(self) -> Any:  # noqa: ANN401  # ldap3's, which has no useful type
        """Raises: SystemContractError if the server shows none: a misspelt attribute would look like an empty one."""
        schema = self._server.schema
        if schema is None or not schema.attribute_types:
            raise SystemContractError(self.system, "its schema cannot be read, so no attribute can be checked")
        return schema

    @property
    def naming_contexts(self) -> list[str]:
        """The roots of all that the server holds."""
        return list(self._server.info.naming_contexts or []) if self._server.info else []

    # ------------------------------------------------------------------------------------------------------- reading

    def read(
        self, base: str, filter_: str, attributes: Iterable[str], *, below: bool = True, names_only: bool = False
    ) -> tuple[list[Entry], str]:
        """
        (the entries at and below *base* that fit *filter_*, why that is not all of them or "").

        Args: filter_: as RFC 4515 writes it, values escaped; below: False for the one at *base* alone; names_only:
        attributes come without their values.
        Raises: SystemContractError if nothing is at *base*, or nothing that the account may see.
        """
        found: list[Entry] = []
        problem = ""
        cookie: Any = None
        while True:
            with self._translated():
                self._connection.search(
                    base,
                    filter_,
                    search_scope=ldap3.SUBTREE if below else ldap3.BASE,
                    dereference_aliases=ldap3.DEREF_NEVER,
                    attributes=sorted({*attributes}) or [ldap3.NO_ATTRIBUTES],
                    types_only=names_only,
                    paged_size=_PAGE,
                    paged_cookie=cookie,
                )
                found += self._entries()
            problem = self._ended() or problem
            # RFC 2696: the server ends with an empty cookie.
            control = self._connection.result.get("controls", {}).get("1.2.840.113556.1.4.319", {})
            cookie = control.get("value", {}).get("cookie")
            if not cookie or self._connection.result["result"] != 0:
                return found, problem

    def by_attribute(self, bases: Iterable[str], name: str, value: bytes, attributes: Iterable[str]) -> list[Entry]:
        """
        The entries of which attribute *name* is *value*, each once.

        Args: bases: the first must be there; of the others, those that the account may not see are passed over.
        """
        filter_ = f"({name}={escape_filter_chars(value)})"
        found: dict[str, Entry] = {}
        problems: list[str] = []
        for number, base in enumerate(bases):
            try:
                entries, problem = self.read(base, filter_, attributes)
            except (SystemContractError, SystemRefusedError):
                if number == 0:
                    raise
                continue
            problems += [problem] if problem else []
            found |= {canonical_dn(each.dn): each for each in entries}
        if problems and not found:
            raise SystemUnavailableError(self.system, problems[0])
        return list(found.values())

    def _entries(self) -> Iterator[Entry]:
        for answer in self._connection.response or ():
            if answer["type"] == "searchResEntry":
                yield _entry(answer["dn"], answer["raw_attributes"])

    def _ended(self) -> str:
        """Why the search that has just ended did not give everything. Raises: as the class says."""
        code = self._connection.result["result"]
        if code in _ENDED_EARLY:
            return _ENDED_EARLY[code]
        if code == _NOT_THERE:
            raise SystemContractError(self.system, "there is nothing at the base, or nothing that the account may see")
        self._expect_done("search")
        answers = self._connection.response or ()
        # RFC 4511 section 4.5.3: the rest of the answer is to be had from another server.
        if any(answer["type"] == "searchResRef" for answer in answers):
            return _ENDED_EARLY[10]
        if any(";range=" in name.lower() for answer in answers for name in answer.get("raw_attributes", ())):
            return "an attribute came only in part"
        return ""

    # ------------------------------------------------------------------------------------------------------ changing

    def modify(self, entry: Entry, after: Mapping[str, Sequence[bytes]], *, object_: str) -> None:
        """
        Make the values of each attribute in *after* just these, in one step.

        Only what differs is taken out and put in, by value: a value that somebody else has changed stops the step.
        Raises: SystemDriftError too.
        """
        changes: dict[str, list[tuple[str, list[bytes]]]] = {}
        for name, values in after.items():
            before = entry.attributes.get(name.lower(), ())
            gone, new = [v for v in before if v not in values], [v for v in values if v not in before]
            changes[name] = [(ldap3.MODIFY_DELETE, gone)] * bool(gone) + [(ldap3.MODIFY_ADD, new)] * bool(new)
        with self._translated():
            self._connection.modify(entry.dn, changes, controls=self._only_as_read(entry))
            # RFC 4511 section 4.6: values of an attribute without an equality rule, as pictures, cannot be named.
            if self._connection.result["result"] == _INAPPROPRIATE_MATCHING:
                whole = {name: [(ldap3.MODIFY_REPLACE, list(values))] for name, values in after.items()}
                self._connection.modify(entry.dn, whole, controls=self._only_as_read(entry))
        self._expect_changed(object_)

    def delete(self, entry: Entry, *, object_: str) -> None:
        """Raises: SystemDriftError too; SystemRefusedError also if entries lie below it."""
        with self._translated():
            self._connection.delete(entry.dn, controls=self._only_as_read(entry))
        self._expect_changed(object_)

    def may_modify(self, dn: str, attribute: str, absent: bytes) -> bool:
        """Whether the account may change *attribute*: it is asked to take out *absent*, a value that is not there."""
        with self._translated():
            self._connection.modify(dn, {attribute: [(ldap3.MODIFY_DELETE, [absent])]})
        return bool(self._connection.result["result"] == _NO_SUCH_VALUE)

    def shows_passwords(self, base: str) -> bool:
        """Whether the account may read what passwords are proven by."""
        entries, _ = self.read(base, "(userPassword=*)", ["userPassword"], names_only=True)
        return any("userpassword" in entry.attributes for entry in entries)

    def _only_as_read(self, entry: Entry) -> list[tuple[str, bool, bytes]] | None:
        """The control that lets a change through only if the entry is still the one that was read (RFC 4528)."""
        supported = {each[0] for each in (self._server.info.supported_controls or ())} if self._server.info else set()
        stamps = entry.texts("entrycsn")
        if _ASSERTION not in supported or not stamps:
            return None
        unchanged = EqualityMatch()
        unchanged["attributeDesc"], unchanged["assertionValue"] = "entryCSN", stamps[0]
        filter_ = Filter()
        filter_["equalityMatch"] = unchanged
        return [(_ASSERTION, True, encode(filter_))]

    # -------------------------------------------------------------------------------------------------------- errors

    def _expect_changed(self, object_: str) -> None:
        if self._connection.result["result"] in _CHANGED:
            raise SystemDriftError(self.system, object_)
        self._expect_done("change")

    def _expect_done(self, what: str) -> None:
        code = self._connection.result["result"]
        if code in _REFUSED:
            raise SystemRefusedError(self.system, f"{_REFUSED[code]} (LDAP {code})")
        if code != 0:
            raise SystemUnavailableError(self.system, f"it could not {what} (LDAP {code})")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The errors of the library, which quote what was sent, as ours, which do not."""
        try:
            yield
        except DsarError:
            raise
        except (LDAPException, OSError) as error:
            cause = "it offers no encryption (StartTLS)" if isinstance(error, LDAPStartTLSError) else _kind(error)
            if self._tls is not None and self._tls.untrusted:
                cause = "its certificate is not trusted"
            raise SystemUnavailableError(self.system, cause) from None


def _way_in(account: Account) -> dict[str, Any]:
    if account.by_certificate:  # RFC 4422 appendix A: an empty response, for we act as nobody else
        return {"authentication": ldap3.SASL, "sasl_mechanism": ldap3.EXTERNAL, "sasl_credentials": ""}
    return {"authentication": ldap3.SIMPLE if account.user else ldap3.ANONYMOUS}


class _VerifiedTls(ldap3.Tls):
    """The library's own way of TLS believes any certificate unless told not to, and compares host names itself."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context, self._host = context, host
        self.untrusted = False

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002  # as there
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except ssl.SSLCertVerificationError:
            self.untrusted = True
            raise


def _entry(dn: str, raw: Mapping[str, Sequence[bytes] | None]) -> Entry:
    attributes: dict[str, tuple[bytes, ...]] = {}
    for name, values in raw.items():
        bare = name.partition(";")[0].lower()
        attributes[bare] = (*attributes.get(bare, ()), *(values or ()))
    return Entry(dn=dn, attributes=attributes)


def _kind(error: Exception) -> str:
    """The library makes classes as it goes; the first that it names itself."""
    return next(
        (each.__name__ for each in type(error).__mro__ if each.__module__ == LDAPException.__module__), "OSError"
    )
