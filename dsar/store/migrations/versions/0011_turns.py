"""calls to systems that are counted over all workers; which versions may work on the tables"""

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


def downgrade() -> None:
    op.drop_table("schema_floor")
    op.drop_table("call_pause")
    op.drop_table("call_turn")
