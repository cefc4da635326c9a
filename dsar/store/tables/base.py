"""What all tables share."""

from sqlmodel import SQLModel

#: Stable constraint names, so that migrations can address them on every database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """Base of all tables: values are checked when a row is made or changed, which SQLModel does not do by itself."""

    model_config = {"validate_assignment": True, "defer_build": True}  # checks are built with the first row
