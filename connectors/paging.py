"""
A request for many rows -> its pages, to the very last, or an error.

Effects: asks the given caller. A page that is missing, repeated, or that the system will not give makes the whole read
a failed one (P5).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jmespath

from connectors.calls import Answer, Caller, Extra
from dsar.declaration import Paging, WebRequest
from dsar.errors import SystemContractError, SystemUnavailableError

#: More than any person has; ends the reading of a system that never does.
_MOST_PAGES = 20_000


def rows_of(caller: Caller, request: WebRequest, values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Every row of the answer to *request*. Raises: as Caller.call."""
    paging = request.paging or (caller.http.paging if request.paged else None)
    if paging is None:
        answer = caller.call(request, values)
        yield from _rows(caller, request, answer)
        return
    seen, place = 0, _Place(caller.name, paging)
    for number in range(_MOST_PAGES):
        answer = caller.call(request, values, extra=place.extra())
        rows = _rows(caller, request, answer)
        yield from rows
        seen += len(rows)
        if place.is_last(answer, rows, seen):
            _check_total(caller.name, paging, answer, seen)
            return
        if paging.cap and number + 1 >= paging.cap:
            raise SystemUnavailableError(caller.name, f"it gives no more than {paging.cap} pages, and there are more")
        place.advance(answer, rows)
    raise SystemUnavailableError(caller.name, "its answer never ends")


def _rows(caller: Caller, request: WebRequest, answer: Answer) -> list[dict[str, Any]]:
    if answer.status in request.nothing:
        return []
    rows = jmespath.search(request.rows, answer.body)
    if rows is None and request.null_is_nothing and answer.body is not None:
        return []
    if isinstance(rows, dict):
        return [rows]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SystemContractError(caller.name, f"there are no rows at {request.rows!r} of its answer")
    return rows


def _check_total(system: str, paging: Paging, answer: Answer, seen: int) -> None:
    total = jmespath.search(paging.total, answer.body) if paging.total else None
    if paging.total and not isinstance(total, int):
        raise SystemContractError(system, f"there is no number at {paging.total!r} of its answer")
    if isinstance(total, int) and seen < total:
        raise SystemUnavailableError(system, f"it gave {seen} of {total} rows")


class _Place:
    """Where in the pages we are."""

    def __init__(self, system: str, paging: Paging) -> None:
        self._system, self._paging = system, paging
        self._at: int | str | None = {"page": paging.first, "offset": 0}.get(paging.style)
        self._link: str | None = None
        self._been: set[object] = set()
        self._last_rows: list[dict[str, Any]] = []

    def extra(self) -> Extra:
        sent: dict[str, int | str] = {self._paging.size_param: self._paging.size} if self._paging.size_param else {}
        if self._at is not None:
            sent[self._paging.param] = self._at
        if self._link:
            return Extra(url=self._link)
        if self._paging.place == "body":
            return Extra(body=sent)
        return Extra(query={name: str(value) for name, value in sent.items()})

    def is_last(self, answer: Answer, rows: list[dict[str, Any]], seen: int) -> bool:
        """Servers cap the size of a page as they please, so a page that is not full proves nothing."""
        if self._paging.more:
            return not jmespath.search(self._paging.more, answer.body)
        if self._paging.style in {"cursor", "link_header", "body_link"}:
            return self._next(answer) is None
        total = jmespath.search(self._paging.total, answer.body) if self._paging.total else None
        return not rows or (isinstance(total, int) and seen >= total)

    def advance(self, answer: Answer, rows: list[dict[str, Any]]) -> None:
        match self._paging.style:
            case "page":
                self._at = int(self._at or 0) + 1
            case "offset":
                self._at = int(self._at or 0) + len(rows)
            case "cursor":
                self._at = self._next(answer)
            case _:
                self._link = self._next(answer)
        here = self._link or self._at
        if here is None or here in self._been or (rows and rows == self._last_rows):
            raise SystemUnavailableError(self._system, "its pages go round in a circle")
        self._been.add(here)
        self._last_rows = rows

    def _next(self, answer: Answer) -> str | None:
        if self._paging.style == "link_header":
            return _linked(answer)
        found = jmespath.search(self._paging.next or "@", answer.body)
        return str(found) if found not in (None, "", False) else None


def _linked(answer: Answer) -> str | None:
    """RFC 8288: the target of the link with relation "next", resolved against where it was read."""

    links = httpx.Response(200, headers=answer.headers).links
    target = links.get("next", {}).get("url")
    return str(answer.url.join(target)) if target else None
