"""How every page begins and ends: one file that loads nothing and runs nothing.

The one style sheet is named by its digest in the Content-Security-Policy; pictures, where there are any, are data URIs.
"""

import base64
import hashlib

END = "</body>\n</html>\n"


def beginning(title: str, style: str, *, pictures: bool = False) -> str:
    """Up to and with <body>. title: already escaped."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    images = "img-src data:; " if pictures else ""
    policy = f"default-src 'none'; {images}style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title} - facesearch</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
