"""What a page of the product consists of."""

import base64
from html.parser import HTMLParser
from io import BytesIO

from PIL import Image


class Reader(HTMLParser):
    """Tags, attributes and words of a page; every element must be closed in its turn."""

    VOID = frozenset({"meta", "img", "br", "input", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def pictures(self) -> list[Image.Image]:
        """Those that stand in the page itself."""
        sources = [value for name, value in self.attributes if name == "src"]
        return [Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]
