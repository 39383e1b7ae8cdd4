"""Tables of the console. They may stand beside those of the front door. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The people who sign in. `subject` is the hash of who somebody is at the single sign-on; such accounts have no
# password. `totp` is the sealed secret of the second factor, `totp_step` the last step that was used, `totp_new` a
# secret that is not confirmed yet.
staff = Table(
    "console_staff",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("password", Text, nullable=True),
    Column("subject", String(64), nullable=True, unique=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("closed_until", BigInteger, nullable=False, default=0),
    Column("totp", LargeBinary, nullable=True),
    Column("totp_new", LargeBinary, nullable=True),
    Column("totp_step", BigInteger, nullable=False, default=0),
    Column("created_at", BigInteger, nullable=False),
)

sessions = Table(
    "console_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", String(16), ForeignKey("console_staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("active_at", BigInteger, nullable=False),
    Column("locked", Boolean, nullable=False, default=False),
    Column("pinyin", Boolean, nullable=False, default=False),
)

# Sign-ons on their way; `sealed` holds what must come back, `session_hash` the session that is to be unlocked.
sign_ons = Table(
    "console_sign_ons",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("session_hash", String(64), nullable=True),
    Column("created_at", BigInteger, nullable=False),
)

# One row per call. `sealed` holds what belongs to the caller: the session at the front door, the reference that opens
# the case again, the code, the note. `case_name` is the front door's name for the case, the same in all calls about it.
# `corrected` names the questions whose answers were corrected, `unsure` those the caller could not answer, once or
# twice. `seen_by` looks after an urgent call, since `seen_at`.
calls = Table(
    "console_calls",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("staff_id", String(16), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("active_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=True),
    Column("begun_on", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("case_name", String(16), nullable=True),
    Column("corrected", Text, nullable=False, default=""),
    Column("unsure", Text, nullable=False, default=""),
    Column("danger", Boolean, nullable=False, default=False),
    Column("interpreter", String(16), nullable=False, default="none"),
    Column("times_read", Integer, nullable=False, default=0),
    Column("code_until", BigInteger, nullable=True),
    Column("outcome", String(32), nullable=True),
    Column("proposed", String(4), nullable=True),
    Column("disposition", String(4), nullable=True),
    Column("reason", String(32), nullable=True),
    Column("call_back_at", BigInteger, nullable=True),
    Column("call_back_zone", String(40), nullable=True),
    Column("call_back_done", BigInteger, nullable=True),
    Column("seen_by", String(16), nullable=True),
    Column("seen_at", BigInteger, nullable=True),
    Index("ix_console_calls_case_name", "case_name"),
    Index("ix_console_calls_staff_id_ended_at", "staff_id", "ended_at"),
    Index("ix_console_calls_ended_at", "ended_at"),
    Index("ix_console_calls_call_back_at", "call_back_at"),
)

# Who did what, and when. Ids and codes only.
audit = Table(
    "console_audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("staff_id", String(16), nullable=True),
    Column("action", String(32), nullable=False),
    Column("call_id", String(16), nullable=True),
    Column("detail", String(100), nullable=True),
    Index("ix_console_audit_at", "at"),
    Index("ix_console_audit_staff_id_at", "staff_id", "at"),
    sqlite_autoincrement=True,
)
