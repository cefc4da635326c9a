"""People as a system: the suite over a colleague who holds the sample table."""

import pytest
from colleague import answered, table

from connectors import conformance
from connectors.manual import ManualConnector


class TestManualConnector(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
):
    @pytest.fixture
    def connector(self) -> ManualConnector:
        return answered(("kunder.csv", table(conformance.ROWS)))
