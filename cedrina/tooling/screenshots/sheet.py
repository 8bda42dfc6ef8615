"""One page with all pictures, to look through them."""

from html import escape
from pathlib import Path
from urllib.parse import quote

SHEET = "index.html"


def write(folder: Path) -> None:
    """Write a page with the pictures of the folder, those of each page in a row."""
    rows = (_row(pictures) for pictures in sorted(path for path in folder.iterdir() if path.is_dir()))
    (folder / SHEET).write_text(
        "<!doctype html><meta charset=utf-8><title>Screenshots</title>"
        "<style>body{font:1rem system-ui;background:#888}div{display:flex;gap:8px;align-items:flex-start}"
        "img{inline-size:24rem}img[src*=phone]{inline-size:12rem}</style>" + "".join(rows),
        encoding="utf-8",
    )


def _row(folder: Path) -> str:
    pictures = (
        f"<a href='{address}'><img loading=lazy src='{address}' alt='{escape(path.stem)}'></a>"
        for path in sorted(folder.glob("*.png"))
        if (address := quote(f"{folder.name}/{path.name}"))
    )
    return f"<h2>{escape(folder.name)}</h2><div>{''.join(pictures)}</div>"
