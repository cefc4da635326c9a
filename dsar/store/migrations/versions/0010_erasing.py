"""duties that the program does, lines of plans that staff changed, notices to recipients"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString()
_TIME = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    with op.batch_alter_table("duty") as batch_op:
        batch_op.add_column(sa.Column("right", _TEXT, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("approved_by", _TEXT, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("marks", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("problem", _TEXT, nullable=False, server_default=""))
    op.create_table(
        "plan_line",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("record_index", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sealed_line", sa.LargeBinary(), nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_plan_line_request_id")),
        sa.PrimaryKeyConstraint("request_id", "record_index", name=op.f("pk_plan_line")),
    )
    op.create_table(
        "recipient_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("recipient", _TEXT, nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("approved_by", _TEXT, nullable=False),
        sa.Column("prepared_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_recipient_notice_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_notice")),
        sa.UniqueConstraint("request_id", "recipient", name=op.f("uq_recipient_notice_request_id_recipient")),
    )
    op.create_index(op.f("ix_recipient_notice_state"), "recipient_notice", ["state"])
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("notice_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("notice_id")
    op.drop_table("recipient_notice")
    op.drop_table("plan_line")
    with op.batch_alter_table("duty") as batch_op:
        for name in ("problem", "marks", "approved_by", "right"):
            batch_op.drop_column(name)
