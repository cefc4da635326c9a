"""
The test-suite that every connector passes: one mixin per ability.

Effects: those of the connector under test. A connector's test class names by its bases the abilities that it claims and
overrides the fixture `connector`; README.md shows one. The suite expects the sample customer table below in the system:
`ROWS` of object "customer", described by `DECLARATION`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from dsar.connector import Attaches, BeginsJobs, Erases, LooksUp, Searches, Suppresses, TakesTurns, Updates
from dsar.errors import DatabaseUnavailableError, SystemDriftError
from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType, PlanStep, Record, RequestedChange, StepAction, Strength

READ_AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


class Paper(NamedTuple):
    """A document as a system holds it."""

    name: str
    content: bytes


#: What the system under test must hold; empty texts may be stored as nothing.
ROWS = [
    {"no": "K1", "name": "Åsa Lindqvist", "mail": "Asa.Lindqvist@Example.se", "phone": "070-174 06 05", "offers": "1"},
    {"no": "K2", "name": "Anna Öberg", "mail": "anna_oberg@example.se", "phone": "+46 (0)70-174 06 06", "offers": "1"},
    {"no": "K3", "name": "Anna Öberg", "mail": "annaxoberg@example.se", "phone": "", "offers": "0"},
    {"no": "K4", "name": "Bo O'Neill", "mail": "bo@example.com", "phone": "0046701740608", "offers": "1"},
    {"no": "K5", "name": "Kanarie", "mail": "kanarie@example.com", "phone": "", "offers": "0"},
]

#: The document of K1, where a connector's test puts one; its label is "Avtal".
PAPER = Paper(name="Avtal Åsa.txt", content="Köpeavtal\r\n".encode("utf-16") + b"\x00\xff")

DECLARATION = """
name = "conformance"
kind = "{kind}"
label = {{sv = "Provet", en = "The test"}}
canary = {{type = "email", value = "kanarie@example.com"}}

