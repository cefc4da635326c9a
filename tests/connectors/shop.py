"""A shop whose customers of the suite are behind four dialects of web API, each as picky as the real products are."""

import json
import re
from collections import Counter
from typing import Any
from urllib.parse import unquote

from servers.web import Asked, Reply

from connectors import conformance

# ruff: noqa: E501  # a TOML inline table stands on one line

#: Dialect -> [http] and the requests of the one object, all for the customers of the suite.
DIALECTS = {
    "json": """
http = {auth = {style = "bearer"}, paging = {style = "page", param = "page", size_param = "per_page", size = 2}}
[[object]]
LIST = {path = "/customers"}
ONE = {path = "/customers", query = {number = "{value}"}}
web.read = {path = "/customers/{key}", rows = "@", nothing = [404], paged = false}
web.change = {method = "PATCH", path = "/customers/{key}"}
web.remove = [{method = "DELETE", path = "/customers/{key}"}]
web.if_match = true
PAPERS = link = "url"
""",
    "graphql": """
http = {auth = {style = "login", request = {method = "POST", path = "/login", json = {user = "{secret.user}", password = "{secret.password}"}}, token = {header = "shop-token"}, name = "Authorization", prefix = "Bearer "}, error = "errors", paging = {style = "offset", param = "variables.skip", size_param = "variables.take", place = "body", size = 2, total = "data.customers.total"}}
[[object]]
LIST = {method = "POST", path = "/graphql", rows = "data.customers.items", json = {query = "query($skip: Int, $take: Int) { customers(skip: $skip, take: $take) { total items { no name mail phone offers } } }", variables = {}}}
ONE = {method = "POST", path = "/graphql", rows = "data.customers.items", json = {query = "query($no: String) { customers(no: $no) { total items { no } } }", variables = {no = "{value}"}}}
web.read = {method = "POST", path = "/graphql", rows = "data.customer", null_is_nothing = true, paged = false, json = {query = "query($no: String) { customer(no: $no) { no } }", variables = {no = "{key}"}}}
web.change = {method = "POST", path = "/graphql", changes_at = "variables.input", json = {query = "mutation change($no: String) { ok }", variables = {no = "{key}"}}}
PAPERS = request = {path = "/papers/{value}"}
web.remove = [{method = "POST", path = "/graphql", json = {query = "mutation remove($no: String) { ok }", variables = {no = "{key}"}}}]
""",
    "json-rpc": """
http = {auth = {style = "login", request = {method = "POST", path = "/rpc", json = {jsonrpc = "2.0", id = 1, method = "user.login", params = {user = "{secret.user}", password = "{secret.password}"}}}, token = {body = "result"}, body_key = "auth"}, error = "error", error_code = "error.code", login_again = [-32602]}
[[object]]
LIST = {method = "POST", path = "/rpc", rows = "result", json = {jsonrpc = "2.0", id = 1, method = "list", params = {}}}
ONE = {method = "POST", path = "/rpc", rows = "result", json = {jsonrpc = "2.0", id = 1, method = "list", params = {no = "{value}"}}}
web.read = {method = "POST", path = "/rpc", rows = "result", json = {jsonrpc = "2.0", id = 1, method = "list", params = {no = "{key}"}}}
web.change = {method = "POST", path = "/rpc", changes_at = "params.set", json = {jsonrpc = "2.0", id = 1, method = "change", params = {no = "{key}"}}}
web.remove = [{method = "POST", path = "/rpc", json = {jsonrpc = "2.0", id = 1, method = "remove", params = {no = "{key}"}}}]
web.gone = [-32500]
PAPERS = request = {method = "POST", path = "/papers/{value}", json = {}}
""",
    "form": """
http = {auth = {style = "cookie", request = {method = "POST", path = "/login", form = {user = "{secret.user}", pass = "{secret.password}"}}}, login_again = [302], paging = {style = "cursor", param = "after", next = "next"}}
[[object]]
LIST = {method = "POST", path = "/list", form = {}, rows = "found"}
ONE = {method = "POST", path = "/list", form = {no = "{value}"}, rows = "found"}
web.read = {method = "POST", path = "/list", form = {no = "{key}"}, rows = "found", paged = false}
web.change = {method = "POST", path = "/change", form = {no = "{key}"}}
web.remove = [{method = "POST", path = "/remove", form = {no = "{key}"}}]
PAPERS = request = {method = "POST", path = "/papers/{value}", form = {no = "{key}"}}
""",
}
#: Removing begins a job, which ends when it has been asked about twice.
DIALECTS["jobs"] = DIALECTS["json"].replace(
    'web.remove = [{method = "DELETE", path = "/customers/{key}"}]',
    'web.remove = [{method = "DELETE", path = "/customers/{key}/later", job = {number = "id", path = "/jobs/{job}", status = "state", done = ["done"], failed = ["failed"], every_seconds = 0.01}}]',
)
OPTIONS = {"json": {"token": "t-1"}, "jobs": {"token": "t-1"}}


def declared(dialect: str) -> str:
    """The declaration of the suite with the requests of *dialect* in it."""
    http, _, requests = DIALECTS[dialect].partition("[[object]]")
    lines = dict(re.findall(r"^(\w+) = (.*)$", requests, re.MULTILINE))
    web = "\n".join(line for line in requests.splitlines() if line.startswith("web."))
    papers = f'each = "papers", name = "name", size = "bytes", key = "id", {lines["PAPERS"]}'
    papers = f'documents = [{{label = {{sv = "Avtal", en = "Agreement"}}, {papers}}}]'
    text = conformance.DECLARATION.format(kind="rest", place=f"{web}\n{papers}")
    text = text.replace("[[object]]", f"{http.replace('{', '{rate = {calls = 500}, ', 1)}\n[[object]]", 1)
    for columns in ("mail", "phone", "name"):
        text = text.replace(f'columns = ["{columns}"]', f'columns = ["{columns}"], request = {lines["LIST"]}')
    return text.replace('columns = ["no"]', f'columns = ["no"], request = {lines["ONE"]}')


