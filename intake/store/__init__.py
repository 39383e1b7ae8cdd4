"""What the intake backend keeps: every change is one transaction, and holds also when two arrive at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

from intake.database import migrate, open_engine
from intake.settings import DataSettings
from intake.store.base import Status, Transactions
from intake.store.documents import Documents
from intake.store.erasing import Erasing
from intake.store.outbox import Outbox
from intake.store.proofs import Proofs
from intake.store.requests import Requests
from intake.store.retention import Periods, Retention
from intake.store.staff import Staff
from papers.settings import PaperSettings
from triage.content import Content
from vault import Vault
from vault.files import NoStore, SealedFiles

__all__ = ["Status", "Store"]


class Store:
    """Everything that may be done with the database, by topic.

    Args:
        url: SQLAlchemy address of the database.
        vault: Seals what is personal.
        content: How many wrong proofs are allowed, and how far back similar requests count.
        periods: How long things are kept.
        clock: The present moment; another one for tests.
        files: Where documents are kept; not needed where nothing is done with them.

    Attributes:
        documents: Papers that belong to requests.
        transactions: The database.
        erasing: Erases requests; takes further `erasers`.
        requests: Requests and feedback.
        proofs: What needs a second fact.
        outbox: What has to be told to the office.
        staff: What the staff does.
        retention: Removes what is due.
    """

    def __init__(
        self,
        url: str,
        vault: Vault,
        content: Content,
        periods: Periods,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        files: SealedFiles | None = None,
    ) -> None:
        limits = content.settings
        self.transactions = Transactions(open_engine(url), vault, clock)
        self.erasing = Erasing(self.transactions, timedelta(days=periods.erasure_proofs))
        self.requests = Requests(self.transactions, timedelta(days=limits.similar_request_days))
        self.proofs = Proofs(
            self.transactions, self.erasing, limits.status_tries, timedelta(minutes=limits.status_tries_minutes)
        )
        self.documents = Documents(self.transactions, files or SealedFiles(vault, NoStore()), limits.documents_max)
        self.erasing.erasers.append(self.documents.erase)
        self.outbox = Outbox(self.transactions)
        self.staff = Staff(self.transactions, self.outbox)
        self.retention = Retention(self.transactions, self.erasing, periods, self.proofs.forget_failures)

    @classmethod
    def open(
        cls, settings: DataSettings, content: Content, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Self:
        """Open the database of the settings and bring it up to date.

        Raises:
            BadKeys: The keys can't be read.
            WrongKeys: They are not those of the data.
            ContentError: A content file is broken.
        """
        vault = Vault.from_settings(settings.data_keys.get_secret_value(), settings.data_key_file, settings.data_dir)
        papers = PaperSettings(data_dir=settings.data_dir)
        store = cls(
            settings.database_url, vault, content, Periods.load(settings.content_dir), clock, papers.files(vault)
        )
        try:
            migrate(store.transactions.engine, vault)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close all connections."""
        self.transactions.engine.dispose()
