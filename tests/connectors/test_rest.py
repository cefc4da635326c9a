"""A web API over a real connection passes the suite in four dialects."""

from collections.abc import Iterator
from typing import Any

import pytest
from servers.web import Web, serve
from shop import DIALECTS, OPTIONS, Customers, declared

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(Customers().answer) as running:
        yield running


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
        options = {"url": web.url, "changes": "on", **OPTIONS.get(request.param, {"user": "dsar", "password": "pw"})}
        declaration = parse_declaration(declared(request.param), source=request.param)
        return open_connector("rest", name="shop", declaration=declaration, options=options)
