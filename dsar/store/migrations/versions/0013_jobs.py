"""jobs that systems end later, known across a crash; answers that an erasure does not wait for"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = ("ledger", "duty")


def upgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("sealed_jobs", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("request") as batch_op:
        batch_op.add_column(sa.Column("not_awaited", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("request") as batch_op:
        batch_op.drop_column("not_awaited")
    for table in _TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("sealed_jobs")
