"""The third opinion: what all sentences of a mail say together."""

from dsar.triage.impression import BASE, TARGETS, ImpressionWeights, features, impression_of, parts_of


def weighed(**weights: int) -> ImpressionWeights:
    """Hundredths for erasure; words stand for themselves."""
    at = TARGETS.index("erase")
    return ImpressionWeights({feature: " " * at + str(each) for feature, each in weights.items()} | {BASE: ""})


def test_a_word_is_weighed_again_where_it_stands() -> None:
    words, _ = features(["Radering", "Hej!", "radera mig"])
    assert {"radering", "S|radering", "F|hej", "radera", "L|radera"} <= set(words)


def test_words_of_different_sentences_are_no_neighbours() -> None:
    _, rows = features(["", "ta bort", "mig nu"])
    assert "ta bort" in rows
    assert "bort mig" not in rows


def test_a_word_counts_once_however_often_it_stands_there() -> None:
    words, _ = features(["", "hej hej", "hej"])
    assert words.count("hej") == 1


def test_longer_words_share_their_parts() -> None:
    assert set(parts_of("radera")) & set(parts_of("raderas"))


def test_a_long_mail_is_no_surer_than_a_short_one() -> None:
    weights = weighed(ort=100)
    short = weights.score(["", "ort"])["erase"]
    long = weights.score(["", "ort", *(f"ord{letter} bok" for letter in "abcdefgh")])["erase"]
    assert short > long > 0


def test_nothing_is_heard_in_nothing() -> None:
    assert set(impression_of([])) == set(TARGETS)


def test_the_weights_of_the_package_tell_a_request_from_an_invoice() -> None:
    asks = impression_of(["Radering", "Hej!", "Jag vill att ni raderar alla mina personuppgifter.", "Mvh Eva"])
    bills = impression_of(["Faktura", "Hej!", "Här kommer fakturan för maj, förfaller den 30.", "Mvh Eva"])
    assert asks["erase"] > 0 > bills["erase"]
    assert bills["noise"] > 0 > asks["noise"]
