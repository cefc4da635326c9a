"""`dsar clock`: what it prints, and what it says when asked wrongly."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from dsar.cli import main


def _json(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["clock", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_json_holds_the_seven_dates_and_the_explanation() -> None:
    answer = _json("2026-12-06")
    explanation = answer.pop("explanation")
    assert answer == {
        "received": "2026-12-06",
        "nominal": "2027-01-06",
        "legal": "2027-01-07",
        "send_by": "2027-01-05",
        "ext_nominal": "2027-03-06",
        "ext_legal": "2027-03-08",
        "ext_send_by": "2027-03-05",
    }
    assert any("lag 1989:253" in sentence for sentence in explanation)


@pytest.mark.parametrize(
    ("moment", "received"),
    [
        ("2027-02-28T23:30Z", "2027-03-01"),
        ("2027-02-28T23:30:00+00:00", "2027-03-01"),
        ("2027-02-28T23:30", "2027-02-28"),
        ("2027-02-28 23:59:59", "2027-02-28"),
        ("2027-02-28", "2027-02-28"),
        ("2027-03-01T07:30+09:00", "2027-02-28"),
    ],
)
def test_times_with_offset_are_converted_and_times_without_are_stockholm_time(moment: str, received: str) -> None:
    assert _json(moment)["received"] == received


def test_pauses_move_the_dates_and_overlapping_days_count_once() -> None:
    answer = _json("2027-01-11", "--pause", "2027-01-13..2027-01-18", "--pause", "2027-01-13..2027-01-20")
    assert (answer["nominal"], answer["ext_send_by"]) == ("2027-02-18", "2027-04-16")


def test_a_question_asked_late_pauses_nothing() -> None:
    answer = _json("2027-01-11", "--pause", "2027-02-01..2027-02-05")
    assert answer["nominal"] == "2027-02-11"
    assert "not asked without undue delay, by Wednesday 2027-01-13" in answer["explanation"][-1]


def test_a_marketing_stop_is_due_on_the_next_working_day_and_never_paused() -> None:
    answer = _json("2027-01-16", "--right", "object", "--pause", "2027-01-18..2027-01-25")
    assert (answer["send_by"], answer["nominal"]) == ("2027-01-18", "2027-02-16")


def test_text_shows_the_extension_only_when_asked() -> None:
    plain = CliRunner().invoke(main, ["clock", "2026-11-25"]).stdout
    extended = CliRunner().invoke(main, ["clock", "2026-11-25", "--extend"]).stdout
    assert "Legal limit       2026-12-28 Monday" in plain
    assert "Extended limit" not in plain
    assert "Extended limit    2027-02-25 Thursday" in extended


@pytest.mark.parametrize(
    "arguments",
    [
        ["yesterday"],
        ["2027-02-30"],
        ["9999-12-20"],
        ["0001-01-01T00:00+14:00"],
        ["2027-01-11", "--pause", "2027-01-13"],
        ["2027-01-11", "--pause", "2027-01-20..2027-01-13"],
        ["2027-01-11", "--pause", "2027-01-10..2027-01-13"],
    ],
)
def test_bad_input_gives_one_sentence_and_exit_code_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["clock", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
