"""How the seeds speak to the products: ports and work area from the environment, one small client for each."""

import os
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import httpx

AREA = Path(os.environ.get("LAB") or Path(__file__).parents[3] / ".lab").absolute()
_DEFAULTS = {
    "PG": 5544,
    "MARIA": 3366,
    "TRYTON": 8010,
    "VENDURE": 8020,
    "RT": 8030,
    "ZABBIX": 8040,
    "MAILMAN": 8050,
    "CARDDAV": 8060,
    "IMAP": 1143,
    "LDAP": 1636,
}
#: Products that speak plain text only.
_PLAIN = {"RT", "ZABBIX"}
CA_FILE = AREA / "tls" / "ca.pem"


def port(name: str) -> int:
    return int(os.environ.get(f"{name}_PORT") or _DEFAULTS[name])


def web(name: str, path: str = "", **how: Any) -> httpx.Client:
    scheme = "http" if name in _PLAIN else "https"
    return httpx.Client(base_url=f"{scheme}://127.0.0.1:{port(name)}{path}", verify=tls(), timeout=60, **how)


@cache
def tls() -> ssl.SSLContext:
    """The CA of the lab, and no other."""
    return ssl.create_default_context(cafile=CA_FILE)


def answer(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json() if response.content else {}


class Vendure:
    """The GraphQL APIs of the shop."""

    def __init__(self) -> None:
        self._web = web("VENDURE")
        login = 'mutation { login(username: "superadmin", password: "superadmin") { __typename } }'
        _, self._token = self.call("admin", login)

    def call(self, api: str, query: str, token: str | None = None, **variables: object) -> tuple[Any, str | None]:
        """(data, token of a new session or None)"""
        self._web.cookies.clear()  # a session is a token here, never a cookie
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        response = self._web.post(f"/{api}-api", json=body, headers=headers)
        said = answer(response)
        assert not said.get("errors"), said["errors"]
        return said["data"], response.headers.get("vendure-auth-token")

    def admin(self, query: str, **variables: object) -> Any:
        """The first value of the answer."""
        data, _ = self.call("admin", query, self._token, **variables)
        return next(iter(data.values()))

    def shop(self, query: str, token: str | None = None, **variables: object) -> tuple[Any, str | None]:
        data, new = self.call("shop", query, token, **variables)
        return next(iter(data.values())), new or token


class Zabbix:
    """JSON-RPC of the monitoring."""

    def __init__(self) -> None:
        self._web, self._token = web("ZABBIX"), None
        self._token = self("user.login", {"username": "Admin", "password": "zabbix"})

    def __call__(self, method: str, parameters: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        body |= {"auth": self._token} if self._token else {}
        said = answer(self._web.post("/api_jsonrpc.php", json=body))
        assert "error" not in said, said
        return said["result"]
