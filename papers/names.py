"""File names as people may see them: without paths, controls and characters that turn the reading direction."""

from __future__ import annotations

import re
import unicodedata

from papers.kinds import EXTENSIONS, FileType

MOST_CHARACTERS = 100
_PATH = re.compile(r"[/\\\u2044\u2215\u29f8\uff0f\uff3c]")
# Other, not assigned, private, surrogate, control and format characters: nothing a name needs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# What Windows does not allow, and what quoting in a header or in a page could trip over.
_AWKWARD = re.compile(r'[<>:"|?*;%`$&]')


def clean_name(given: str | None, file_type: FileType) -> str:
    """A harmless name that ends as the content says.

    Args:
        given: As the sender named it; may be anything.
        file_type: What the content is.

    >>> clean_name("../../etc/passwd", "pdf"), clean_name("C:\\\\scan\\u202efdp.exe", "pdf"), clean_name("a.PNG", "png")
    ('passwd.pdf', 'scanfdp.exe.pdf', 'a.PNG')
    """
    name = _PATH.split(unicodedata.normalize("NFC", given or ""))[-1]
    name = "".join(char for char in name if unicodedata.category(char) not in _UNSEEN)
    name = re.sub(r"\s+", " ", _AWKWARD.sub("_", name)).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot or extension.lower() not in EXTENSIONS[file_type]:
        stem, extension = name, EXTENSIONS[file_type][0]
    stem = stem.strip(" .")[:MOST_CHARACTERS].strip(" .")
    return f"{stem or 'document'}.{extension}"
