"""the first event of a kind is found without reading all others"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

#: Name of the events -> by what they are looked for.
_BY = {"identity_asked": "case_id", "applied": "request_id"}


def upgrade() -> None:
    for name, by in _BY.items():
        which = sa.text(f"name = '{name}'")
        op.create_index(f"ix_event_{name}", "event", [by, "at"], sqlite_where=which, postgresql_where=which)


def downgrade() -> None:
    for name in _BY:
        op.drop_index(f"ix_event_{name}", table_name="event")
