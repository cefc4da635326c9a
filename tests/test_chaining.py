"""Events are chained a lot at a time; what was held back for long is found once a day (promise P8)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import chaining
from dsar.store.tables import EventRow

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def happen(office: Office, *numbers: int) -> None:
    with office.app.store.transaction() as tx:
        tx.session.add_all(EventRow(id=number, at=NOW, actor="anna", name="looked") for number in numbers)


def chain(office: Office, *, now: datetime) -> int:
    """How many lots were needed."""
    lots = 1
    while chaining.chain(office.app, holder="a", now=now):
        lots += 1
    return lots


def unsealed(office: Office) -> int:
    with office.app.store.transaction() as tx:
        report = tx.verify_chain()
    assert report.broken_at is None
    return report.unsealed


def test_a_long_tail_is_chained_lot_by_lot(office: Office) -> None:
    happen(office, *range(1, 1201))
    assert (chain(office, now=NOW), unsealed(office)) == (3, 0)


def test_what_was_held_back_while_thousands_were_chained_is_found_the_next_day(office: Office) -> None:
    happen(office, 1, *range(3, 2600))
    chain(office, now=NOW)
    happen(office, 2)
    left = []
    for hours in (1, 25):
        chain(office, now=NOW + timedelta(hours=hours))
        left.append(unsealed(office))
    assert left == [1, 0]


def test_one_process_chains_at_a_time(office: Office) -> None:
    happen(office, *range(1, 700))
    assert chaining.chain(office.app, holder="a", now=NOW)  # and there is more
    assert not chaining.chain(office.app, holder="b", now=NOW)
    assert unsealed(office) == 199