[[object]]
name = "customer"
label = {{sv = "Kund", en = "Customer"}}
{place}
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [
  {{by = "email", columns = ["mail"]}},
  {{by = "phone", columns = ["phone"]}},
  {{by = "customer_no", columns = ["no"]}},
  {{by = "name", columns = ["name"]}},
]
emits = {{no = "customer_no", mail = "email"}}
erase = {{action = "delete"}}
suppress = {{column = "offers", value = "0"}}
update = {{email = "mail", phone = "phone"}}
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "identity", asserted_by = "company"}},
  {{column = "name", label = {{sv = "Namn", en = "Name"}}, category = "identity", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company", writable = true}},
  {{column = "phone", label = {{sv = "Telefon", en = "Phone"}}, category = "contact", asserted_by = "company", writable = true}},
  {{column = "offers", label = {{sv = "Erbjudanden", en = "Offers"}}, category = "marketing", asserted_by = "company"}},
]
"""  # noqa: E501  # a TOML inline table stands on one line


def identifier(type_: IdentifierType, text: str) -> Identifier:
    """*text* in normal form; it must be one."""
    found = normalise(type_, text)
    assert found is not None, f"{text!r} is no {type_}"
    return found


def search(connector: Searches, type_: IdentifierType, text: str) -> Sequence[Record]:
    answer = connector.search([identifier(type_, text)], read_at=READ_AT)
    assert answer.complete
    return answer.records


def numbers(records: Sequence[Record]) -> set[str]:
    """The customer numbers of *records*."""
    return {value.value for record in records for value in record.values if value.path == "no"}


class _Suite:
    @pytest.fixture
    def connector(self) -> Any:
        """Override: the connector under test over a fresh system that holds ROWS."""
        raise NotImplementedError


class SearchTests(_Suite):
    """Searches."""

    def test_claims_to_search(self, connector: Searches) -> None:
        assert isinstance(connector, Searches)

    @pytest.mark.parametrize(
        ("type_", "text", "expected"),
        [
            (IdentifierType.EMAIL, "asa.lindqvist@example.se", {"K1"}),  # stored with capitals
            (IdentifierType.PHONE, "+46701740605", {"K1"}),  # stored as 070-174 06 05
            (IdentifierType.PHONE, "0701740606", {"K2"}),  # stored as +46 (0)70-174 06 06
            (IdentifierType.PHONE, "070-174 06 08", {"K4"}),  # stored with 0046
            (IdentifierType.CUSTOMER_NO, "k4", {"K4"}),
            (IdentifierType.EMAIL, "anna_oberg@example.se", {"K2"}),  # the underscore is no wildcard
            (IdentifierType.EMAIL, "nobody@example.se", set()),
            (IdentifierType.PHONE, "070-174 06 99", set()),
        ],
    )
    def test_finds_by_any_spelling(
        self, connector: Searches, type_: IdentifierType, text: str, expected: set[str]
    ) -> None:
        records = search(connector, type_, text)

        assert expected == numbers(records)
        assert all(record.strength is Strength.CERTAIN for record in records)

    @pytest.mark.parametrize("name", ["Anna Öberg", "öberg anna", "ANNA OBERG"])
    def test_a_name_finds_every_namesake_as_a_candidate(self, connector: Searches, name: str) -> None:
        records = search(connector, IdentifierType.NAME, name)

        assert numbers(records) == {"K2", "K3"}
        assert {record.strength for record in records} == {Strength.CANDIDATE}

    @pytest.mark.parametrize(
        "text", ["%", "_____", "K%", "' OR '1'='1", "x'; DROP TABLE customers; --", "\\", "!", "*", "Bo O'Neill' --"]
    )
    def test_hostile_text_is_only_text(self, connector: Searches, text: str) -> None:
        for type_ in (IdentifierType.USERNAME, IdentifierType.NAME, IdentifierType.CUSTOMER_NO, IdentifierType.EMAIL):
            answer = connector.search([Identifier(type=type_, value=text)], read_at=READ_AT)
            assert not answer.records or text.startswith("Bo")
        assert numbers(search(connector, IdentifierType.CUSTOMER_NO, "K1")) == {"K1"}

    def test_gives_provenance(self, connector: Searches) -> None:
        (record,) = search(connector, IdentifierType.EMAIL, "bo@example.com")

        assert (record.object, record.person_name, record.read_at) == ("customer", "Bo O'Neill", READ_AT)
        assert record.found_by == identifier(IdentifierType.EMAIL, "bo@example.com")
        assert [(value.path, value.value) for value in record.values if value.path == "mail"] == [
            ("mail", "bo@example.com")
        ]

    def test_emits_company_keys_of_certain_records_only(self, connector: Searches) -> None:
        certain = connector.search([identifier(IdentifierType.EMAIL, "bo@example.com")], read_at=READ_AT)
        guessed = connector.search([identifier(IdentifierType.NAME, "Anna Öberg")], read_at=READ_AT)

        assert identifier(IdentifierType.CUSTOMER_NO, "K4") in certain.emits
        assert guessed.emits == ()


class HealthTests(_Suite):
    """Searches.health."""

    def test_the_canary_is_found(self, connector: Searches) -> None:
        health = connector.health()

        assert health.ok, health.detail


class LookUpTests(_Suite):
    """LooksUp."""

    def test_claims_to_look_up(self, connector: Any) -> None:
        assert isinstance(connector, LooksUp)

    def test_a_record_is_read_again_by_its_key_alone(self, connector: Any) -> None:
        (found,) = search(connector, IdentifierType.CUSTOMER_NO, "K4")

        again = connector.look_up(found.object, found.key, read_at=READ_AT)

        assert again is not None
        assert (again.key, again.values, again.keep_until) == (found.key, found.values, found.keep_until)

    def test_what_is_erased_is_not_there(self, connector: Any) -> None:
        (found,) = search(connector, IdentifierType.CUSTOMER_NO, "K4")
        for step in connector.plan_erase([found]):
            connector.apply(step, key="case-1")

        assert connector.look_up(found.object, found.key, read_at=READ_AT) is None


class _ChangeTests(_Suite):
    """What update, erase and suppress share."""

    @staticmethod
    def carry_out(connector: Any, steps: Sequence[PlanStep]) -> None:
        """Apply every step twice with one key: the second time must change nothing."""
        assert steps
        for step in steps:
            assert not connector.verify(step).done
            connector.apply(step, key="case-1")
            connector.apply(step, key="case-1")
            assert connector.verify(step).done


class AttachTests(_Suite):
    """Attaches: customer K1 carries the document PAPER, the others none."""

    def lose(self, connector: Any) -> None:
        """Take PAPER out of the system; override it for a connector that cannot erase."""
        for step in connector.plan_erase(search(connector, IdentifierType.CUSTOMER_NO, "K1")):
            connector.apply(step, key="case-1")

    def test_claims_to_attach(self, connector: Any) -> None:
        assert isinstance(connector, Attaches)

    def test_the_search_tells_of_it(self, connector: Any) -> None:
        (record,) = search(connector, IdentifierType.CUSTOMER_NO, "K1")

        (told,) = record.documents
        assert (told.name, told.media_type, told.label.sv) == (PAPER.name, "text/plain", "Avtal")
        assert told.size in {None, len(PAPER.content)}
        assert told.sha256 in {None, hashlib.sha256(PAPER.content).hexdigest()}

    def test_who_has_none_has_none(self, connector: Any) -> None:
        assert search(connector, IdentifierType.CUSTOMER_NO, "K2")[0].documents == ()

    def test_it_is_fetched_byte_for_byte(self, connector: Any) -> None:
        (record,) = search(connector, IdentifierType.CUSTOMER_NO, "K1")

        assert connector.fetch(record, record.documents[0]) == PAPER.content

    @pytest.mark.parametrize("change", [{"size": 7}, {"sha256": "0" * 64}])
    def test_another_document_than_was_told_is_not_handed_over(self, connector: Any, change: dict[str, Any]) -> None:
        (record,) = search(connector, IdentifierType.CUSTOMER_NO, "K1")

        with pytest.raises(SystemDriftError):
            connector.fetch(record, replace(record.documents[0], **change))

    def test_one_that_is_gone_is_an_error_and_not_empty(self, connector: Any) -> None:
        (record,) = search(connector, IdentifierType.CUSTOMER_NO, "K1")
        self.lose(connector)

        with pytest.raises(SystemDriftError):
            connector.fetch(record, record.documents[0])


class UpdateTests(_ChangeTests):
    """Updates."""

    CHANGE = RequestedChange(field="email", old="asa.lindqvist@example.se", new="asa@example.org", valid_from=None)

    def test_claims_to_update(self, connector: Any) -> None:
        assert isinstance(connector, Updates)

    def test_changes_the_value(self, connector: Any) -> None:
        records = search(connector, IdentifierType.CUSTOMER_NO, "K1")

        self.carry_out(connector, connector.plan_update(records, [self.CHANGE]))

        assert numbers(search(connector, IdentifierType.EMAIL, "asa@example.org")) == {"K1"}

    def test_plans_nothing_where_the_old_value_is_another(self, connector: Any) -> None:
        assert connector.plan_update(search(connector, IdentifierType.CUSTOMER_NO, "K2"), [self.CHANGE]) == ()

    def test_a_value_changed_meanwhile_stops_the_step(self, connector: Any) -> None:
        records = search(connector, IdentifierType.CUSTOMER_NO, "K1")
        (approved,) = connector.plan_update(records, [self.CHANGE])
        other = RequestedChange(field="email", old=None, new="other@example.org", valid_from=None)
        self.carry_out(connector, connector.plan_update(records, [other]))

        with pytest.raises(SystemDriftError):
            connector.apply(approved, key="case-2")


class EraseTests(_ChangeTests):
    """Erases."""

    def test_claims_to_erase(self, connector: Any) -> None:
        assert isinstance(connector, Erases)

    def test_what_is_erased_is_not_found_again(self, connector: Any) -> None:
        steps = connector.plan_erase(search(connector, IdentifierType.CUSTOMER_NO, "K4"))

        assert [step.action for step in steps] == [StepAction.ERASE]
        self.carry_out(connector, steps)

        assert search(connector, IdentifierType.NAME, "Bo O'Neill") == ()
        assert numbers(search(connector, IdentifierType.CUSTOMER_NO, "K1")) == {"K1"}


class Died(BaseException):
    """The process that carried out a step is no more."""


class JobBook:
    """The jobs of one step, kept by the suite as the ledger keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.dies = False  #: As soon as a job is kept.

    def begun(self) -> Mapping[str, str]:
        return dict(self.kept)

    def begin(self, request: str, job: str) -> None:
        self.kept[request] = job
        if self.dies:
            raise Died


class JobTests(_ChangeTests):
    """BeginsJobs: to erase a customer begins one job in the system."""

    def begun(self, connector: Any) -> int:
        """Override: how many jobs the system under test was asked to begin."""
        raise NotImplementedError

    @pytest.fixture
    def step(self, connector: Any) -> PlanStep:
        (step,) = connector.plan_erase(search(connector, IdentifierType.CUSTOMER_NO, "K4"))
        assert isinstance(step, PlanStep)
        return step

    def test_claims_to_begin_jobs(self, connector: Any) -> None:
        assert isinstance(connector, BeginsJobs)

    def test_a_job_is_kept_and_awaited(self, connector: Any, step: PlanStep) -> None:
        book = JobBook()

        connector.with_jobs(book).apply(step, key="case-1")

        assert connector.verify(step).done
        assert len(book.kept) == self.begun(connector) == 1

    def test_a_job_that_was_begun_before_a_crash_is_awaited_and_not_begun_again(
        self, connector: Any, step: PlanStep
    ) -> None:
        book = JobBook()
        book.dies = True
        with pytest.raises(Died):
            connector.with_jobs(book).apply(step, key="case-1")
        book.dies = False

        connector.with_jobs(book).apply(step, key="case-1")

        assert connector.verify(step).done
        assert self.begun(connector) == 1

    def test_one_step_knows_nothing_of_the_jobs_of_another(self, connector: Any, step: PlanStep) -> None:
        book, other = JobBook(), JobBook()
        bound, bound_otherwise = connector.with_jobs(book), connector.with_jobs(other)

        bound.apply(step, key="case-1")

        assert (len(book.kept), other.kept) == (1, {})
        assert bound_otherwise.verify(step).done


class SuppressTests(_ChangeTests):
    """Suppresses."""

    def test_claims_to_suppress(self, connector: Any) -> None:
        assert isinstance(connector, Suppresses)

    def test_stops_marketing_and_nothing_else(self, connector: Any) -> None:
        before = {v.path: v.value for v in search(connector, IdentifierType.CUSTOMER_NO, "K1")[0].values}

        self.carry_out(connector, connector.plan_suppress(search(connector, IdentifierType.CUSTOMER_NO, "K1")))

        after = {v.path: v.value for v in search(connector, IdentifierType.CUSTOMER_NO, "K1")[0].values}
        assert after == before | {"offers": "0"}

    def test_plans_nothing_for_whom_it_is_stopped_already(self, connector: Any) -> None:
        assert connector.plan_suppress(search(connector, IdentifierType.CUSTOMER_NO, "K3")) == ()


class _OneAtATime:
    """Turns that tell how many were taken; a call within another would wait for itself for ever."""

    def __init__(self) -> None:
        self.taken = 0
        self._under_way = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        assert not self._under_way, "a turn is taken within another"
        self._under_way = True
        self.taken += 1
        yield
        self._under_way = False

    def pause(self, seconds: float) -> None:
        """Nobody waits."""


class _Never:
    """Turns that nobody gets."""

    def turn(self) -> AbstractContextManager[None]:
        raise DatabaseUnavailableError("nobody answers")

    def pause(self, seconds: float) -> None:
        """Nobody waits."""


class TurnTests(_Suite):
    """TakesTurns, of a connector that can erase."""

    def test_claims_to_take_turns(self, connector: Any) -> None:
        assert isinstance(connector, TakesTurns)

    def test_every_call_has_a_turn_of_its_own(self, connector: Any) -> None:
        turns = _OneAtATime()
        connector.share(turns)
        (found,) = search(connector, IdentifierType.CUSTOMER_NO, "K4")
        taken = [turns.taken]
        (step,) = connector.plan_erase([found])
        for call in (lambda: connector.apply(step, key="case-1"), lambda: connector.verify(step), connector.health):
            call()
            taken.append(turns.taken)

        assert 0 < taken[0] < taken[1] < taken[2] < taken[3]

    def test_who_gets_no_turn_searches_nothing(self, connector: Any) -> None:
        connector.share(_Never())

        with pytest.raises(DatabaseUnavailableError):
            search(connector, IdentifierType.CUSTOMER_NO, "K4")

    def test_who_gets_no_turn_changes_nothing(self, connector: Any) -> None:
        (step,) = connector.plan_erase(search(connector, IdentifierType.CUSTOMER_NO, "K4"))
        connector.share(_Never())
        with pytest.raises(DatabaseUnavailableError):
            connector.apply(step, key="case-1")
        connector.share(_OneAtATime())

        assert numbers(search(connector, IdentifierType.CUSTOMER_NO, "K4")) == {"K4"}
