"""
An address book server (CardDAV, RFC 6352) -> its cards as bytes with their ETags; guarded changes to them.

Effects: sends requests to the one host of option `url`. Redirects are refused, TLS certificates verified, proxies and
.netrc of the environment ignored; entities in XML are refused. Neither addresses nor answers stand in errors (P9).
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.calls import origin, pinned, retry_after
from connectors.trust import trust
from connectors.turns import InTurn
from dsar.declaration import Rate
from dsar.errors import SystemContractError, SystemDriftError, SystemRefusedError, SystemUnavailableError

_DAV, _CARD = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
_LARGEST_ANSWER_BYTES = 64_000_000
_TIMEOUT_SECONDS = 60
#: Longest pause that a server may ask for; the search is tried again later.
_PATIENCE_SECONDS = 120.0
_BATCH = 100
_GONE = frozenset({404, 410})


@dataclass(frozen=True, kw_only=True)
class StoredCard:
    """One card as the server keeps it."""

    href: str  #: Path on the host, as the server writes it.
    etag: str
    content: bytes


class AddressBooks(InTurn):
    """The address books below one URL."""

    def __init__(self, name: str, options: Mapping[str, str], rate: Rate | None) -> None:
        self.name = name
        self._bear(rate)
        self._url = pinned(name, "url", options["url"])
        self._named = options.get("books", "").split()
        self.client = httpx.Client(
            auth=(options["user"], options["password"]),
            verify=trust(name, options.get("ca_file")),
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    def cards(self) -> tuple[list[StoredCard], int]:
        """(every card of every book, how many of those that are listed did not come back)."""
        found: list[StoredCard] = []
        listed = 0
        for book in self.books():
            hrefs = list(self._listed(book))
            listed += len(hrefs)
            for some in _batches(hrefs):
                found += self._bodies(book, some)
        return found, listed - len(found)

    def books(self) -> list[str]:
        """Paths of the address books. Raises: SystemContractError if there is none."""
        if self._named:
            return [self._path(each) for each in self._named]
        found = [
            self._path(href)
            for href, props in self._propfind(self._url.path, "resourcetype")
            if props.find(f"{_DAV}resourcetype/{_CARD}addressbook") is not None
        ]
        if not found:
            raise SystemContractError(self.name, "there is no address book at its address")
        return found

    def card(self, href: str) -> StoredCard | None:
        """The card as it is now, None if it is gone. Raises: SystemContractError if it is in none of the books."""
        path = self._path(href)
        if not any(_plain(path).startswith(_plain(book).rstrip("/") + "/") for book in self.books()):
            raise SystemContractError(self.name, "a step names a card outside the address books")
        response = self._send("GET", path)
        if response.status_code in _GONE:
            return None
        self._demand(response, {200})
        etag = response.headers.get("ETag", "")
        if not etag:
            raise SystemContractError(self.name, "it gives no ETag")
        return StoredCard(href=href, etag=etag, content=response.content)

    def replace(self, card: StoredCard, content: bytes, *, object_: str) -> None:
        """Raises: SystemDriftError if *card* is no longer what the server keeps."""
        headers = {"If-Match": card.etag, "Content-Type": "text/vcard; charset=utf-8"}
        self._guarded(self._send("PUT", self._path(card.href), headers=headers, content=content), object_)

    def remove(self, card: StoredCard, *, object_: str) -> None:
        """Raises: SystemDriftError if *card* is no longer what the server keeps."""
        response = self._send("DELETE", self._path(card.href), headers={"If-Match": card.etag})
        if response.status_code not in _GONE:
            self._guarded(response, object_)

    def _guarded(self, response: httpx.Response, object_: str) -> None:
        if response.status_code == 412:  # RFC 9110 section 13.1.1: it was changed meanwhile
            raise SystemDriftError(self.name, object_)
        self._demand(response, {200, 201, 204})

    def _listed(self, book: str) -> Iterator[str]:
        for href, props in self._propfind(book, "getetag", "resourcetype"):
            if props.find(f"{_DAV}resourcetype/{_DAV}collection") is None and _plain(href) != _plain(book):
                yield href

    def _bodies(self, book: str, hrefs: Sequence[str]) -> Iterator[StoredCard]:
        """Those of *hrefs* that come back whole, each once (RFC 6352 section 8.7)."""
        query = Element(f"{_CARD}addressbook-multiget")
        wanted = SubElement(query, f"{_DAV}prop")
        SubElement(wanted, f"{_DAV}getetag")
        SubElement(wanted, f"{_CARD}address-data")
        for href in hrefs:
            SubElement(query, f"{_DAV}href").text = href
        asked = {_plain(href): href for href in hrefs}
        for answered, props in self._responses(self._send("REPORT", book, headers={"Depth": "0"}, xml=query)):
            data = props.findtext(f"{_CARD}address-data")
            told = asked.pop(_plain(answered), None) if data else None
            if data and told is not None:
                yield StoredCard(href=told, etag=props.findtext(f"{_DAV}getetag") or "", content=data.encode())

    def _propfind(self, path: str, *names: str) -> Iterator[tuple[str, Element]]:
        query = Element(f"{_DAV}propfind")
        wanted = SubElement(query, f"{_DAV}prop")
        for name in names:
            SubElement(wanted, f"{_DAV}{name}")
        return self._responses(self._send("PROPFIND", path, headers={"Depth": "1"}, xml=query), whole=True)

    def _responses(self, response: httpx.Response, *, whole: bool = False) -> Iterator[tuple[str, Element]]:
        """
        (href, the properties that came back) of each resource.

        Args: whole: a resource that failed means that the list was cut (507, RFC 4918 section 11.5) and has failed.
        """
        self._demand(response, {207})
        try:
            # Quadratic blow-up and files of our own: no DTD is ever needed here.
            root = fromstring(response.content, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            raise SystemContractError(self.name, "its answer is not whole XML") from None
        if root.tag != f"{_DAV}multistatus":
            raise SystemContractError(self.name, "its answer is no list")
        for each in root.findall(f"{_DAV}response"):
            failed = _code(each.findtext(f"{_DAV}status")) >= 300
            if failed and whole:
                raise SystemUnavailableError(self.name, "it lists only a part of what it holds")
            props = Element("props")
            for stat in each.findall(f"{_DAV}propstat"):
                if _code(stat.findtext(f"{_DAV}status")) == 200:
                    props.extend(stat.iterfind(f"{_DAV}prop/*"))
            yield self._path((each.findtext(f"{_DAV}href") or "").strip()), props

    def _path(self, href: str) -> str:
        """The path of *href* on our host. Raises: SystemContractError if it leads to another."""
        try:
            url = self._url.join(href)
        except httpx.InvalidURL:
            raise SystemContractError(self.name, "it names what is no address") from None
        if not href or origin(url) != origin(self._url):
            raise SystemContractError(self.name, "a link leads to another host")
        return url.raw_path.decode("ascii")

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        xml: Element | None = None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if xml is not None:
            content, sent["Content-Type"] = tostring(xml, "utf-8", xml_declaration=True), "application/xml"
        url = self._url.join(path)
        try:
            with self._turns.turn(), self.client.stream(method, url, headers=sent, content=content) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST_ANSWER_BYTES:
                        raise SystemContractError(self.name, "an answer is larger than any should be")
                kept = {"ETag": response.headers["ETag"]} if "ETag" in response.headers else {}
                if response.status_code in {429, 503}:  # RFC 6585 section 4, RFC 9110 section 15.6.4
                    self._turns.pause(min(retry_after(response.headers), _PATIENCE_SECONDS))
                return httpx.Response(response.status_code, headers=kept, content=bytes(body))
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise SystemUnavailableError(self.name, type(error).__name__) from None

    def _demand(self, response: httpx.Response, wanted: set[int]) -> None:
        code = response.status_code
        if code in wanted:
            return
        if code >= 500 or code in {408, 429}:
            raise SystemUnavailableError(self.name, f"HTTP {code}")
        if code in {401, 403, 405} or 300 <= code < 400:
            raise SystemRefusedError(self.name, f"HTTP {code}")
        raise SystemContractError(self.name, f"HTTP {code}")


def _plain(path: str) -> str:
    """Servers escape one path in several ways."""
    return unquote(path)


def _code(status: str | None) -> int:
    """Of "HTTP/1.1 200 OK"; 0 if there is none."""
    words = (status or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isascii() and words[1].isdecimal() else 0


def _batches(hrefs: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(hrefs), _BATCH):
        yield hrefs[at : at + _BATCH]
