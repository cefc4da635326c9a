"""What mails in other languages ask; a person confirms each, so what is proposed must be right."""

import pytest

from dsar.mime import read_mail
from dsar.model import Disposition, SenderAuthentication, Triage
from dsar.triage import triage
from dsar.triage.vocabulary import _load


def sort_text(text: str, *, subject: str = "", head: str = "") -> Triage:
    known = (
        f"From: Anna Ek <anna.ek@mejl.example>\nMessage-ID: <1@x>\nSubject: {subject}\n"
        "Content-Type: text/plain; charset=utf-8\n"
    )
    return triage(read_mail(f"{known}{head}\n{text}".encode()), sender_authentication=SenderAuthentication.NONE)


def rights(result: Triage) -> list[str]:
    return sorted(request.right.value for request in result.subjects[0].requests)


ASKED = {
    "de": [
        (
            "Hiermit verlange ich Auskunft nach Art. 15 DSGVO über die zu meiner Person gespeicherten Daten.",
            ["access"],
        ),
        ("Hallo, ich bin Kunde bei euch und möchte wissen, welche Daten ihr über mich gespeichert habt.", ["access"]),
        (
            "Ich bitte Sie, mir eine Kopie aller personenbezogenen Daten zu schicken, die Sie über mich haben.",
            ["access"],
        ),
        ("Bitte löschen Sie mein Kundenkonto und alle meine Daten.", ["erase"]),
        ("Ich möchte, dass Sie meine personenbezogenen Daten unverzüglich löschen.", ["erase"]),
        ("Könnten Sie mich bitte aus Ihrer Datenbank entfernen?", ["erase"]),
        ("Ich möchte keine Werbung mehr von Ihnen bekommen.", ["object"]),
        ("Bitte melden Sie mich vom Newsletter ab, ich will ihn nicht mehr erhalten.", ["object"]),
        ("Hiermit widerrufe ich meine Einwilligung in die Zusendung Ihrer E-Mails.", ["object"]),
        ("Ich widerspreche der Verarbeitung meiner Daten zu Werbezwecken.", ["object"]),
        ("Ich bin umgezogen. Meine neue Adresse lautet Hauptstraße 5, 24103 Kiel. Bitte ändern Sie das.", ["update"]),
        ("Mein Name ist bei Ihnen falsch geschrieben, bitte berichtigen Sie das: Müller statt Miller.", ["update"]),
        ("Ich verlange die Einschränkung der Verarbeitung meiner Daten, bis die Sache geklärt ist.", ["restrict"]),
        ("Bitte senden Sie mir zuerst eine Kopie meiner Daten und löschen Sie danach alles.", ["access", "erase"]),
        ("Schmeißt bitte alles raus, was ihr noch von mir habt.", ["erase"]),
        (
            "Ich will nicht, dass Sie mein Konto löschen. Ändern Sie nur die Telefonnummer auf 0151 23456789.",
            ["update"],
        ),
        ("Ich möchte nicht, dass Sie meine Daten löschen.", []),
        ("Wenn Sie nicht antworten, werde ich die Löschung meiner Daten verlangen.", []),
        ("Der Drucker zeigt einen Fehlercode, bitte löschen Sie die Druckaufträge.", []),
    ],
    "fi": [
        ("Hei, haluan saada kopion kaikista henkilötiedoistani, joita teillä on.", ["access"]),
        ("Pyydän teitä kertomaan, mitä tietoja teillä on minusta.", ["access"]),
        ("Käytän tarkastusoikeuttani ja pyydän pääsyä tietoihini.", ["access"]),
        ("Poistakaa kaikki tietoni järjestelmästänne.", ["erase"]),
        ("Haluaisin, että poistatte asiakastilini ja kaikki tietoni.", ["erase"]),
        ("En halua enää saada uutiskirjeitänne.", ["object"]),
        ("Peruutan suostumukseni suoramarkkinointiin.", ["object"]),
        ("Lopettakaa mainosten lähettäminen minulle, en halua mainontaa.", ["object"]),
        ("Olen muuttanut. Uusi osoitteeni on Mannerheimintie 5, 00100 Helsinki.", ["update"]),
        ("Sukunimeni on kirjoitettu väärin, voisitteko korjata sen?", ["update"]),
        ("Vaadin, että rajoitatte tietojeni käsittelyä siihen asti, kunnes asia on selvitetty.", ["restrict"]),
        ("Pyydän ensin kopion tiedoistani ja sen jälkeen pyydän poistamaan kaikki tietoni.", ["access", "erase"]),
        ("moi voisitteks poistaa mut teiän rekisteristä kokonaan kiitos", ["erase"]),
        ("En halua, että poistatte tietojani.", []),
        ("Jos ette vastaa, aion pyytää tietojeni poistamista.", []),
    ],
    "fr": [
        ("Bonjour, je souhaite savoir quelles données vous détenez sur moi.", ["access"]),
        ("En application de l'article 15 du RGPD, je vous demande une copie de mes données personnelles.", ["access"]),
        ("Merci de supprimer mon compte et toutes mes données.", ["erase"]),
        ("Je vous prie de bien vouloir effacer l'ensemble des données me concernant.", ["erase"]),
        ("Je ne veux plus recevoir vos newsletters.", ["object"]),
        ("Veuillez me désinscrire de votre liste de diffusion, merci.", ["object"]),
        ("Je m'oppose au traitement de mes données à des fins de prospection.", ["object"]),
        ("Par la présente je retire mon consentement.", ["object"]),
        ("J'ai déménagé, ma nouvelle adresse est 12 rue de la Paix, 75002 Paris. Merci de mettre à jour.", ["update"]),
        ("Mon nom est mal orthographié dans vos fichiers, veuillez le corriger : Lefèvre.", ["update"]),
        ("Je demande la limitation du traitement de mes données pendant le litige.", ["restrict"]),
        (
            "Je souhaite recevoir mes données dans un format structuré et lisible par machine.",
            ["access"],
        ),
        ("Je ne veux pas que vous supprimiez mes données.", []),
        ("Si vous ne répondez pas, je demanderai la suppression de mes données.", []),
        ("L'imprimante affiche un code erreur, merci de supprimer les numérisations.", []),
    ],
    "es": [
        ("Hola, quiero saber qué datos tienen sobre mí.", ["access"]),
        ("Solicito acceso a mis datos personales conforme al artículo 15 del RGPD.", ["access"]),
        ("Por favor, borren mi cuenta y todos mis datos.", ["erase"]),
        ("Les pido que eliminen todos los datos personales que tengan sobre mí.", ["erase"]),
        ("No quiero recibir más publicidad.", ["object"]),
        ("Quiero darme de baja del boletín.", ["object"]),
        ("Me opongo al tratamiento de mis datos con fines de marketing.", ["object"]),
        ("Retiro mi consentimiento para el envío de comunicaciones comerciales.", ["object"]),
        (
            "Me he mudado. Mi nueva dirección es Calle Mayor 5, 28013 Madrid. Por favor actualicen mis datos.",
            ["update"],
        ),
        ("Mi apellido está mal escrito, por favor corríjanlo: es Núñez.", ["update"]),
        ("Solicito la limitación del tratamiento de mis datos mientras se resuelve la reclamación.", ["restrict"]),
        ("Quiero saber qué datos tienen sobre mí y después bórrenlo todo.", ["access", "erase"]),
        ("No quiero que borren mis datos.", []),
        ("Si no responden, solicitaré la supresión de mis datos.", []),
    ],
    "pl": [
        ("Dzień dobry, chciałbym się dowiedzieć, jakie dane na mój temat państwo posiadają.", ["access"]),
        ("Na podstawie art. 15 RODO proszę o przesłanie kopii moich danych osobowych.", ["access"]),
        ("Proszę o usunięcie mojego konta i wszystkich moich danych.", ["erase"]),
        ("Żądam usunięcia moich danych osobowych z państwa bazy.", ["erase"]),
        ("Nie chcę otrzymywać więcej newslettera.", ["object"]),
        ("Cofam zgodę na przetwarzanie moich danych w celach marketingowych.", ["object"]),
        ("Wnoszę sprzeciw wobec przetwarzania moich danych w celach marketingowych.", ["object"]),
        ("Przeprowadziłam się. Mój nowy adres to ul. Długa 5, 00-238 Warszawa. Proszę o aktualizację.", ["update"]),
        ("Moje nazwisko jest błędnie zapisane, proszę je poprawić na Wójcik.", ["update"]),
        ("Żądam ograniczenia przetwarzania moich danych do czasu wyjaśnienia sprawy.", ["restrict"]),
        ("Proszę się pozbyć wszystkiego, co na mój temat macie.", ["erase"]),
        ("Nie chcę, aby usunęli państwo moje dane.", []),
    ],
    "et": [
        ("Tere, soovin teada, milliseid andmeid te minu kohta töötlete.", ["access"]),
        ("Palun saatke mulle koopia kõigist minu isikuandmetest.", ["access"]),
        ("Palun kustutage minu konto ja kõik minu andmed.", ["erase"]),
        ("Soovin, et te kustutaksite kõik minu isikuandmed oma süsteemist.", ["erase"]),
        ("Ma ei soovi enam teie uudiskirja saada.", ["object"]),
        ("Võtan oma nõusoleku tagasi.", ["object"]),
        ("Esitan vastuväite minu andmete töötlemisele turunduse eesmärgil.", ["object"]),
        ("Olen kolinud, minu uus aadress on Pikk 5, 10123 Tallinn. Palun muutke see ära.", ["update"]),
        ("Minu perekonnanimi on valesti kirjutatud, palun parandage.", ["update"]),
        ("Nõuan minu andmete töötlemise piiramist, kuni vaidlus on lahendatud.", ["restrict"]),
        ("Kustutage mu konto.", ["erase"]),
        ("Palun eemaldage kõik, mis teil minust on, ka printeri tellimused.", ["erase"]),
        ("Ma ei soovi, et te minu andmeid kustutaksite.", []),
    ],
    "ar": [
        ("مرحبا، أريد أن أعرف ما هي البيانات التي لديكم عني.", ["access"]),
        ("أطلب نسخة من جميع بياناتي الشخصية وفقا للمادة 15.", ["access"]),
        ("أرجو حذف حسابي وجميع بياناتي الشخصية.", ["erase"]),
        ("أطلب منكم مسح بياناتي من أنظمتكم.", ["erase"]),
        ("لا أريد استلام رسائل إعلانية منكم بعد الآن.", ["object"]),
        ("أسحب موافقتي على معالجة بياناتي لأغراض التسويق.", ["object"]),
        ("لقد انتقلت إلى عنوان جديد، أرجو تحديث عنواني.", ["update"]),
        ("اسمي مكتوب بشكل خاطئ، يرجى تصحيح اسمي.", ["update"]),
        ("أطلب تقييد معالجة بياناتي حتى يتم حل النزاع.", ["restrict"]),
        ("لا أريد أن تحذفوا بياناتي.", []),
    ],
}


