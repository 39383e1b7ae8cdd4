"""Why a file is not taken."""

from __future__ import annotations

from typing import Literal

Reason = Literal["damaged", "encrypted", "dynamic", "too_many_pixels", "too_many_pages", "too_complex"]


class Refusal(Exception):
    """A file that is not taken.

    Attributes:
        reason: `damaged` (can't be read to its end), `encrypted` (needs a password), `dynamic` (a form or a package
            that only one program can show), `too_many_pixels`, `too_many_pages`, or `too_complex` (takes too much time
            or memory).
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
