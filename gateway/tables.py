"""Tables of the front door. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("active_at", BigInteger, nullable=False),
    Column("language", String(16), nullable=False),
    Column("state", Text, nullable=True),
    Column("lease_owner", String(64), nullable=True),
    Column("lease_until", BigInteger, nullable=False, default=0),
    # What could not be handed over yet: `request`, `feedback` or `revocation`, since when, how often it was tried, with
    # which kind of failure, and when next. `retry_open` is the id of a try whose answer is not stored yet, `retry_dead`
    # when it was left to staff. `unsettled`: before it is erased, the engine must take back what it may have sent.
    # `unheard`: what came of a try that was made without the person has not been shown to them yet.
    Column("retry_kind", String(16), nullable=True),
    Column("retry_since", BigInteger, nullable=True),
    Column("retry_tries", Integer, nullable=False, default=0),
    Column("retry_error", String(40), nullable=True),
    Column("retry_next", BigInteger, nullable=True),
    Column("retry_open", String(64), nullable=True),
    Column("retry_dead", BigInteger, nullable=True),
    Column("unsettled", Boolean, nullable=False, default=False),
    Column("unheard", Boolean, nullable=False, default=False),
    # How each answer was got, by slot, as JSON; and where the conversation was begun, if not on the page.
    Column("origins", Text, nullable=True),
    Column("begun_on", String(16), nullable=True),
    Index("ix_conversations_retry_next", "retry_next"),
)

# One row per message of the person, and one per greeting. `message_id` is `m:` and the client's id, or a name of ours.
# `answer` is the body that was sent back, word for word; null while nobody has answered yet. `wording` has the words of
# each of its replies in every language.
messages = Table(
    "messages",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", String(128), nullable=False),
    Column("event", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("payload", Text, nullable=True),
    Column("language", String(16), nullable=True),
    Column("received_at", BigInteger, nullable=False),
    Column("answer", Text, nullable=True),
    Column("wording", Text, nullable=True),
    Column("answered_at", BigInteger, nullable=True),
    Column("hidden", Boolean, nullable=False, default=False),
    Index("uq_messages_conversation_id_message_id", "conversation_id", "message_id", unique=True),
    Index("ix_messages_conversation_id_received_at", "conversation_id", "received_at"),
)

# The buttons a conversation has shown: only these may be pressed.
buttons = Table(
    "buttons",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("payload_hash", String(64), primary_key=True),
    Column("title", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_sessions_conversation_id", "conversation_id"),
)

# `birth_hash` is a keyed hash of code and year of birth; null: the code alone opens. `wrong_tries` counts wrong years.
resume_codes = Table(
    "resume_codes",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("birth_hash", String(64), nullable=True),
    Column("wrong_tries", Integer, nullable=False, default=0),
)

# By what staff find a conversation again when the person has no code: keyed hashes of two of receipt number, date of
# birth and tracking number.
fingerprints = Table(
    "case_fingerprints",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Index("ix_case_fingerprints_fingerprint", "fingerprint"),
)

# Conversations that are gone here and still have to be erased in the dialogue engine. `unsettled`: it must take back
# what it may have sent before; `unheard`: also what it has a receipt for, as the person never heard of that.
erasures = Table(
    "erasures",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("requested_at", BigInteger, nullable=False),
    Column("unsettled", Boolean, nullable=False, default=False),
    Column("unheard", Boolean, nullable=False, default=False),
)

# Uploaded papers. `request` is the tracking number of the request they belong to, empty while that is a draft; `size`
# and `sha256` are those of the file as it came, `file_name` names what is kept of it. `note` is what the engine still
# has to be told about it; documents of the same `parcel` are handed over as one. States: `kept`, `sent`, `refused` (by
# the intake backend) and `removed` (gone, but the engine does not know yet).
draft_documents = Table(
    "draft_documents",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("document_id", String(32), nullable=False, unique=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("request", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("file_type", String(8), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("pages", Integer, nullable=False),
    Column("scan", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("file_name", String(100), nullable=True),
    Column("note", String(16), nullable=True),
    Column("parcel", String(32), nullable=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_try_at", BigInteger, nullable=False, default=0),
    Column("created_at", BigInteger, nullable=False),
    Index("uq_draft_documents_conversation_id_sha256_request", "conversation_id", "sha256", "request", unique=True),
    Index("ix_draft_documents_state_next_try_at", "state", "next_try_at"),
)

# Stored files whose documents are gone; they are removed as soon as the store answers.
dropped_files = Table(
    "dropped_files",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("dropped_at", BigInteger, nullable=False),
)

# People who write from a messenger, by a keyed hash that its worker makes. `greeting` is the id of the message whose
# answer greeted them.
people = Table(
    "people",
    metadata,
    Column("person", String(62), primary_key=True),
    Column("place", String(16), nullable=False),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("greeting", String(128), nullable=False),
    Index("uq_people_conversation_id", "conversation_id", unique=True),
)

# One-time links from a messenger to the page, by a hash of their token.
transfers = Table(
    "transfers",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

# What the worker of a messenger has to pass on: the answer to a message that did not come from there, or, without a
# message, that the conversation was erased.
news = Table(
    "news",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("person", String(62), nullable=False),
    Column("place", String(16), nullable=False),
    Column("conversation_id", String(64), nullable=False),
    Column("message_id", String(128), nullable=True),
    Index("ix_news_place_seq", "place", "seq"),
    sqlite_autoincrement=True,
)