class Customers:
    """One table of customers behind four dialects, each as picky as the real products are."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {row["no"]: dict(row) for row in conformance.ROWS}
        told = {"id": 7, "name": conformance.PAPER.name, "bytes": len(conformance.PAPER.content)}
        self.rows["K1"]["papers"] = [told | {"url": "/api/papers/7"}]
        self.sessions: set[str] = set()
        self.begun: list[str] = []  #: Of every job, the customer it removes.
        self._polled: Counter[str] = Counter()

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api")
        if path.startswith("/papers/"):
            return self._paper(path, asked)
        if path == "/graphql":
            return self._graphql(asked)
        if path == "/rpc":
            return self._rpc(asked)
        if path in {"/list", "/change", "/remove"}:
            return self._form(path, asked)
        if path == "/login":
            return self._login(asked)
        return self._json(path, asked)

    def _login(self, asked: Asked) -> Reply:
        said = asked.json if asked.headers["content-type"] == "application/json" else asked.form
        if said not in ({"user": "dsar", "password": "pw"}, {"user": "dsar", "pass": "pw"}):
            return Reply(status=403, body={})
        return Reply(status=200, body={}, headers={"shop-token": "s-1", "Set-Cookie": "session=s-1; HttpOnly"})

    def _paper(self, path: str, asked: Asked) -> Reply:
        """The document, for whoever is logged in by any of the dialects."""
        proofs = {asked.headers.get("authorization"), asked.headers.get("cookie"), asked.body}
        if not proofs & {"Bearer t-1", "Bearer s-1", "session=s-1", b'{"auth": "z-1"}'}:
            return Reply(status=403)
        known = {str(paper["id"]) for row in self.rows.values() for paper in row.get("papers", ())}
        if path.removeprefix("/papers/") not in known:
            return Reply(status=404)
        return Reply(body=conformance.PAPER.content, headers={"Content-Type": "text/plain"})

    def _json(self, path: str, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Bearer t-1":
            return Reply(status=401, body={})
        if path.startswith("/jobs/"):
            return self._job(path.removeprefix("/jobs/"))
        if path.endswith("/later"):
            self.begun.append(path.split("/")[2])
            return Reply(status=202, body={"id": f"J{len(self.begun)}"})
        key = unquote(path.removeprefix("/customers").removeprefix("/"))
        if not key:
            rows = [row for row in self.rows.values() if row["no"] == asked.query.get("number", row["no"])]
            start = (int(asked.query["page"]) - 1) * 2
            return Reply(body=rows[start : start + 2])
        row = self.rows.get(key)
        if row is None:
            return Reply(status=404, body={})
        tag = f'"{hash(json.dumps(row))}"'
        if asked.method == "PATCH":
            if asked.headers.get("if-match") != tag:
                return Reply(status=412, body={})
            row |= asked.json
        if asked.method == "DELETE":
            del self.rows[key]
            return Reply(status=204)
        return Reply(body=row, headers={"ETag": tag})

    def _job(self, id_: str) -> Reply:
        self._polled[id_] += 1
        if self._polled[id_] < 2:
            return Reply(body={"state": "running"})
        self.rows.pop(self.begun[int(id_.removeprefix("J")) - 1], None)
        return Reply(body={"state": "done"})

    def _graphql(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Bearer s-1":
            return Reply(status=401, body={})
        said = asked.json["variables"]
        if asked.json["query"].startswith("mutation change"):
            self.rows[said["no"]] |= said["input"]
        elif asked.json["query"].startswith("mutation remove"):
            if said["no"] not in self.rows:
                return Reply(body={"errors": [{"message": f"no {said['no']}"}]})
            del self.rows[said["no"]]
        elif "customer(" in asked.json["query"]:
            return Reply(body={"data": {"customer": self.rows.get(said["no"])}})
        rows = [row for row in self.rows.values() if row["no"] == said.get("no", row["no"])]
        start = said.get("skip", 0)
        return Reply(body={"data": {"customers": {"total": len(rows), "items": rows[start : start + 2]}}})

    def _rpc(self, asked: Asked) -> Reply:
        method, said = asked.json["method"], asked.json["params"]
        if method == "user.login":
            return Reply(body={"result": "z-1"})
        if asked.json.get("auth") != "z-1":
            return Reply(body={"error": {"code": -32602}})
        if method == "change":
            self.rows[said["no"]] |= said["set"]
        if method == "remove" and self.rows.pop(said["no"], None) is None:
            return Reply(body={"error": {"code": -32500}})
        return Reply(body={"result": [row for row in self.rows.values() if row["no"] == said.get("no", row["no"])]})

    def _form(self, path: str, asked: Asked) -> Reply:
        if "session=s-1" not in asked.headers.get("cookie", ""):
            return Reply(status=302, headers={"Location": "/login"})
        number = asked.form.get("no")
        if path == "/change":
            self.rows[number or ""] |= {name: value for name, value in asked.form.items() if name != "no"}
        if path == "/remove":
            return Reply(status=200 if self.rows.pop(number or "", None) else 404, body={})
        rows = [row for row in self.rows.values() if row["no"] == (number or row["no"])]
        after = int(asked.query.get("after", 0))
        return Reply(body={"found": rows[after : after + 2], "next": after + 2 if len(rows) > after + 2 else None})