@pytest.mark.parametrize(
    ("language", "text", "asked"), [(language, text, asked) for language, each in ASKED.items() for text, asked in each]
)
def test_what_is_asked_in_other_languages(language: str, text: str, asked: list[str]) -> None:
    result = sort_text(text)
    assert (result.language, rights(result)) == (language, asked), result.reasons
    assert result.needs_person or not asked


NOT_ASKED = {
    "de": [
        (
            "Vielen Dank für Ihre Nachricht. Ich bin bis zum 15. August nicht im Büro.",
            Disposition.AUTO_REPLY,
            "Abwesenheitsnotiz",
        ),
        (
            "Wie lange speichern Sie Daten von Bewerbern, und gibt es bei Ihnen einen Datenschutzbeauftragten?",
            Disposition.QUESTION,
            "",
        ),
        ("Anbei die Rechnung 4711 für Toner, zahlbar bis zum 30. des Monats.", Disposition.NOT_REQUEST, ""),
        (
            "Ich habe vor sechs Wochen um Auskunft gebeten und bis heute keine Antwort bekommen.",
            Disposition.FOLLOW_UP,
            "",
        ),
        ("Ich ziehe meinen Antrag zurück, die Sache hat sich erledigt.", Disposition.FOLLOW_UP, ""),
    ],
    "fi": [
        (
            "Olen lomalla 12. elokuuta asti. Kiireellisissä asioissa ottakaa yhteyttä vaihteeseen.",
            Disposition.AUTO_REPLY,
            "Automaattinen vastaus",
        ),
        ("Hei, kysyisin kuinka kauan säilytätte työnhakijoiden tietoja?", Disposition.QUESTION, ""),
        ("Pyysin tietojani kuukausi sitten, enkä ole saanut vastausta.", Disposition.FOLLOW_UP, ""),
        ("Peruutan pyyntöni, en tarvitse tietoja enää.", Disposition.FOLLOW_UP, ""),
    ],
    "fr": [
        ("Je suis absent du bureau jusqu'au 20 août.", Disposition.AUTO_REPLY, "Réponse automatique : votre message"),
        ("Combien de temps conservez-vous les données de vos clients ?", Disposition.QUESTION, ""),
        (
            "J'ai demandé une copie de mes données il y a un mois et je n'ai toujours pas reçu de réponse.",
            Disposition.FOLLOW_UP,
            "",
        ),
        ("Veuillez trouver ci-joint la facture de la livraison du mois de mars.", Disposition.NOT_REQUEST, ""),
    ],
    "es": [
        ("¿Cuánto tiempo conservan los datos de los clientes?", Disposition.QUESTION, ""),
        ("Solicité mis datos hace un mes y todavía no he recibido respuesta.", Disposition.FOLLOW_UP, ""),
        ("Adjunto la factura del pedido 4711, rogamos el pago antes del día 30.", Disposition.NOT_REQUEST, ""),
    ],
    "pl": [
        ("Dzień dobry, chciałbym zapytać, jak długo przechowujecie dane klientów?", Disposition.QUESTION, ""),
        ("Prosiłem o kopię moich danych miesiąc temu i nadal nie otrzymałem odpowiedzi.", Disposition.FOLLOW_UP, ""),
        ("Wycofuję mój wniosek, sprawa jest nieaktualna.", Disposition.FOLLOW_UP, ""),
    ],
    "et": [
        ("Tere, sooviksin küsida, kui kaua te klientide andmeid säilitate?", Disposition.QUESTION, ""),
        ("Palusin oma andmeid kuu aega tagasi ja pole ikka vastust saanud.", Disposition.FOLLOW_UP, ""),
    ],
    "ar": [
        ("كم من الوقت تحتفظون ببيانات العملاء؟", Disposition.QUESTION, ""),
        ("طلبت نسخة من بياناتي قبل شهر ولم أتلق أي رد حتى الآن.", Disposition.FOLLOW_UP, ""),
    ],
}


