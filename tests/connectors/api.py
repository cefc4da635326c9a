"""One table of customers behind a web API whose every answer a test writes."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from servers.web import Asked, Reply, Web

from connectors import open_connector
from dsar.connector import Searches
from dsar.declaration import parse_declaration
from dsar.model import Identifier, IdentifierType, SearchResult
from dsar.search import search

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PERSON = Identifier(type=IdentifierType.EMAIL, value="bo@example.com")

TEMPLATE = """
name = "shop"
kind = "rest"
label = {{sv = "Butiken", en = "The shop"}}
canary = {{type = "email", value = "kanarie@example.com"}}
http = {{{http}}}
[[object]]
name = "customer"
label = {{sv = "Kund", en = "Customer"}}
key = "no"
activities = ["A1"]
find = [{{by = "email", columns = ["mail"], request = {{{request}}}}}]
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "identity", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
]
"""
FAST = "rate = {calls = 5000, at_once = 8}"
BY_MAIL = 'path = "/customers", query = {mail = "{value}"}'
ROWS: Sequence[dict[str, str]] = [{"no": f"K{number}", "mail": "bo@example.com"} for number in range(5)]
STARTS = {None: "2", "2": "4", "4": None}
BO = {"no": "K4", "mail": "bo@example.com"}


def declared(*, request: str, http: str = FAST, more: str = "") -> str:
    """The declaration; *more* are further lines of its object."""
    return TEMPLATE.format(http=http, request=request).replace('key = "no"', f'key = "no"\n{more}')


def connect(web: Web, *, http: str = FAST, request: str = BY_MAIL, more: str = "", **options: str) -> Any:
    declaration = parse_declaration(declared(http=http, request=request, more=more), source="shop.toml")
    return open_connector("rest", name="shop", declaration=declaration, options={"url": web.url, **options})


def look(*systems: Searches) -> SearchResult:
    return search(dict(zip(("shop", "office"), systems, strict=False)), [PERSON], now=NOW)


def paged(pages: int, failing: int = 0) -> Callable[[Asked], Reply]:
    """One row to a page; the page *failing* answers 500."""

    def answer(asked: Asked) -> Reply:
        number = int(asked.query["page"])
        if number == failing:
            return Reply(status=500, body={})
        mail = "bo@example.com" if number == pages else f"other{number}@example.com"
        return Reply(body=[{"no": f"K{number}", "mail": mail}] if number <= pages else [])

    return answer


PAGES = f'{FAST}, paging = {{style = "page", param = "page", size_param = "size", size = 100}}'
