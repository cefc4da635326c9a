"""A web API over a real connection passes the suite in five dialects."""

from collections.abc import Iterator
from typing import Any

import pytest
from servers.web import Web, serve
from shop import DIALECTS, OPTIONS, Customers, declared

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration


@pytest.fixture
def shop() -> Customers:
    return Customers()


@pytest.fixture
def web(shop: Customers) -> Iterator[Web]:
    with serve(shop.answer) as running:
        yield running


def opened(dialect: str, web: Web) -> Any:
    options = {"url": web.url, "changes": "on", **OPTIONS.get(dialect, {"user": "dsar", "password": "pw"})}
    declaration = parse_declaration(declared(dialect), source=dialect)
    return open_connector("rest", name="shop", declaration=declaration, options=options)


class TestRestConnector(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.AttachTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
    conformance.LookUpTests,
    conformance.TurnTests,
):
    @pytest.fixture(params=DIALECTS)
    def connector(self, request: pytest.FixtureRequest, web: Web) -> Any:
        return opened(request.param, web)


class TestRestConnectorThatEndsChangesLater(conformance.JobTests):
    @pytest.fixture
    def connector(self, web: Web, shop: Customers) -> Any:
        self._shop = shop
        return opened("jobs", web)

    def begun(self, connector: Any) -> int:  # the shop counts
        return len(self._shop.begun)
