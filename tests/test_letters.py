"""What letters say, what they must say, and what nobody can make them say."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pikepdf
import pytest
from builders import activity, both, facts, kept, outcome, recipient, record, update_step, value, withheld

from dsar.errors import LetterError
from dsar.letters import check_templates, compose, compose_export, export_csv, export_json, markdown_of, portable_part
from dsar.model import (
    Annex,
    Coverage,
    FieldChange,
    LetterFacts,
    LetterKind,
    Look,
    Record,
    Requester,
    Right,
    StepAction,
    SystemOutcome,
)
from dsar.pdf import render

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

#: What a kind needs beside the default facts.
FACTS: dict[LetterKind, LetterFacts] = {
    LetterKind.NOTHING_FOUND: facts(records=None),
    LetterKind.UPDATE_DONE: facts(outcomes=(update_step(),)),
    LetterKind.RECIPIENT_NOTICE: facts(
        rights=(Right.ERASE,), about="Åsa Lindqvist, asa@example.se", recipient_name="Exempelbyrån AB"
    ),
    LetterKind.ERASURE_PARTLY: facts(outcomes=(outcome(), kept())),
    LetterKind.RESTRICTION_DONE: facts(outcomes=(outcome(action=StepAction.RESTRICT),)),
    LetterKind.CLARIFICATION: facts(overview="Köp sedan 1998", choices="Ett visst år"),
    LetterKind.MANDATE_REQUEST: facts(requester=Requester.AGENT),
}

IMY = {
    "sv": "klagomål till Integritetsskyddsmyndigheten (IMY), Box 8114, 104 20 Stockholm, www.imy.se",
    "en": "lodge a complaint with the Swedish Authority for Privacy Protection",
}
COURT = {"sv": "väcka talan vid en tingsrätt", "en": "district court (tingsrätt)"}

#: Kinds after which the person must know where to complain (law: Art. 12(4), 15(1)(f)).
WITH_IMY = set(LetterKind) - {
    LetterKind.ACKNOWLEDGEMENT,
    LetterKind.IDENTITY_CHECK,
    LetterKind.IDENTITY_REMINDER,
    LetterKind.QUESTION,
    LetterKind.CLARIFICATION,
    LetterKind.MANDATE_REQUEST,
    LetterKind.CONTACT_CHANGED_NOTICE,
    LetterKind.IDENTITY_WARNING,
    LetterKind.RECIPIENT_NOTICE,
    LetterKind.PASS_PHRASE,
    LetterKind.NOT_REQUEST,
}
REFUSALS = {LetterKind.REFUSAL, LetterKind.UPDATE_REFUSED, LetterKind.UNIDENTIFIED, LetterKind.ERASURE_PARTLY}


def one_line(text: str) -> str:
    return " ".join(text.split())


def written(kind: LetterKind, language: str) -> str:
    return one_line(compose(kind, language, FACTS.get(kind, facts())).text)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", LetterKind)
def test_every_kind_is_written_in_both_languages(kind: LetterKind, language: str) -> None:
    letter = compose(kind, language, FACTS.get(kind, facts()))
    assert "D-2026-00042" in letter.text
    assert "Xelent Office Sweden AB" in letter.text
    assert f'<html lang="{language}">' in letter.html


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", sorted(WITH_IMY))
def test_the_supervisory_authority_is_named(kind: LetterKind, language: str) -> None:
    assert IMY[language] in written(kind, language)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_every_refusal_names_the_court(kind: LetterKind, language: str) -> None:
    assert COURT[language] in written(kind, language)


#: EDPB 01/2022 s. 3.3, DSL 3 kap. 10 §: what must not be demanded of who asks.
NEVER_DEMANDED = re.compile(
    r"körkort|passet|pass\b|underskrift|bankid|personnummer|avgift|vidimera|blankett|portal"
    r"|driving licen|passport|signature|personal identity number|\bfee\b|notari|\bform\b",
    re.IGNORECASE,
)
#: Letters that ask who somebody is, and how they say that no copy of a document is wanted.
WHO_ASKS = {"sv": "Skicka inte någon kopia av id-handling", "en": "do not send a copy of an identity document"}


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", [LetterKind.IDENTITY_CHECK, LetterKind.IDENTITY_REMINDER])
def test_whoever_is_asked_who_they_are_is_told_to_send_no_copies(kind: LetterKind, language: str) -> None:
    text = written(kind, language)
    assert WHO_ASKS[language].casefold() in text.casefold()
    assert NEVER_DEMANDED.search(text) is None


@pytest.mark.parametrize("kind", LetterKind)
def test_subject_holds_the_case_reference_only(kind: LetterKind) -> None:
    assert compose(kind, "sv", FACTS.get(kind, facts())).subject == "Ärende D-2026-00042"


@pytest.mark.parametrize(
    "kind",
    [
        LetterKind.ACKNOWLEDGEMENT,
        LetterKind.IDENTITY_CHECK,
        LetterKind.IDENTITY_REMINDER,
        LetterKind.MANDATE_REQUEST,
        LetterKind.DECEASED,
        LetterKind.UNIDENTIFIED,
    ],
)
def test_letters_to_the_unverified_name_no_person(kind: LetterKind) -> None:
    assert "Anna" not in written(kind, "sv")


@pytest.mark.parametrize(
    ("requester", "words"),
    [
        (Requester.AGENT, "god man eller förvaltare"),
        (Requester.EMPLOYER, "En arbetsgivare har därför ingen egen rätt"),
        (Requester.PARENT, "Rätten till uppgifterna är barnets egen"),
        (Requester.SERVICE, "laddar inte upp svar i en portal"),
    ],
)
def test_whoever_writes_for_somebody_else_is_told_what_their_role_takes(requester: Requester, words: str) -> None:
    """And that we have taken no position on whether we hold anything."""
    text = one_line(compose(LetterKind.MANDATE_REQUEST, "sv", facts(requester=requester)).text)
    assert words in text
    assert "Vi har inte tagit ställning till om vi behandlar uppgifter om personen." in text
    assert "kopia av id-handling" in text


def test_acknowledgement_repeats_no_right_and_confirms_nothing() -> None:
    """P3(a): the automatic acknowledgement names neither person nor rights nor data."""
    rights = facts(rights=(Right.ERASE,), records=(record(),))
    assert (
        compose(LetterKind.ACKNOWLEDGEMENT, "sv", rights).text
        == compose(LetterKind.ACKNOWLEDGEMENT, "sv", facts(rights=(), records=None, person_name=None)).text
    )


def test_dates_are_written_out_in_the_language() -> None:
    christmas = facts(nominal_on=date(2026, 12, 25))
    assert "senast den 25 december 2026" in one_line(compose(LetterKind.ACKNOWLEDGEMENT, "sv", christmas).text)
    assert "no later than 25 December 2026" in one_line(compose(LetterKind.ACKNOWLEDGEMENT, "en", christmas).text)


def test_other_languages_get_english() -> None:
    assert compose(LetterKind.ACKNOWLEDGEMENT, "de", facts()).language == "en"


@pytest.mark.parametrize("kind", LetterKind)
def test_who_writes_in_another_language_gets_english_with_a_swedish_copy(kind: LetterKind) -> None:
    given = FACTS.get(kind, facts())
    letter = compose(kind, "de", given)
    text = one_line(letter.text)
    assert text.startswith("The same letter follows in Swedish.")
    assert one_line(compose(kind, "en", given).text) in text
    assert text.endswith(one_line(compose(kind, "sv", given).text))
    assert letter.html.count('<section lang="sv">') == 1
    assert letter.html.count("<html") == letter.html.count("</main>") == 1


def test_the_swedish_copy_is_read_aloud_in_swedish_on_paper_too() -> None:
    """WCAG 2.2, 3.1.2: the language of a part can be told by program."""
    letter = compose(LetterKind.ACKNOWLEDGEMENT, "de", facts())
    printed = render(letter.markdown, title="x", language=letter.language, footer="x", created_at=AT)
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        document = pdf.Root.StructTreeRoot.K[0]
        assert pdf.Root.Lang == "en"
        assert [(str(part.S), str(part.Lang)) for part in document.K if "/Lang" in part] == [("/Part", "sv")]


def test_a_mailed_letter_has_the_colours_of_the_company() -> None:
    letter = compose(LetterKind.ACKNOWLEDGEMENT, "sv", facts(), look=Look(accent="#8a2b5b", tint="#f6ebf1"))
    assert "a{color:#8a2b5b}" in letter.html
    assert "background:#f6ebf1" in letter.html


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", LetterKind)
def test_what_staff_add_is_said_as_theirs_and_is_never_markup(kind: LetterKind, language: str) -> None:
    note = "Vi ses på tisdag. <b>{{ 7*7 }}</b>"
    letter = compose(kind, language, replace(FACTS.get(kind, facts()), staff_note=note))
    said = {"sv": "Meddelande från Sara Lind, som handlägger ditt ärende", "en": "A message from Sara Lind"}[language]
    assert said in one_line(letter.text)
    assert note in one_line(letter.text)
    assert "<b>" not in letter.html


def test_annexes_are_named_and_travel_with_the_letter() -> None:
    annex = Annex(filename="D-2026-00042.pdf", content_type="application/pdf", content=b"%PDF")
    letter = compose(LetterKind.ACCESS_ANSWER, "sv", facts(), annexes=(annex,))
    assert letter.annexes == (annex,)
    assert "i den bifogade filen D-2026-00042.pdf." in one_line(letter.text)


# ------------------------------------------------------------------------------------------ what must be there


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (LetterKind.REFUSAL, "reasons"),
        (LetterKind.REFUSAL, "legal_ground"),
        (LetterKind.REFUSAL, "handler"),
        (LetterKind.UPDATE_REFUSED, "reasons"),
        (LetterKind.EXTENSION, "reasons"),
        (LetterKind.EXTENSION, "extended_nominal_on"),
        (LetterKind.QUESTION, "reasons"),
        (LetterKind.NOTHING_FOUND, "search_keys"),
        (LetterKind.OBJECTION_DONE, "contact_points"),
        (LetterKind.ERASURE_DONE, "backup_days"),
        (LetterKind.IDENTITY_CHECK, "reply_by_on"),
        (LetterKind.ACCESS_ANSWER, "coverage"),
    ],
)
def test_a_missing_fact_is_named_with_its_template(kind: LetterKind, fact: str) -> None:
    incomplete = facts(records=None, **{fact: None}) if kind is LetterKind.NOTHING_FOUND else facts(**{fact: None})
    with pytest.raises(LetterError, match=rf"'sv/{kind}.md.j2': .*fact '{fact}' is missing"):
        compose(kind, "sv", incomplete)


def test_refusal_says_reasons_and_ground_written_by_staff() -> None:
    text = one_line(compose(LetterKind.REFUSAL, "sv", facts(reasons="Första skälet.\n\nAndra skälet.")).text)
    assert "Skäl: Första skälet. Andra skälet." in text
    assert "Vi stöder oss på: artikel 15.4 i dataskyddsförordningen" in text


def test_an_access_answer_that_withholds_something_names_the_court() -> None:
    text = one_line(compose(LetterKind.ACCESS_ANSWER, "sv", facts(withheld=(withheld(),))).text)
    assert "namnet på en annan kund" in text
    assert COURT["sv"] in text


def folder_with(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / "sv").mkdir()
    (tmp_path / "sv" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_an_installation_can_reword_a_letter(tmp_path: Path) -> None:
    own = folder_with(
        tmp_path,
        "question.md.j2",
        '{% extends "sv/_frame.md.j2" %}{% block title %}Fråga{% endblock %}'
        '{% block body %}Hjälp oss: {{ reasons }} Svara före den {{ reply_by_on }}. {% include "sv/_contact.md.j2" %}'
        "{% endblock %}",
    )
    assert "Hjälp oss:" in compose(LetterKind.QUESTION, "sv", facts(), templates=own).text


def test_a_reworded_template_has_another_hash(tmp_path: Path) -> None:
    own = folder_with(tmp_path, "_identity_options.md.j2", "- ring oss.\n")
    packaged = compose(LetterKind.IDENTITY_CHECK, "sv", facts())
    reworded = compose(LetterKind.IDENTITY_CHECK, "sv", facts(), templates=own)
    assert packaged.template_sha256 != reworded.template_sha256


@pytest.mark.parametrize("block", ["imy", "court", "contact", "head"])
def test_no_installation_can_drop_a_locked_block(tmp_path: Path, block: str) -> None:
    own = folder_with(tmp_path, f"_{block}.md.j2", "Hej då.\n")
    with pytest.raises(LetterError, match=f"block '{block}' must not be changed or left out"):
        compose(LetterKind.REFUSAL, "sv", facts(), templates=own)


def test_no_installation_can_drop_the_reasons(tmp_path: Path) -> None:
    own = folder_with(
        tmp_path,
        "refusal.md.j2",
        '{% extends "sv/_frame.md.j2" %}{% block title %}Nej{% endblock %}{% block body %}Den {{ received_on }}.\n\n'
        '{% include "sv/_imy.md.j2" %}\n\n{% include "sv/_court.md.j2" %}\n\n{% include "sv/_contact.md.j2" %}'
        "{% endblock %}",
    )
    with pytest.raises(LetterError, match="must say the fact 'reasons'"):
        compose(LetterKind.REFUSAL, "sv", facts(), templates=own)


def test_a_broken_template_is_reported_by_line(tmp_path: Path) -> None:
    own = folder_with(tmp_path, "question.md.j2", "{% if %}")
    with pytest.raises(LetterError, match=r"line 1 of sv/question\.md\.j2"):
        compose(LetterKind.QUESTION, "sv", facts(), templates=own)


def test_templates_run_in_a_sandbox(tmp_path: Path) -> None:
    own = folder_with(tmp_path, "question.md.j2", "{{ controller.__class__.__mro__ }}")
    with pytest.raises(LetterError, match="SecurityError"):
        compose(LetterKind.QUESTION, "sv", facts(), templates=own)


# ------------------------------------------------------------------------------------- what must not be said


@pytest.mark.parametrize("unfinished", [SystemOutcome.PARTIAL, SystemOutcome.FAILED, SystemOutcome.WAITING])
def test_nothing_found_is_never_said_before_every_place_has_answered(unfinished: SystemOutcome) -> None:
    """P5: a partial read is a failed read."""
    place = Coverage(label=both("kassan", "the till"), outcome=unfinished, searched_on=date(2026, 11, 24))
    with pytest.raises(LetterError, match="'the till' has not been searched to the end"):
        compose(LetterKind.NOTHING_FOUND, "sv", facts(records=None, coverage=(place,)))


def test_nothing_found_is_never_said_with_records() -> None:
    with pytest.raises(LetterError, match="records were found"):
        compose(LetterKind.NOTHING_FOUND, "sv", facts())


def test_erased_is_said_only_of_what_was_verified() -> None:
    with pytest.raises(LetterError, match="erase of business/customer is not verified"):
        compose(LetterKind.ERASURE_DONE, "sv", facts(outcomes=(outcome(done=False),)))


def test_erasure_with_something_kept_is_not_called_done() -> None:
    with pytest.raises(LetterError, match="was not erased but 'keep'"):
        compose(LetterKind.ERASURE_DONE, "sv", facts(outcomes=(outcome(), kept())))


def test_kept_data_are_told_with_law_and_end_date() -> None:
    text = one_line(compose(LetterKind.ERASURE_PARTLY, "sv", facts(outcomes=(outcome(), kept()))).text)
    assert "Skäl och lag: Bokföringsunderlag (7 kap. 2 § bokföringslagen)" in text
    assert "Sparas till och med: 31 december 2033" in text


def test_what_was_erased_by_hand_is_told_as_such() -> None:
    by_hand = outcome(action=StepAction.TASK, object_label=both("Pärm", "Binder"))
    assert "Pärm Affärssystemet gjort för hand" in one_line(
        compose(LetterKind.ERASURE_DONE, "sv", facts(outcomes=(by_hand,))).text
    )


def test_a_letter_that_erased_nothing_does_not_speak_of_backups() -> None:
    text = compose(LetterKind.ERASURE_PARTLY, "sv", facts(outcomes=(kept(),), done_on=None, backup_days=None)).text
    assert "Säkerhetskopior" not in text


@pytest.mark.parametrize("fact", ["law", "until", "reason"])
def test_nothing_is_kept_without_reason_law_and_end_date(fact: str) -> None:
    with pytest.raises(LetterError, match="has no reason, law or end date"):
        compose(LetterKind.ERASURE_PARTLY, "sv", facts(outcomes=(outcome(), kept(**{fact: None}))))


HOSTILE = "<b>fet</b> {{7*7}} a|b ](javascript:alert(1)) \x1b[31m \u202eomvänd **stjärnor**"


@pytest.mark.parametrize("fact", ["person_name", "reasons", "legal_ground", "handler"])
def test_hostile_values_are_inert(fact: str) -> None:
    """P10: requester text is data."""
    letter = compose(LetterKind.REFUSAL, "sv", facts(**{fact: HOSTILE}))
    shown = "<b>fet</b> {{7*7}} a|b ](javascript:alert(1)) [31m omvänd **stjärnor**"
    assert shown in one_line(letter.text)
    assert "&lt;b&gt;fet&lt;/b&gt; {{7*7}} a|b ](javascript:alert(1)) [31m omvänd **stjärnor**" in letter.html
    assert not {"\x1b", "\u202e"} & set(letter.text + letter.html)
    assert "href" not in letter.html


# ------------------------------------------------------------------------------------------ the access answer


def export(language: str = "sv", **changes: object) -> str:
    return compose_export(language, facts(**changes))


def test_export_confirms_copies_and_informs() -> None:
    """EDPB 01/2022: confirmation, copy of the data and information are all due, in one delivery."""
    markdown = export()
    assert "**Ja, vi behandlar personuppgifter om dig.**" in markdown
    assert "| E-postadress | anna.berg@example.se | kontaktuppgift |" in markdown
    assert "- **Ändamål:** Lämna offert, sälja, leverera och serva utrustning." in markdown


@pytest.mark.parametrize(
    "said",
    [
        "| Ärende | D-2026-00042 |",  # F01
        "Xelent Office Sweden AB, org.nr 556402-9584, Annebergsvägen 1B, 432 48 Varberg, gdpr@xelent.se",  # F02
        "| Dataskyddsombud | Vi har inget dataskyddsombud. |",  # F03
        "| Begäran kom in | den 20 november 2026 |",  # F04
        "| Uppgifterna visar läget | den 20 november 2026 |",  # F05
        "070-",  # F07
        "| Ärendehanteringssystemet | inga uppgifter om dig | 24 november 2026 |",  # F08
        "| Namnet på en annan kund | den personens rätt till skydd (artikel 15.4) |",  # F09
        "- Reklamen är stoppad.",  # F10
        "### Affärssystemet",  # D03
        "Läst den 24 november 2026 kl. 10:30",  # D03
        "Sparas till och med den 31 december 2033 (7 kap. 2 § bokföringslagen).",  # I05
        "K3 betyder kund med avtal Källa: SPAR",  # D02, D04
        "- **Rättslig grund:** Avtal med dig (artikel 6.1 b).",  # I02
        "- **Kategorier av uppgifter:** Namn, kontaktuppgifter och köp.",  # I03
        "| Molnet AB | driver affärssystemet för vår räkning (personuppgiftsbiträde) | Sverige |",  # I04
        "- **Så länge sparar vi dem:** Tre år efter det senaste köpet.",  # I05
        "- **Rättelse:**",  # I06
        "- **Radering:**",  # I06
        "- **Begränsning:**",  # I06
        "- **Invändning:**",  # I06
        "> **Du kan alltid säga nej till direkt marknadsföring, utan att ange skäl.**",  # I07
        "- **Dataportabilitet:**",  # I08
        IMY["sv"],  # I09
        COURT["sv"],  # I10
        "- **Varifrån de kommer:** Från dig själv",  # I11
        "Inga beslut om dig fattas enbart på automatisk väg",  # I12
        "| Google Cloud EMEA Ltd | USA | Beslut (EU) 2023/1795 |",  # I13
        "Vi sparar din begäran och våra svar i 24 månader.",  # I14
        "Din handläggare heter Sara Lind.",  # I15
    ],
)
def test_export_holds_every_field_that_the_law_asks_for(said: str) -> None:
    abroad = recipient(name="Google Cloud EMEA Ltd", country="US", transfer_basis=both("Beslut (EU) 2023/1795"))
    code = value("K3", explanation=both("K3 betyder kund med avtal"), source=both("SPAR"))
    markdown = export(
        withheld=(withheld(),),
        other_outcomes=("Reklamen är stoppad.",),
        records=(record(code, keep_until=date(2033, 12, 31), keep_law=both("7 kap. 2 § bokföringslagen")),),
        activities=(activity(recipients=(recipient(), abroad)),),
    )
    assert said in markdown.replace("\\*", "*")


def logins(count: int) -> tuple[Record, ...]:
    return tuple(
        record(
            value(f"2026-01-0{number}", path="time", label=both("Tid"), category="log"),
            value("in", path="event", label=both("Händelse"), category="log", explanation=both("inloggning")),
            object="login",
            object_label=both("Inloggning"),
            key=f"L{number}",
        )
        for number in range(1, count + 1)
    )


def test_many_like_records_make_one_table() -> None:
    markdown = export(records=logins(5))
    assert "#### Inloggning (5 st.)" in markdown
    assert "| Nummer | Tid | Händelse |\n|---|---|---|\n| L1 | 2026-01-01 | in (inloggning) |\n| L2 |" in markdown


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_every_value_of_every_record_is_in_the_export(count: int) -> None:
    """C-487/21: a copy of the data themselves, not a summary."""
    markdown = export(records=(record(), *logins(count)))
    for number in range(1, count + 1):
        assert markdown.count(f"2026-01-0{number}") == 1
    assert "anna.berg@example.se" in markdown


def test_export_says_no_transfers_only_when_there_are_none() -> None:
    assert "Dina uppgifter överförs inte till något land utanför EU/EES." in export()


def test_rights_that_do_not_apply_are_not_listed() -> None:
    markdown = export(activities=(activity(portable=False, objectable=False),))
    assert "Dataportabilitet" not in markdown
    assert "Invändning" not in markdown


def test_everything_that_blocks_an_export_is_listed_at_once() -> None:
    """Traps 8, 11 and 12: no unknown fact, unnamed recipient, unexplained code or transfer without basis goes out."""
    with pytest.raises(LetterError) as refused:
        export(
            records=(record(value("X7", path="status", code_unknown=True), activities=("A1", "A9")),),
            activities=(
                activity(
                    unknown=("retention: the finance manager",),
                    recipients=(recipient(name="Mail Inc", country="US"), recipient(name="")),
                ),
            ),
            search_keys=None,
        )
    for problem in (
        "a code of business/customer/status has no explanation",
        "processing activity 'A9' of business/customer is not described",
        "activity 'A1': retention: the finance manager",
        "activity 'A1': I13: recipient 'Mail Inc' has no transfer basis",
        "activity 'A1': I04: a recipient has no name",
        "fact 'search_keys' is missing",
    ):
        assert problem in str(refused.value)


def test_a_partial_answer_says_what_is_missing_and_when_it_comes() -> None:
    waiting = Coverage(label=both("kontoret i Borås"), outcome=SystemOutcome.WAITING, searched_on=date(2026, 11, 24))
    markdown = export(coverage=(waiting,), extended_nominal_on=None)
    assert "# Delsvar på din begäran om tillgång" in markdown
    assert "Vi väntar på besked från kontoret i Borås. Resten får du senast den 20 december 2026." in markdown


def test_hostile_values_stay_in_their_cell() -> None:
    markdown = export(records=(record(value("a | b\n| c | d |\n\n# Rubrik <script>")),))
    assert "a &#124; b&#10;&#124; c &#124; d &#124;&#10;&#10;\\# Rubrik \\<script\\>" in markdown


# ------------------------------------------------------------------------------------- machine-readable copies


def test_json_holds_every_value_exactly() -> None:
    odd = "=1+1 \u202e\x1b\x9b\ud83d åäö 😀\n ny rad  "
    content = export_json(facts(records=(record(value(odd), value("två")),)), "sv")
    document = json.loads(content)
    assert [v["value"] for r in document["records"] for v in r["values"]] == [odd, "två"]
    assert not {"\u202e", "\x1b", "\x9b"} & set(content.decode())


def test_json_says_what_is_portable() -> None:
    """Art. 20 covers what rests on consent or contract, and nothing else."""
    contract, law = activity(), activity(id="A2", portable=False)
    both_kinds = facts(records=(record(), record(activities=("A2",))), activities=(contract, law))
    assert [r["portable"] for r in json.loads(export_json(both_kinds, "sv"))["records"]] == [True, False]


def test_only_what_the_person_gave_us_can_be_taken_along() -> None:
    """Art. 20(1): not what others wrote about them, what came from elsewhere, or what a law makes us keep."""
    own, bought, note = value("a"), value("b", source=both("Register AB")), value("c", free_text=True)
    both_kinds = facts(
        records=(record(own, bought, note), record(value("d"), activities=("A2",))),
        activities=(activity(), activity(id="A2", portable=False)),
    )
    part = portable_part(both_kinds)
    assert part is not None
    assert [row["value"] for row in rows(export_csv(part, "sv"))] == ["a"]


def test_nothing_is_taken_along_where_the_right_covers_nothing() -> None:
    assert portable_part(facts(activities=(activity(portable=False),))) is None


@pytest.mark.parametrize(("portable", "said"), [(True, "slutar på ”-portable”"), (False, "inga sådana uppgifter")])
def test_the_letter_says_what_can_be_taken_along(*, portable: bool, said: str) -> None:
    given = facts(portability=True, activities=(activity(portable=portable),))
    assert said in one_line(compose(LetterKind.ACCESS_ANSWER, "sv", given).text)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_opens_in_a_spreadsheet_with_one_row_per_value() -> None:
    content = export_csv(facts(records=(record(value("åäö"), value("två\nrader")),)), "sv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert [(row["system"], row["label"], row["value"]) for row in rows(content)] == [
        ("Affärssystemet", "E-postadress", "åäö"),
        ("Affärssystemet", "E-postadress", "två\nrader"),
    ]


@pytest.mark.parametrize("formula", ["=cmd()", "+46701234567", "-1", "@SUM(A1)", "\n=1"])
def test_csv_values_are_never_formulas(formula: str) -> None:
    assert rows(export_csv(facts(records=(record(value(formula)),)), "sv"))[0]["value"] == f"'{formula}"


@pytest.mark.parametrize("export_as", [export_json, export_csv])
def test_there_is_no_export_without_records(export_as: Callable[[LetterFacts, str], bytes]) -> None:
    with pytest.raises(LetterError, match="fact 'records' is missing"):
        export_as(facts(records=None), "sv")


def test_preview_is_what_the_letter_is_made_of() -> None:
    assert "# Beslut om din begäran" in markdown_of(LetterKind.REFUSAL, "sv", facts())


# ------------------------------------------------------------------------------------------------- check_templates


def test_every_shipped_template_compiles() -> None:
    check_templates(None)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("sv/refusal.md.j2", "Hej\n{% if %}", "line 2"),
        ("sv/refusal.md.j2", "{{ today | shout }}", "shout"),
        ("sv/refusall.md.j2", "Hej", "no letter has this name"),
        ("en/_own_block.md.j2", "{% for", "line 1"),
    ],
)
def test_a_template_of_ones_own_that_cannot_work_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(LetterError, match=told) as error:
        check_templates(tmp_path)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        (LetterKind.IDENTITY_CHECK, "tar bort direkt efteråt"),  # the mail stays in the case
        (LetterKind.IDENTITY_CHECK, "kundnummer"),  # staff have no check by number
        (LetterKind.IDENTITY_CHECK, "mobilnummer"),  # codes go by e-mail only
        (LetterKind.ERASURE_DONE, "raderar vi dina uppgifter igen"),  # nothing watches a restored backup
        (LetterKind.ERASURE_PARTLY, "används bara till det som lagen kräver"),  # nothing watches their use
        (LetterKind.NOTHING_FOUND, "alla ställen där vi behandlar"),  # only connected systems are searched
    ],
)
def test_no_letter_claims_what_nothing_stands_behind(kind: LetterKind, claim: str) -> None:
    """A claim comes back together with what keeps it."""
    assert claim not in written(kind, "sv")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_withdrawn_erasure_tells_what_was_done_and_promises_nothing(language: str) -> None:
    """Nothing more is done, so no letter of ours may say that it is."""
    text = one_line(compose(LetterKind.ERASURE_PARTLY, language, facts(outcomes=(outcome(),), ended="withdrawn")).text)
    assert {"sv": "då slutade vi", "en": "and we stopped"}[language] in text
    assert {"sv": "hör av oss när", "en": "let you know"}[language] not in text


def test_a_mail_about_a_change_names_no_value_in_clear() -> None:
    """Art. 5(1)(f): a mail can be read on its way; the person knows the masked values again."""
    given = facts(rights=(Right.UPDATE,), outcomes=(update_step(),))
    for language in ("sv", "en"):
        letter = compose(LetterKind.UPDATE_DONE, language, given)
        assert "a@old.se" not in letter.text + letter.html
        assert "a***@old.se" in letter.text
        assert "a***@new.se" in letter.text


def test_on_paper_a_change_is_told_in_full() -> None:
    given = facts(rights=(Right.UPDATE,), outcomes=(update_step(),), by_post=True)
    assert "a@new.se" in compose(LetterKind.UPDATE_DONE, "sv", given).text


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("Annebergsvägen 1B", "A*** 1***"),
        ("070-174 06 99", "+46 ** *** ** 99"),
        ("19811228-9874", "19811228-****"),
        ("SE35 5000 0000 0549 1000 0003", "S*** 5*** 0*** 0*** 1*** 0***"),
        ("Eva Lind", "E*** L***"),
    ],
)
def test_each_kind_of_value_is_masked_in_its_way(value: str, masked: str) -> None:
    change = FieldChange(path="x", label=both("Uppgift", "Item"), before=value, after=None)
    given = facts(rights=(Right.UPDATE,), outcomes=(update_step(changes=(change,)),))
    assert masked in compose(LetterKind.UPDATE_DONE, "sv", given).text


def test_a_withdrawn_consent_is_confirmed_as_what_it_is() -> None:
    text = written(LetterKind.CONSENT_WITHDRAWN, "sv")
    assert "Du har tagit tillbaka ditt samtycke" in text
    assert "Det vi gjorde dessförinnan påverkas inte (artikel 7.3 i dataskyddsförordningen)" in text


def test_the_cover_of_an_access_answer_says_where_everything_stands() -> None:
    """Art. 12(1), "easily accessible": each part by its name, and a new page after that."""
    markdown = compose_export("sv", facts())
    cover, _break, rest = markdown.partition("\n***\n")
    linked = re.findall(r"^\| \[([^]]+)\]\(#", cover, re.MULTILINE)
    assert linked == ["Här har vi sökt", "Dina uppgifter", "Så använder vi uppgifterna", "Dina rättigheter"]
    assert all(f"\n## {name}\n" in rest for name in linked)
