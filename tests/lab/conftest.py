"""These tests want the running lab, which `make test-lab` starts; without it they are left out, and that is said."""

import os

import pytest

_NOT_RUN = "The tests on real products (tests/lab) were NOT run: they want the lab, which 'make test-lab' starts."


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Not a skip, which fails a run of CI: there, the lab has a run of its own."""
    if os.environ.get("DSAR_LAB") == "up":
        return
    here = [item for item in items if "lab" in item.path.parts and item.path.parent.name == "lab"]
    if here:
        items[:] = [item for item in items if item not in here]
        config.hook.pytest_deselected(items=here)
        config.stash[_LEFT_OUT] = True


_LEFT_OUT = pytest.StashKey[bool]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(_LEFT_OUT, False):
        terminalreporter.section(_NOT_RUN, sep="!", yellow=True)
