"""The guide for authors of clients (`docs/api-guide.md`) as a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from markdown_it.token import Token

# In a checkout and in the image; in an installed wheel.
PLACES = (Path(settings.BASE_DIR) / "docs" / "api-guide.md", Path(__file__).with_name("api-guide.md"))
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@cache
def guide() -> SafeString | None:
    """Return the guide as HTML, or None where it is not installed. The file is ours, and no HTML in it is passed on.

    Headings have the anchors that the document's links expect, and tables can be scrolled in a narrow window.
    """
    # Only this page needs it, so the start of a worker doesn't wait for it.
    from markdown_it import MarkdownIt  # noqa: PLC0415 - see above

    file = next((place for place in PLACES if place.is_file()), None)
    if file is None:
        return None
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(file.read_text(encoding="utf-8"))
    for token, content in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and content is not None:
            token.attrSet("id", anchor(content.content))
        _link_what_is_served(token.children or [])
    html = str(markdown.renderer.render(tokens, markdown.options, {}))
    # A region that scrolls must be reachable by keyboard (WCAG 2.2, 2.1.1).
    html = html.replace("<table>", '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>')
    html = html.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    return SafeString(html)


def _link_what_is_served(tokens: list[Token]) -> None:
    """Lead to the document where it is served, and leave links to other pages of the folder as text."""
    is_served = True
    for token in tokens:
        target = str(token.attrs.get("href", ""))
        if token.type == "link_open":
            is_served = target == "openapi.json" or target.startswith(("#", "https://"))
            if target == "openapi.json":
                token.attrSet("href", "/api/schema")
        if token.type in ("link_open", "link_close") and not is_served:
            token.tag, token.attrs = "span", {}


def anchor(title: str) -> str:
    """Return the anchor of a heading, as readers of Markdown make it: ``Errors`` is ``#errors``."""
    return _NOT_IN_ANCHORS.sub("", title.lower()).strip().replace(" ", "-")
