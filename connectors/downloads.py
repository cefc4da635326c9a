"""
Documents of a web API: what a record tells of them, and their bytes.

Effects: requests to the API through the given caller. A document on another host is fetched only if option
`file_hosts` names that host, and without log-in, cookies or headers of the API: its address is the proof.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jmespath

from connectors import attached
from connectors.calls import Answer, Caller, Extra, origin
from connectors.matching import as_text
from dsar.declaration import DeclaredDocument, DeclaredObject, WebRequest
from dsar.errors import SystemRefusedError, SystemUnavailableError
from dsar.model import Document

_MOVED = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})


def documents(declared: DeclaredObject, raw: Mapping[str, Any]) -> Iterator[Document]:
    """The documents that the record *raw* tells of; place: number of the entry, ":", key of the document."""
    for number, entry in enumerate(declared.documents):
        for item in _items(entry, raw):
            id_ = _text(entry.key, item)
            if entry.link and not _text(entry.link, item):
                continue
            if not entry.link and entry.key and not id_:
                continue
            paths = filter(None, (entry.name, entry.media_type, entry.size, entry.sha256))
            yield attached.told(entry, {path: _text(path, item) for path in paths}, place=f"{number}:{id_}")


def link_of(declared: DeclaredObject, document: Document, raw: Mapping[str, Any]) -> str:
    """Where the record *raw*, read this moment, says that the document lies; "" if it is gone."""
    number, _, id_ = document.place.partition(":")
    entry = declared.documents[int(number)]
    mine = (item for item in _items(entry, raw) if _text(entry.key, item) == id_)
    return next((_text(entry.link, item) for item in mine), "")


def _items(entry: DeclaredDocument, raw: Mapping[str, Any]) -> list[Any]:
    return (jmespath.search(entry.each, raw) or []) if entry.each else [raw]


def _text(path: str | None, item: object) -> str:
    return as_text(jmespath.search(path, item)) if path else ""


# ---------------------------------------------------------------------------------------------------------- fetching


def by_request(caller: Caller, request: WebRequest, values: Mapping[str, str], document: Document) -> bytes | None:
    """The bytes, None if they are gone. Raises: as Caller.call."""
    return _bytes(caller, caller.call(request, values, accept=_MOVED | _GONE, extra=Extra(raw=True)), document)


def by_link(caller: Caller, link: str, document: Document) -> bytes | None:
    """The bytes, None if they are gone. Raises: as Caller.call."""
    url = httpx.URL(caller.options["url"]).join(link)
    if origin(url) != origin(httpx.URL(caller.options["url"])):
        return _elsewhere(caller, url, document)
    answer = caller.call(WebRequest(path="/"), {}, accept=_MOVED | _GONE, extra=Extra(url=link, raw=True))
    return _bytes(caller, answer, document)


def _bytes(caller: Caller, answer: Answer, document: Document) -> bytes | None:
    if answer.status in _MOVED:
        return _elsewhere(caller, answer.url.join(answer.headers.get("Location", "")), document)
    return _content(caller, answer, document)


def _elsewhere(caller: Caller, url: httpx.URL, document: Document) -> bytes | None:
    if not any(origin(url) == origin(host) for host in caller.file_hosts):
        raise SystemRefusedError(caller.name, "it keeps a document on another host, which file_hosts does not name")
    answer = caller.foreign(url)
    if answer.status not in _GONE and not 200 <= answer.status < 300:
        raise caller.refused(answer)
    return _content(caller, answer, document)


def _content(caller: Caller, answer: Answer, document: Document) -> bytes | None:
    if answer.status in _GONE:
        return None
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"} and document.media_type != kind:
        # A session that ran out is often answered with a page to log in on, and status 200.
        raise SystemUnavailableError(caller.name, "it answers with a web page instead of a document")
    return bytes(answer.body)
