"""who asks: codes by other ways than mail, mandates, letters by post; alarms of requests that are open already"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    with op.batch_alter_table("challenge") as batch_op:
        batch_op.add_column(sa.Column("channel", _TEXT(), nullable=False, server_default="mail"))
        batch_op.add_column(sa.Column("state", _TEXT(), nullable=False, server_default="sent"))
        batch_op.add_column(sa.Column("sealed_text", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("case_file") as batch_op:
        batch_op.add_column(sa.Column("mandate", _TEXT(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("answer_to", _TEXT(), nullable=False, server_default="person"))
        batch_op.add_column(sa.Column("channel", _TEXT(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("fact_tries", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("channel", _TEXT(), nullable=False, server_default="mail"))
    op.execute(
        "INSERT INTO work (step, subject_id, due_at, worker, attempts, last_error) "
        "SELECT 'alarm', id, received_at, '', 0, '' FROM request WHERE state <> 'closed'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM work WHERE step IN ('alarm', 'remind', 'conclude', 'send_sms')")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("channel")
    with op.batch_alter_table("case_file") as batch_op:
        for column in ("fact_tries", "channel", "answer_to", "mandate"):
            batch_op.drop_column(column)
    with op.batch_alter_table("challenge") as batch_op:
        for column in ("sealed_text", "state", "channel"):
            batch_op.drop_column(column)