@pytest.mark.parametrize(("text", "disposition", "subject"), [case for each in NOT_ASKED.values() for case in each])
def test_what_is_no_new_request_in_other_languages(text: str, disposition: Disposition, subject: str) -> None:
    result = sort_text(text, subject=subject)
    assert result.disposition is disposition, result.reasons


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Geachte heer, graag ontvang ik een overzicht van alle gegevens die u van mij heeft."),
        ("it", "Buongiorno, vorrei sapere quali dati avete su di me e chiedo la cancellazione dei miei dati."),
        ("pt", "Olá, gostaria de saber quais são os meus dados pessoais que vocês têm. Obrigado."),
        ("ru", "Здравствуйте, прошу удалить все мои персональные данные."),
        ("uk", "Доброго дня, прошу видалити всі мої персональні дані з вашої системи."),
        ("tr", "Merhaba, benim kişisel verilerimi silmenizi istiyorum, lütfen bilgi verin."),
        ("fa", "سلام، لطفاً تمام اطلاعات شخصی من را پاک کنید چون دیگر مشتری شما نیستم."),
        ("lt", "Laba diena, prašau ištrinti visus mano asmens duomenis iš jūsų sistemos."),
        ("lv", "Labdien, lūdzu dzēst visus manus personas datus no jūsu sistēmas."),
        ("hu", "Tisztelt Cím! Kérem, hogy töröljék az összes személyes adatomat. Köszönöm"),
        ("zh", "您好，请删除我的所有个人数据。"),
    ],
)
def test_another_language_is_told_as_such_and_goes_before_a_person(language: str, text: str) -> None:
    result = sort_text(text)
    assert (result.language, result.needs_person) == (language, True)
    assert result.disposition is not Disposition.NOT_REQUEST


