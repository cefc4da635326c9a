"""calls to systems that are counted over all workers; which versions may work; what goes first"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "call_turn",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("holder", _TEXT, nullable=False),
        sa.Column("begun", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_turn")),
    )
    op.create_index(op.f("ix_call_turn_system"), "call_turn", ["system", "begun"])
    op.create_table(
        "call_pause",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("begun", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_call_pause")),
    )
    op.create_table(
        "schema_floor",
        sa.Column("revision", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_floor")),
    )
    with op.batch_alter_table("work") as batch_op:
        batch_op.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_work_urgent"), "work", ["urgent", "due_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_work_urgent"), "work")
    with op.batch_alter_table("work") as batch_op:
        batch_op.drop_column("urgent")
    op.drop_table("schema_floor")
    op.drop_table("call_pause")
    op.drop_table("call_turn")
