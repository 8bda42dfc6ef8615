import pytest

from accounts.branding import logo
from tests.accounts.branding.png import png

GOOD = png()


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "logo.png"
        path.write_bytes(content)
        logo.read.cache_clear()
        return str(path)

    return write


class TestRead:
    @pytest.mark.parametrize(
        ("size", "shown"), [((200, 50), (160, 40)), ((1024, 32), (224, 7)), ((16, 16), (40, 40)), ((20, 1000), (1, 40))]
    )
    def test_tells_how_large_it_is_shown(self, file, size, shown):
        found = logo.read(file(png(*size)))

        assert (found.width, found.height) == shown

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "must be a PNG file"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG can run scripts"),
            (b"GIF89a" + b"\0" * 40, "must be a PNG file"),
            (GOOD[:20], "must be a PNG file"),
            (GOOD[:16] + b"\x7f" + GOOD[17:], "not damaged"),
            (png(1025, 1), "1024 pixels"),
            (png(0, 1), "1024 pixels"),
            (png(trailing=b"x" * logo.MAX_BYTES), "64 KiB"),
        ],
    )
    def test_refuses_what_can_not_be_shown(self, file, content, words):
        with pytest.raises(logo.LogoUnusable, match=words):
            logo.read(file(content))

    @pytest.mark.parametrize("path", ["/nowhere/logo.png", "/", "a\0b"])
    def test_refuses_a_path_without_a_file(self, path):
        with pytest.raises(logo.LogoUnusable, match="can be read"):
            logo.read(path)
