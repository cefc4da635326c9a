"""What holds a request up is told in a line of the queue, however many systems a company has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import obstacles


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.receive("Maria Öberg <maria.oberg@example.se>", "Jag vill veta vilka personuppgifter ni har om mig.")
        yield opened


def told(office: Office, failed: int) -> list[str]:
    """What the queue says of a request for which two systems found nothing and so many others failed."""
    (request,) = office.requests()
    outcomes = dict.fromkeys(office.app.systems, "nothing") | {f"crm{number}": "failed" for number in range(failed)}
    request.needed_level = ""
    return obstacles.obstacles(office.app, office.only_case(), request, outcomes=outcomes, asked=())


def test_each_of_a_few_systems_is_named(office: Office) -> None:
    assert told(office, 2) == ["system crm0 is failed", "system crm1 is failed"]


def test_of_many_systems_some_are_named_and_the_rest_is_counted(office: Office) -> None:
    """A line for each of a thousand cases with two hundred names would fill the screen and the memory."""
    named = [f"system crm{number} is failed" for number in range(5)]
    assert told(office, 150) == [*named, "145 more answers are missing"]
