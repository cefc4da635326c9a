"""Who asks: sender authentication, risk, required level and what evidence is worth."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.identity import (
    TOPMOST,
    CheckMethod,
    IdentityCheck,
    Risk,
    assess,
    authenticate,
    required_level,
    risk_of,
)
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityLevel,
    Record,
    RecordValue,
    Right,
    SenderAuthentication,
    Strength,
    Text,
)

PASS, FAIL, NONE = SenderAuthentication.PASS, SenderAuthentication.FAIL, SenderAuthentication.NONE
L0, L1, L2, L3 = IdentityLevel

OURS = "mx1.xelent.se"
GOOD = f"{OURS}; dmarc=pass (p=reject) header.from=kund.se; spf=pass smtp.mailfrom=kund.se"
EXCHANGE_ONLINE = (
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=kund.se; dkim=pass (signature was verified) header.d=kund.se;"
    "dmarc=pass action=none header.from=kund.se;compauth=pass reason=100"
)


def _verdict(*headers: str, sender: str | None = "anna@kund.se", trusted: tuple[str, ...] = ("xelent.se",)) -> str:
    return authenticate(headers, trusted=trusted, sender=sender)


# ------------------------------------------------------------------------------------- Authentication-Results


@pytest.mark.parametrize(
    "header",
    [
        GOOD,
        f"{OURS}; spf=fail smtp.mailfrom=list.se; dkim=pass header.d=kund.se; dmarc=pass header.from=kund.se",
        "XELENT.SE; DMARC=PASS header.from=KUND.SE",
        f'{OURS}; dmarc=pass header.from="kund.se";',
        f"{OURS} 1;\r\n\tdmarc=pass\r\n\theader.from=kund.se",
    ],
)
def test_an_aligned_dmarc_pass_by_our_own_server_passes(header: str) -> None:
    assert _verdict(header) == PASS


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("mx.evil.example; dmarc=pass header.from=kund.se", "another server"),
        ("notxelent.se; dmarc=pass header.from=kund.se", "a server whose name only ends like ours"),
        ("xelent.se.evil.example; dmarc=pass header.from=kund.se", "a server whose name only begins like ours"),
        (f"{OURS}; dmarc=pass header.from=evil.example", "DMARC of another domain"),
        (f"{OURS}; dmarc=pass header.from=mail.kund.se", "DMARC of a subdomain of the sender's"),
        (f"{OURS}; dmarc=pass header.from=se", "DMARC of a top-level domain"),
        (f"{OURS}; dmarc=pass", "DMARC of no domain"),
        (f"{OURS}; dmarc=pass header.from=kund.se header.from=evil.example", "DMARC of two domains"),
        (f"{OURS}; dmarc=pass header.from=kund.se; dmarc=none header.from=kund.se", "two DMARC results"),
        (f"{OURS}; dmarc=bestguesspass header.from=kund.se", "a guess"),
        (f"{OURS}; spf=pass smtp.mailfrom=kund.se; dkim=pass header.d=kund.se", "SPF and DKIM without DMARC"),
        (f"{OURS}; spf=fail smtp.mailfrom=kund.se; dkim=none", "a failed SPF without DKIM"),
        (f"{OURS}; none", "no check"),
        (EXCHANGE_ONLINE, "a header without server name"),
        ("i=1; mx1.xelent.se; dmarc=pass header.from=kund.se", "an ARC header"),
        (f"{OURS}; dmarc=pass (" + "(" * 5000, "a comment without end"),
        (f"{OURS}; x=y " + "a" * 100_000 + GOOD, "an endless header"),
        ("", "an empty header"),
        ("\x00\udcff", "garbage"),
    ],
    ids=lambda value: value if len(value) < 60 else "",
)
def test_everything_less_is_no_finding(header: str, what: str) -> None:
    assert _verdict(header) == NONE, what


@pytest.mark.parametrize(
    "header",
    [
        f"{OURS}; dmarc=fail header.from=kund.se; spf=pass smtp.mailfrom=kund.se",
        f"{OURS}; spf=fail smtp.mailfrom=kund.se; dkim=fail header.d=kund.se",
        f"{OURS}; dmarc=pass header.from=kund.se; dmarc=fail header.from=kund.se",
    ],
)
def test_failed_dmarc_and_failed_spf_with_failed_dkim_fail(header: str) -> None:
    assert _verdict(header) == FAIL


def test_a_forged_second_header_in_our_name_is_ignored() -> None:
    assert _verdict(f"{OURS}; dmarc=fail header.from=kund.se", GOOD) == FAIL
    assert _verdict(f"{OURS}; dmarc=none header.from=kund.se", GOOD) == NONE


def test_headers_of_other_servers_above_ours_are_skipped() -> None:
    assert _verdict("mx.evil.example; dmarc=fail header.from=kund.se", GOOD) == PASS


def test_headers_without_end_cost_little_and_prove_nothing() -> None:
    assert _verdict(*["mx.evil.example; " + "()" * 4000] * 100_000, GOOD) == NONE


def test_a_finding_about_the_organisational_domain_covers_its_subdomains() -> None:
    assert _verdict(GOOD, sender="anna@mail.kund.se") == PASS
    assert _verdict(GOOD, sender="anna@otherkund.se") == NONE


def test_domains_compare_equal_in_both_their_spellings() -> None:
    header = f"{OURS}; dmarc=pass header.from=xn--rksmrgs-5wao1o.se"
    assert _verdict(header, sender="anna@räksmörgås.se") == PASS


def test_without_a_sender_nothing_passes() -> None:
    assert _verdict(GOOD, sender=None) == NONE


def test_the_word_topmost_accepts_the_form_of_exchange_online() -> None:
    assert _verdict(EXCHANGE_ONLINE, trusted=(TOPMOST,)) == PASS
    assert _verdict(EXCHANGE_ONLINE.replace("dmarc=pass", "dmarc=fail"), trusted=(TOPMOST,)) == FAIL


def test_the_word_topmost_accepts_neither_a_lower_header_nor_a_named_server() -> None:
    assert _verdict("mx.evil.example; none", EXCHANGE_ONLINE, trusted=(TOPMOST,)) == NONE
    assert _verdict("mx.evil.example; dmarc=pass header.from=kund.se", trusted=(TOPMOST,)) == NONE


def test_nobody_is_trusted_by_default() -> None:
    assert _verdict(GOOD, trusted=()) == NONE


_TOKENS = st.sampled_from(
    ["mx1.xelent.se", ";", " ", "dmarc", "=", "pass", "header.from", "kund.se", "(", ")", '"', "\\", "1"]
)


@given(st.lists(st.one_of(st.text(max_size=60), st.lists(_TOKENS, max_size=30).map("".join)), max_size=4))
def test_no_header_whatever_makes_it_fail_or_pass_for_another_domain(headers: list[str]) -> None:
    verdict = authenticate(headers, trusted=["xelent.se", TOPMOST], sender="anna@foretag.example")
    assert verdict in {FAIL, NONE}


# --------------------------------------------------------------------------------------------------------- risk


def _record(category: str, value: str = "-") -> Record:
    label = Text(sv="fält", en="field")
    return Record(
        system="shop",
        object="customer",
        object_label=label,
        key="1",
        strength=Strength.CERTAIN,
        found_by=Identifier(type=IdentifierType.EMAIL, value="anna@kund.se"),
        read_at=datetime(2026, 11, 25, tzinfo=UTC),
        person_name=None,
        activities=(),
        values=(RecordValue(path="p", label=label, value=value, category=category),),
    )


@pytest.mark.parametrize(
    ("records", "risk"),
    [
        ([], Risk.LOW),
        ([_record("contact", "+46701740605"), _record("identity", "Anna Öberg")], Risk.LOW),
        ([_record("contact"), _record("order", "10442")], Risk.MEDIUM),
        ([_record("note", "Ring före nio")], Risk.MEDIUM),
        ([_record("log")], Risk.MEDIUM),
        ([_record("recruitment")], Risk.HIGH),
        ([_record("special")], Risk.HIGH),
        ([_record("criminal")], Risk.HIGH),
        ([_record("note", "Pnr 811228-9874 enligt kunden")], Risk.HIGH),
        ([_record("identity", "198112289874")], Risk.HIGH),
        ([_record("health")], Risk.HIGH),
    ],
)
def test_risk_is_that_of_the_most_sensitive_value(records: list[Record], risk: Risk) -> None:
    assert risk_of(records) is risk


def test_protected_identity_makes_every_risk_high() -> None:
    assert risk_of([], protected=True) is Risk.HIGH


# ----------------------------------------------------------------------------------------------- required level


@pytest.mark.parametrize(
    ("right", "low", "medium", "high"),
    [
        (Right.OBJECT, L0, L0, L0),
        (Right.RESTRICT, L0, L1, L1),
        (Right.ACCESS, L1, L1, L3),
        (Right.UPDATE, L1, L1, L2),
        (Right.ERASE, L1, L1, L2),
    ],
)
def test_required_level(right: Right, low: IdentityLevel, medium: IdentityLevel, high: IdentityLevel) -> None:
    assert [required_level(right, risk) for risk in Risk] == [low, medium, high]


def test_portability_a_new_contact_point_and_an_answer_elsewhere_demand_more() -> None:
    assert [required_level(Right.ACCESS, risk, portability=True) for risk in Risk] == [L2, L2, L3]
    assert [required_level(Right.ACCESS, risk, answer_elsewhere=True) for risk in Risk] == [L2, L2, L3]
    assert [required_level(Right.UPDATE, risk, contact_change=True) for risk in Risk] == [L1, L2, L3]


@given(
    right=st.sampled_from(Right),
    details=st.fixed_dictionaries(dict.fromkeys(("portability", "contact_change", "answer_elsewhere"), st.booleans())),
)
def test_more_risk_never_demands_less(right: Right, details: dict[str, bool]) -> None:
    levels = [required_level(right, risk, **details) for risk in Risk]
    assert levels == sorted(levels)


# --------------------------------------------------------------------------------------------------- assessment

ANNA = Identifier(type=IdentifierType.EMAIL, value="anna@kund.se")
INFO = Identifier(type=IdentifierType.EMAIL, value="info@kund.se")
PHONE = Identifier(type=IdentifierType.PHONE, value="+46701740605")


def _check(method: CheckMethod, contact: Identifier | None = None) -> IdentityCheck:
    return IdentityCheck(method=method, checked_by="Eva Ek", checked_on=date(2026, 11, 25), contact=contact)


def test_mail_from_an_address_on_file_that_passed_dmarc_gives_l1_and_proves_that_address() -> None:
    finding = assess(sender="anna@kund.se", authentication=PASS, on_file=[PHONE, ANNA])
    assert (finding.level, finding.method, finding.proven) == (L1, "address_on_file", (ANNA,))


@pytest.mark.parametrize(
    ("sender", "authentication", "on_file"),
    [
        ("anna@kund.se", FAIL, [ANNA]),
        ("anna@kund.se", NONE, [ANNA]),
        ("anna@kund.se", PASS, [PHONE]),
        ("anna@kund.se", PASS, []),
        ("info@kund.se", PASS, [INFO]),
        ("info+anna@kund.se", PASS, [Identifier(type=IdentifierType.EMAIL, value="info+anna@kund.se")]),
        (None, PASS, [ANNA]),
    ],
)
def test_less_than_that_gives_l0_and_proves_nothing(
    sender: str | None, authentication: SenderAuthentication, on_file: list[Identifier]
) -> None:
    finding = assess(sender=sender, authentication=authentication, on_file=on_file)
    assert (finding.level, finding.method, finding.proven) == (L0, "none", ())


@pytest.mark.parametrize(
    ("check", "level", "proven"),
    [
        (_check(CheckMethod.CODE, ANNA), L1, (ANNA,)),
        (_check(CheckMethod.CALL_BACK, PHONE), L2, (PHONE,)),
        (_check(CheckMethod.SHOP_LOGIN), L2, ()),
        (_check(CheckMethod.ID_SHOWN), L3, ()),
        (_check(CheckMethod.CODE, Identifier(type=IdentifierType.EMAIL, value="new@claimed.example")), L0, ()),
        (_check(CheckMethod.CALL_BACK, Identifier(type=IdentifierType.PHONE, value="+46701740699")), L0, ()),
        (_check(CheckMethod.CODE, INFO), L0, ()),
        (_check(CheckMethod.CODE), L0, ()),
        (_check(CheckMethod.SHARED_FACTS), L0, ()),
    ],
)
def test_what_one_check_is_worth_to_a_stranger(
    check: IdentityCheck, level: IdentityLevel, proven: tuple[Identifier, ...]
) -> None:
    finding = assess(
        sender="stranger@web.example",
        authentication=PASS,
        on_file=[ANNA, INFO, PHONE],
        checks=[check],
    )
    assert (finding.level, finding.proven) == (level, proven)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_shared_facts_lift_l1_to_l2_in_whichever_order_they_are_recorded(order: tuple[int, int]) -> None:
    checks = [_check(CheckMethod.SHARED_FACTS), _check(CheckMethod.CODE, ANNA)]
    finding = assess(
        sender="stranger@web.example",
        authentication=NONE,
        on_file=[ANNA],
        checks=[checks[place] for place in order],
    )
    assert (finding.level, finding.method, finding.proven) == (L2, "shared_facts", (ANNA,))


def test_a_marketing_stop_needs_nobody_to_be_identified() -> None:
    assert required_level(Right.OBJECT, Risk.HIGH) == L0


def test_the_reason_names_nobody() -> None:
    finding = assess(
        sender="anna@kund.se",
        authentication=PASS,
        on_file=[ANNA, PHONE],
        checks=[_check(CheckMethod.CALL_BACK, PHONE)],
    )
    assert finding.level == L2
    assert not any(part in finding.reason for part in ("anna", "kund", "4670", "Eva"))