@pytest.mark.parametrize("language", ["de", "fi", "fr", "es", "pl", "et", "ar"])
def test_every_heading_of_a_language_is_one_of_the_swedish_file(language: str) -> None:
    """A heading that no rule knows would be written in vain."""
    assert set(_load(language)) <= set(_load("sv"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Bitte löschen Sie meine Daten. Telefon 0431 123456, Kundennummer 104233.", ["+49431123456", "104233"]),
        ("Poistakaa tietoni. Puhelinnumeroni on 050 123 4567.", ["+358501234567"]),
        ("Poistakaa tietoni. Henkilötunnukseni on 131052-308T.", ["131052-308T"]),
        ("Merci de supprimer mes données. Numéro client 88121, tél. 06 12 34 56 78.", ["88121", "+33612345678"]),
        ("Por favor, borren mis datos. Mi DNI es 12345678Z y mi teléfono 612 345 678.", ["12345678Z", "+34612345678"]),
        ("Proszę o usunięcie moich danych. PESEL 44051401359, telefon 512 345 678.", ["44051401359", "+48512345678"]),
        ("Palun kustutage minu andmed. Isikukood 37605030299, kliendinumber 5512.", ["37605030299", "5512"]),
    ],
)
def test_numbers_are_read_as_the_country_of_the_language_writes_them(text: str, found: list[str]) -> None:
    values = [identifier.value for identifier in sort_text(text).subjects[0].identifiers]
    assert values == ["anna.ek@mejl.example", *found]


