"""each closing of a request, and the article that a refusal rests on"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sqlmodel.sql.sqltypes.UTCDateTime
_TEXT = sqlmodel.sql.sqltypes.AutoString

#: What was known of closings before: the first and the latest one, and when it was first taken up again.
_FIRST = """
INSERT INTO request_closing (request_id, closed_at, outcome, ground, legal_on, paused_days, reopened_at)
SELECT id, first_closed_at, coalesce(first_outcome, ''), '', legal_on, paused_days, reopened_at
FROM request WHERE first_closed_at IS NOT NULL
"""
_LATEST = """
INSERT INTO request_closing (request_id, closed_at, outcome, ground, legal_on, paused_days)
SELECT id, closed_at, coalesce(outcome, ''), '', legal_on, paused_days
FROM request WHERE closed_at IS NOT NULL AND (first_closed_at IS NULL OR closed_at <> first_closed_at)
"""


def upgrade() -> None:
    op.create_table(
        "request_closing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("closed_at", _MOMENT(), nullable=False),
        sa.Column("outcome", _TEXT(), nullable=False),
        sa.Column("ground", _TEXT(), nullable=False),
        sa.Column("legal_on", sa.Date(), nullable=False),
        sa.Column("paused_days", sa.Integer(), nullable=False),
        sa.Column("reopened_at", _MOMENT(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_closing_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_closing")),
    )
    op.create_index(op.f("ix_request_closing_request_id"), "request_closing", ["request_id"])
    op.create_index(op.f("ix_request_closing_closed_at"), "request_closing", ["closed_at"])
    op.execute(_FIRST)
    op.execute(_LATEST)
    with op.batch_alter_table("request") as batch_op:
        batch_op.add_column(sa.Column("refusal_ground", _TEXT(), nullable=False, server_default=""))
        batch_op.drop_column("first_closed_at")
        batch_op.drop_column("first_outcome")
        batch_op.drop_column("reopened_at")


def downgrade() -> None:
    with op.batch_alter_table("request") as batch_op:
        batch_op.add_column(sa.Column("first_closed_at", _MOMENT(), nullable=True))
        batch_op.add_column(sa.Column("first_outcome", _TEXT(), nullable=True))
        batch_op.add_column(sa.Column("reopened_at", _MOMENT(), nullable=True))
        batch_op.drop_column("refusal_ground")
    op.drop_table("request_closing")
