"""a person's word on passages about other people"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redaction",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("passage_index", sa.String(length=64), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("sealed_passage", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_redaction_case_id")),
        sa.PrimaryKeyConstraint("case_id", "passage_index", name=op.f("pk_redaction")),
    )
    with op.batch_alter_table("case_file") as batch_op:
        batch_op.add_column(sa.Column("unredacted", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("case_file") as batch_op:
        batch_op.drop_column("unredacted")
    op.drop_table("redaction")
