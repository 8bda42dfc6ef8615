"""The frame of the pages that a run of measurements writes: one style, no script, nothing from other addresses."""

from datetime import UTC, datetime
from html import escape

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid #8884; padding: .25rem .75rem; text-align: start; }
td.number { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
.missed { font-weight: 700; }
figure { margin: 1rem 0; }
svg { max-width: 100%; }
polyline { fill: none; stroke: #2563eb; stroke-width: 2; }
"""


def document(title: str, *, introduction: str, head: tuple[str, ...], rows: str, after: str = "") -> str:
    """Return a page with a title, the time, an introduction, a table and what follows; all but the titles is HTML."""
    columns = "".join(f"<th>{escape(each)}</th>" for each in head)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{datetime.now(UTC):%Y-%m-%d %H:%M} UTC</p>{introduction}"
        f'<div class="wide"><table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{after}</body></html>"
    )
