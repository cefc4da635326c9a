"""
Our own names -> the words that letters use for them, in Swedish and English.

Effects: none.
"""

from collections.abc import Mapping

from dsar.model import IdentifierType, Right, StepAction, SystemOutcome, Text

#: What a person wants, after "du bad om att" / "you asked".
WISHES: Mapping[Right, Text] = {
    Right.ACCESS: Text(
        sv="få veta vilka personuppgifter vi har om dig",
        en="to know which personal data we hold about you",
    ),
    Right.UPDATE: Text(sv="få dina uppgifter ändrade", en="to have your data changed"),
    Right.ERASE: Text(sv="få dina uppgifter raderade", en="to have your data erased"),
    Right.OBJECT: Text(
        sv="få slut på reklam eller annan användning av dina uppgifter som du invänder mot",
        en="to stop marketing or another use of your data that you object to",
    ),
    Right.RESTRICT: Text(
        sv="få användningen av dina uppgifter begränsad",
        en="to have the use of your data restricted",
    ),
}

#: Value of an enumeration, or category of a value -> what a layperson calls it.
WORDS: Mapping[str, Text] = {
    SystemOutcome.FOUND: Text(sv="uppgifter hittade", en="data found"),
    SystemOutcome.NOTHING: Text(sv="inga uppgifter om dig", en="no data about you"),
    SystemOutcome.PARTIAL: Text(sv="delvis sökt, inte klart", en="partly searched, not finished"),
    SystemOutcome.FAILED: Text(sv="inte sökt ännu", en="not searched yet"),
    SystemOutcome.WAITING: Text(sv="inget besked ännu", en="no answer yet"),
    StepAction.ERASE: Text(sv="raderat", en="erased"),
    StepAction.ANONYMISE: Text(sv="uppgifterna borttagna", en="contents removed"),
    StepAction.SUPPRESS: Text(sv="spärrat mot reklam", en="blocked for marketing"),
    StepAction.TASK: Text(sv="gjort för hand", en="done by hand"),
    IdentifierType.EMAIL: Text(sv="e-postadress", en="e-mail address"),
    IdentifierType.PHONE: Text(sv="telefonnummer", en="phone number"),
    IdentifierType.PERSONNUMMER: Text(sv="personnummer", en="personal identity number"),
    IdentifierType.NATIONAL_ID: Text(sv="utländskt personnummer", en="national identity number"),
    IdentifierType.ORGNR: Text(sv="organisationsnummer", en="company registration number"),
    IdentifierType.CUSTOMER_NO: Text(sv="kundnummer", en="customer number"),
    IdentifierType.USERNAME: Text(sv="användarnamn", en="user name"),
    IdentifierType.NAME: Text(sv="namn", en="name"),
    IdentifierType.ADDRESS: Text(sv="adress", en="address"),
    IdentifierType.ORDER_NO: Text(sv="order- eller fakturanummer", en="order or invoice number"),
    IdentifierType.SERIAL: Text(sv="serienummer", en="serial number"),
    "identity": Text(sv="identitet", en="identity"),
    "contact": Text(sv="kontaktuppgift", en="contact details"),
    "organisation": Text(sv="organisation", en="organisation"),
    "order": Text(sv="köp och avtal", en="purchases and agreements"),
    "device": Text(sv="utrustning", en="equipment"),
    "note": Text(sv="anteckning", en="note"),
    "log": Text(sv="logg", en="log"),
    "marketing": Text(sv="marknadsföring", en="marketing"),
    "recruitment": Text(sv="rekrytering", en="recruitment"),
    "special": Text(sv="känsliga personuppgifter", en="special categories of personal data"),
    "criminal": Text(sv="lagöverträdelser", en="criminal convictions and offences"),
    "technical": Text(sv="teknisk uppgift", en="technical data"),
}
