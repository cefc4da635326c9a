"""steps of matters that came before today go before those of a day on which thousands come"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("work") as batch_op:
        batch_op.add_column(sa.Column("older", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index("ix_work_order", ["urgent", "older", "due_at"])


def downgrade() -> None:
    with op.batch_alter_table("work") as batch_op:
        batch_op.drop_index("ix_work_order")
        batch_op.drop_column("older")
