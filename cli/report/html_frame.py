"""How every page begins and ends: one file that loads nothing, and runs nothing but the script that it names.

The one style sheet, and the one script where there is one, are named by their digests in the Content-Security-Policy;
pictures, where there are any, are data URIs.
"""

import base64
import hashlib

HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
)
"""How every page begins: by this one of ours is known."""
END = "</body>\n</html>\n"


def beginning(title: str, style: str, *, pictures: bool = False, script: str = "") -> str:
    """Up to and with <body>. title: already escaped. script: the text of the page's one script element."""
    images = "img-src data:; " if pictures else ""
    runs = f"script-src 'sha256-{_digest(script)}'; " if script else ""
    policy = f"{images}{runs}style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'"
    return (
        f'{HEAD}{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title} - facesearch</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
