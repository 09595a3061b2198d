"""The metadata that all tables share, with the names of their constraints."""

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def may_contain_email(*columns: str) -> str:
    """Return the condition of a partial index over rows that may hold an e-mail address, plain or percent-encoded,
    so that a person is found there without a full scan.
    """
    return " + ".join(f"instr({column}, '{mark}')" for column in columns for mark in ("@", "%40", "%2540")) + " > 0"
