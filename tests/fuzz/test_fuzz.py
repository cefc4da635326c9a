"""
A slice of fuzzing with a fixed seed: the same inputs in every run, mutated from mails and documents.

`make fuzz` goes on for as long as one likes. What it ever finds is kept in found/ and tried here for good.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS, TOKENS, run, seeds

FOUND = sorted((Path(__file__).parent / "found").glob("*/*"))

pytestmark = pytest.mark.fuzz


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A seed with up to six pieces put in, taken out, doubled or swapped."""
    data = draw(st.sampled_from(seeds(name)))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 1, 4, 64, 1024))))
        new = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8), st.just(data[start:end] * 2)))
        data = data[:start] + new * draw(st.sampled_from((1, 1, 1, 3, 200))) + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_the_declared_error_escapes(name: str) -> None:
    """Of the parser, the cutter, the header readers, and the readers of documents, containers and pages."""

    slow = list(HealthCheck)

    @settings(max_examples=1000, derandomize=True, deadline=None, database=None, suppress_health_check=slow)
    @given(mutated(name))
    def fuzz(data: bytes) -> None:
        run(TARGETS[name], data)

    fuzz()


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_fuzzing_found_stays_mended(path: Path) -> None:
    """found/TARGET/NAME."""
    run(TARGETS[path.parent.name], path.read_bytes())
