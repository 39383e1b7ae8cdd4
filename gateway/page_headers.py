"""Headers of the page besides those of every answer: a policy that lets its own forms, files and script in."""

from __future__ import annotations

from collections.abc import Mapping


def page_headers(frame_ancestors: str = "'none'") -> Mapping[str, str]:
    """Headers of a page.

    Args:
        frame_ancestors: who may show it in a frame, as in the policy of that name.
    """
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            f"form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}"
        ),
        # Our own pages are told where a form comes from; other sites are told nothing.
        "Referrer-Policy": "same-origin",
    }
