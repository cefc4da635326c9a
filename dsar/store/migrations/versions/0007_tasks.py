"""tasks for colleagues, the mails that ask them, and what they answered"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString
_TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", _TEXT(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("system", _TEXT(), nullable=False),
        sa.Column("kind", _TEXT(), nullable=False),
        sa.Column("state", _TEXT(), nullable=False),
        sa.Column("why", _TEXT(), nullable=False),
        sa.Column("owner_index", sa.String(length=64), nullable=False),
        sa.Column("sealed_owner", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_question", sa.LargeBinary(), nullable=False),
        sa.Column("step_index", sa.String(length=64), nullable=True),
        sa.Column("opened_at", _TIME(), nullable=False),
        sa.Column("asked_at", _TIME(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("escalated_at", _TIME(), nullable=True),
        sa.Column("deputised", sa.Boolean(), nullable=False),
        sa.Column("clarified", sa.Boolean(), nullable=False),
        sa.Column("answered_at", _TIME(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_task_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("reference", name=op.f("uq_task_reference")),
        sa.UniqueConstraint("step_index", name=op.f("uq_task_step_index")),
    )
    for column in ("case_id", "state", "owner_index"):
        op.create_index(op.f(f"ix_task_{column}"), "task", [column], unique=False)
    op.create_table(
        "task_mail",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("person_index", sa.String(length=64), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_mail_task_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_task_mail_outbox_id")),
        sa.PrimaryKeyConstraint("task_id", "outbox_id", name=op.f("pk_task_mail")),
    )
    for column in ("outbox_id", "person_index"):
        op.create_index(op.f(f"ix_task_mail_{column}"), "task_mail", [column], unique=False)
    op.create_table(
        "task_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("at", _TIME(), nullable=False),
        sa.Column("word", _TEXT(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("sealed_signer", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_answer_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_answer")),
    )
    op.create_index(op.f("ix_task_answer_task_id"), "task_answer", ["task_id"], unique=False)


def downgrade() -> None:
    for table in ("task_answer", "task_mail", "task"):
        op.drop_table(table)
