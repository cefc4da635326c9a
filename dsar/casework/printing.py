"""
Markdown -> a PDF of the company's, with its look, and at the foot its name and the case reference.

Effects: none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dsar.casework.context import App


def document(
    app: App,
    reference: str,
    markdown: str,
    language: str,
    *,
    address: Sequence[str] = (),
    attachments: Mapping[str, tuple[str, bytes]] | None = None,
    now: datetime,
) -> bytes:
    """
    What is sent, printed or handed out in the case *reference*.

    Args: language: "sv" or "en"; address, attachments: as of dsar.pdf.render.
    """
    from dsar import pdf  # slow to load, and most processes make none

    return pdf.render(
        markdown,
        title=reference,
        language=language,
        footer=f"{app.controller.name} · {reference}",
        created_at=now,
        attachments=attachments,
        look=app.settings.look,
        address=address,
    )
