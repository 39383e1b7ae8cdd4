"""The paper: the request as a PDF, its reading copy, and the official form where it is present."""

from intake.document.document import PARTS, Document, NoOfficialForm, Which
from intake.document.official import OfficialForm

__all__ = ["PARTS", "Document", "NoOfficialForm", "OfficialForm", "Which"]