@pytest.mark.parametrize(
    ("text", "field", "old", "new", "valid_from"),
    [
        (
            "Ich ziehe um. Meine neue Adresse lautet ab dem 1. Mai 2026: Hauptstraße 5, 24103 Kiel.",
            "address",
            None,
            "Hauptstraße 5, 24103 Kiel",
            "2026-05-01",
        ),
        (
            "Uusi puhelinnumeroni on 050 123 4567, vanha oli 040 765 4321. Päivittäkää tietoni.",
            "phone",
            "+358407654321",
            "+358501234567",
            None,
        ),
        (
            "Ma nouvelle adresse e-mail est a.neu@mejl.example, l'ancienne était a.ek@mejl.example. Merci de corriger.",
            "email",
            "a.ek@mejl.example",
            "a.neu@mejl.example",
            None,
        ),
        (
            "Mi nueva dirección es Calle Mayor 5, 28013 Madrid. Por favor actualicen mis datos.",
            "address",
            None,
            "Calle Mayor 5, 28013 Madrid",
            None,
        ),
    ],
)
def test_a_change_is_read_with_its_old_and_new_value(
    text: str, field: str, old: str | None, new: str, valid_from: str | None
) -> None:
    (change,) = sort_text(text).subjects[0].changes
    assert (change.field, change.old, change.new, change.valid_from) == (field, old, new, valid_from)
