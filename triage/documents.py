"""Which papers help a request: from the facts to a checklist. Copies only, never originals (leaflet, step 2)."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage.content import DocumentItem
from triage.facts import NONE, Facts

# Whatever is on no list is filed under this kind.
OTHER = "other_important"


@dataclass(frozen=True)
class Paper:
    """A paper on a person's list.

    Attributes:
        item: What it is, and why.
        required: Must go with the request; the others help it.
    """

    item: DocumentItem
    required: bool

    @property
    def kind(self) -> str:
        """Its name among the uploaded kinds."""
        return self.item.key


def checklist(items: Iterable[DocumentItem], facts: Facts, grounds: Iterable[str]) -> tuple[Paper, ...]:
    """The papers that belong with a request: required ones first, each group in the order of the content file.

    Args:
        items: Every paper there is (``Content.documents``).
        facts: What the person has told.
        grounds: The grounds that hold, or are claimed while that is open.
    """
    held = frozenset(grounds)
    papers = [Paper(item, item.required or facts.requester_role in item.required_roles)
              for item in items if applies(item, facts, held)]
    return tuple(sorted(papers, key=lambda paper: not paper.required))


def kinds(items: Iterable[DocumentItem], facts: Facts, grounds: Iterable[str]) -> list[str]:
    """The same as ``checklist``, by name only."""
    return [paper.kind for paper in checklist(items, facts, grounds)]


def applies(item: DocumentItem, facts: Facts, grounds: frozenset[str]) -> bool:
    """Whether every condition of a paper is met; what is not known yet meets none."""
    never_issued = facts.receipt_numbers == (NONE,)
    return (
        (not item.grounds or not item.grounds.isdisjoint(grounds))
        and (not item.forms or facts.form_type in item.forms)
        and (not item.roles or facts.requester_role in item.roles)
        and (not item.tried or bool(facts.channels_tried()))
        and (item.receipt is None or (item.receipt == NONE) == never_issued)
    )
