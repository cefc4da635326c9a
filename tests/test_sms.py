"""The SMS gateway against a double that checks every request by the vendor's documented form."""

from collections.abc import Iterator

import pytest
from servers.sms import PASSWORD, TOKEN, USER, SmsDouble

from dsar.errors import SmsRefusedError, SmsUnavailableError, SmsUncertainError
from dsar.sms import ELKS_URL, SmsAccount, SmsGateway, is_allowed

PHONE, TEXT = "+46701740608", "Kod 12345678 för ärende D-2026-00001. Åäö & = ?"


@pytest.fixture
def double() -> Iterator[SmsDouble]:
    with SmsDouble() as opened:
        yield opened


def elks(double: SmsDouble, **changes: str) -> SmsGateway:
    fields = {"provider": "46elks", "url": double.elks_url, "user": USER, "secret": PASSWORD, "sender": "Xelent"}
    return SmsGateway(SmsAccount(**fields | changes))  # type: ignore[arg-type]


def generic(double: SmsDouble) -> SmsGateway:
    return SmsGateway(SmsAccount(provider="http", url=double.json_url, secret=TOKEN, sender="Xelent"))


def test_46elks_gets_the_form_that_it_documents(double: SmsDouble) -> None:
    elks(double).send(PHONE, TEXT, reference="r1")
    assert double.taken == [{"from": "Xelent", "to": PHONE, "message": TEXT}]
    assert ELKS_URL == "https://api.46elks.com/a1/sms"


def test_any_other_gateway_gets_json(double: SmsDouble) -> None:
    generic(double).send(PHONE, TEXT, reference="r1")
    assert double.taken == [{"from": "Xelent", "to": PHONE, "message": TEXT, "reference": "r1"}]


@pytest.mark.parametrize(
    ("behave", "error", "arrived"),
    [
        ("busy", SmsUnavailableError, 0),
        ("slow_down", SmsUnavailableError, 0),  # 429
        ("poor", SmsRefusedError, 0),  # 402: no money on the account; no second try makes it better
        ("no", SmsRefusedError, 0),
        ("failed", SmsRefusedError, 1),
        ("broken", SmsUncertainError, 1),  # it took the message, and nobody told us
        ("redirect", SmsRefusedError, 0),  # the log-in and the code go nowhere else
    ],
)
def test_what_a_failure_means(double: SmsDouble, behave: str, error: type[Exception], arrived: int) -> None:
    double.behave = behave
    with pytest.raises(error):
        elks(double).send(PHONE, TEXT, reference="r1")
    assert len(double.taken) == arrived


@pytest.mark.parametrize("behave", ["busy", "slow_down", "poor", "no", "broken", "redirect"])
def test_any_other_gateway_fails_in_the_same_ways(double: SmsDouble, behave: str) -> None:
    double.behave = behave
    expected = {"busy": SmsUnavailableError, "slow_down": SmsUnavailableError, "broken": SmsUncertainError}
    with pytest.raises(expected.get(behave, SmsRefusedError)):
        generic(double).send(PHONE, TEXT, reference="r1")


@pytest.mark.parametrize("provider", ["46elks", "http"])
def test_a_gateway_that_takes_a_message_and_says_nothing_leaves_it_uncertain(double: SmsDouble, provider: str) -> None:
    """It is not sent again: a doubled code confuses whoever gets it."""
    double.behave = "silent"
    account = {
        "46elks": SmsAccount(provider="46elks", url=double.elks_url, user=USER, secret=PASSWORD, sender="Xelent"),
        "http": SmsAccount(provider="http", url=double.json_url, secret=TOKEN, sender="Xelent"),
    }[provider]
    with pytest.raises(SmsUncertainError):
        SmsGateway(account, timeout_seconds=2.0).send(PHONE, TEXT, reference="r1")
    assert len(double.taken) == 1


def test_what_a_gateway_says_of_a_message_that_it_took_is_its_own_business(double: SmsDouble) -> None:
    double.behave = "garbage"
    elks(double).send(PHONE, TEXT, reference="r1")
    assert len(double.taken) == 1


def test_a_wrong_token_is_refused_and_never_shown(double: SmsDouble) -> None:
    wrong = SmsAccount(provider="http", url=double.json_url, secret="fel-token", sender="Xelent")
    with pytest.raises(SmsRefusedError, match="401") as refused:
        SmsGateway(wrong).send(PHONE, TEXT, reference="r1")
    assert not any(secret in str(refused.value) for secret in ("fel-token", PHONE, "12345678"))
    assert "fel-token" not in repr(wrong)


def test_a_wrong_log_in_is_refused_and_never_shown(double: SmsDouble) -> None:
    with pytest.raises(SmsRefusedError, match="401") as refused:
        elks(double, secret="fel").send(PHONE, TEXT, reference="r1")
    assert double.refused == ["wrong log-in"]
    assert not any(secret in str(refused.value) for secret in ("fel", PHONE, "12345678"))
    assert PASSWORD not in repr(SmsAccount(provider="46elks", url=ELKS_URL, user=USER, secret=PASSWORD))


def test_a_gateway_that_is_not_there_took_nothing() -> None:
    gone = SmsGateway(SmsAccount(provider="46elks", url="http://127.0.0.1:9/a1/sms", sender="Xelent"))
    with pytest.raises(SmsUnavailableError):
        gone.send(PHONE, TEXT, reference="r1")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://sms.example/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://sms.example/x", False),
        ("ftp://x", False),
    ],
)
def test_codes_leave_this_machine_by_https_only(url: str, *, allowed: bool) -> None:
    assert is_allowed(url) is allowed
