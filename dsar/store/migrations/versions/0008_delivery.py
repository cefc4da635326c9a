"""documents and pass-phrases of answers, letters in several mails, staff's own words in a letter"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "pass_phrase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("sealed_contact", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_phrase", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("told_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_pass_phrase_case_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_pass_phrase_letter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pass_phrase")),
        sa.UniqueConstraint("letter_id", name=op.f("uq_pass_phrase_letter_id")),
    )
    op.create_index(op.f("ix_pass_phrase_case_id"), "pass_phrase", ["case_id"])
    op.create_index(op.f("ix_pass_phrase_state"), "pass_phrase", ["state"])
    op.create_table(
        "case_document",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("document_index", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("word", _TEXT, nullable=False),
        sa.Column("is_clear", sa.Boolean(), nullable=False),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("ground", _TEXT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_case_document_case_id")),
        sa.PrimaryKeyConstraint("case_id", "document_index", name=op.f("pk_case_document")),
    )
    with op.batch_alter_table("case_file") as batch_op:
        batch_op.add_column(sa.Column("phrase_by", _TEXT, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("documents_open", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("parts", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("request") as batch_op:
        batch_op.add_column(sa.Column("sealed_note", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("request") as batch_op:
        batch_op.drop_column("sealed_note")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("parts")
        batch_op.drop_column("part")
    with op.batch_alter_table("case_file") as batch_op:
        batch_op.drop_column("documents_open")
        batch_op.drop_column("phrase_by")
    op.drop_table("case_document")
    op.drop_table("pass_phrase")
