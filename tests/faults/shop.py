"""A web shop behind a REST API that fails, stalls, answers late and lies on demand, and keeps what was done to it."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from servers.web import Asked, Reply

#: Seconds that dsar waits for the shop, as its settings say.
PATIENCE = 1

#: What the shop does to one request instead of answering it.
Lapse = Literal["500", "500 after", "busy", "late", "never", "half", "page", "404", "said not done"]

_WRITES = {"PATCH", "DELETE"}
#: These wait for a change: that a search lies nobody can know.
_OF_WRITES: set[Lapse] = {"said not done", "404"}
_UNTOLD: dict[str, Reply] = {
    "500": Reply(status=500, body={}),
    "busy": Reply(status=503, body={}, headers={"Retry-After": "1"}),
    "never": Reply(never=True),
    "page": Reply(body=b"<html>Log in</html>", headers={"Content-Type": "text/html"}),
    "404": Reply(status=404, body={}),
}

DECLARATION = """
name = "shop"
kind = "rest"
label = {sv = "Webbutiken", en = "The shop"}
canary = {type = "email", value = "kanarie@xelent.example"}
http = {auth = {style = "bearer"}, rate = {calls = 500}}
[[object]]
name = "buyer"
label = {sv = "Kund", en = "Customer"}
key = "no"
activities = ["A1"]
web.read = {path = "/customers/{key}", rows = "@", nothing = [404], paged = false}
web.change = {method = "PATCH", path = "/customers/{key}"}
web.remove = [{method = "DELETE", path = "/customers/{key}"}]
find = [{by = "email", columns = ["mail"], request = {path = "/customers", query = {mail = "{value}"}}}]
erase = {action = "delete"}
suppress = {column = "offers", value = "0"}
update = {phone = "phone"}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "phone", label = {sv = "Telefon", en = "Phone"}, category = "contact", asserted_by = "company", writable = true},
  {column = "record", label = {sv = "Utdrag", en = "Extract"}, category = "criminal", asserted_by = "company"},
  {column = "offers", label = {sv = "Erbjudanden", en = "Offers"}, category = "marketing", asserted_by = "company"},
]
"""  # noqa: E501  # a TOML inline table stands on one line


@dataclass(frozen=True, kw_only=True)
class Written:
    """One change that was made."""

    method: str
    number: str


@dataclass
class Shop:
    """Customers by their numbers."""

    happened: Callable[[str], None]  #: Told of each lapse that hit.
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    lapses: deque[Lapse] = field(default_factory=deque)  #: One is used up per request that it can hit.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            able = (lapse for lapse in self.lapses if asked.method in _WRITES or lapse not in _OF_WRITES)
            lapse = next(able, None)
            if lapse:
                self.lapses.remove(lapse)
                self.happened(lapse)
            if lapse == "said not done":
                return Reply(status=204)
            if lapse in _UNTOLD:
                return _UNTOLD[lapse]
            reply = self._honest(asked)
        if lapse == "late":
            time.sleep(PATIENCE + 0.5)
        if lapse == "500 after":
            return _UNTOLD["500"]
        if lapse == "half":
            return Reply(status=reply.status, body=b"[{", says_length=4096)
        return reply

    def _honest(self, asked: Asked) -> Reply:
        key = unquote(asked.path.removeprefix("/api/customers").removeprefix("/"))
        if not key:
            return Reply(body=[row for row in self.rows.values() if row["mail"] == asked.query.get("mail")])
        row = self.rows.get(key)
        if row is None:
            return Reply(status=404, body={})
        if asked.method in _WRITES:
            self.written.append(Written(method=asked.method, number=key))
        if asked.method == "PATCH":
            row |= json.loads(asked.body)
        if asked.method == "DELETE":
            del self.rows[key]
            return Reply(status=204)
        return Reply(body=row)
