"""What the query classes share."""

from sqlmodel import Session


class Queries:
    """Queries over the session of one transaction."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def _is_sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"
