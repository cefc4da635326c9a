"""
Building blocks of both TOML files: strict tables, texts in both languages, facts that may still be unknown.

Effects: none.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, StringConstraints, Tag

from dsar.model import Recipient, Text


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _both_languages(text: Text) -> Text:
    if not (text.sv.strip() and text.en.strip()):
        raise ValueError("both sv and en must say something")
    return text


Said = Annotated[Text, AfterValidator(_both_languages)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        raise ValueError(f"{text!r} is no regular expression") from None
    return text


#: A regular expression that a whole value must match.
Pattern = Annotated[Name, AfterValidator(_is_pattern)]


class Unknown(Strict):
    """A fact that is missing, with who must answer."""

    unknown: Name


def _tag(value: object) -> str:
    return "<unknown>" if isinstance(value, Unknown) or (isinstance(value, dict) and "unknown" in value) else "<known>"


Fact = Annotated[Annotated[Said, Tag("<known>")] | Annotated[Unknown, Tag("<unknown>")], Discriminator(_tag)]
RecipientFact = Annotated[
    Annotated[Recipient, Tag("<known>")] | Annotated[Unknown, Tag("<unknown>")], Discriminator(_tag)
]
