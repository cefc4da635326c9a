"""Address books on real servers pass the suite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from books import as_card, connect, declared
from servers import radicale, xandikos

from connectors import conformance


class TestCardDav(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
    conformance.LookUpTests,
    conformance.TurnTests,
):
    @pytest.fixture(params=[radicale, xandikos])
    def connector(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
        with request.param(tmp_path) as server:
            for row in conformance.ROWS:
                server.put(row["no"], as_card(row))
            yield connect(server, declared(), changes="on")
