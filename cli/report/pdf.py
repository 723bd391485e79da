"""A page as a PDF, printed by a browser that is there: headless Chromium, without a network and without a profile."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.errors import FileProblem

ENVIRONMENT = "FACESEARCH_CHROMIUM"
_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_SECONDS = 300
_LETTER = frozenset({"US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "PR", "SV", "VE"})


def find_browser() -> str:
    """The browser that prints. Raises FileProblem where there is none."""
    named = os.environ.get(ENVIRONMENT)
    for name in (named,) if named else _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    where = f" at {named} (${ENVIRONMENT})" if named else ""
    raise FileProblem(
        f"A PDF needs Chromium or Chrome, and there is none{where}: install it, or write the page with --html and "
        "print that."
    )


Write = Callable[[bytes], object]


def write_pdf(browser: str, write_page: Callable[[Write], object], to: Write) -> None:
    """Print a page. write_page: writes it through what it is given; to: takes the PDF. Raises FileProblem."""
    with tempfile.TemporaryDirectory(prefix="facesearch-") as folder:
        page, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        with page.open("wb") as file:
            write_page(file.write)
        _set_paper(page)
        options = [
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={printed}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # it refuses root otherwise; the page runs nothing and loads nothing
        try:
            ran = subprocess.run([browser, *options, page.as_uri()], capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FileProblem(f"{browser} could not print the page ({error}): print the --html page by hand.") from None
        if ran.returncode or not printed.is_file():
            said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = said[-1][:200] if said else f"exit code {ran.returncode}"
            raise FileProblem(f"{browser} could not print the page ({reason}): print the --html page by hand.")
        with printed.open("rb") as file:
            while block := file.read(1 << 20):
                to(block)


def _set_paper(page: Path) -> None:
    """Let the page be printed on the paper of the country, A4 or Letter; its style sheet leaves that open. The policy
    of the page names the style sheet by its digest."""
    head, end, rest = page.read_bytes().partition(b"</style>")
    start = head.rindex(b"<style>") + len(b"<style>")
    before = head[start:]
    after = before.replace(b"@page { size: auto;", b"@page { size: %s;" % paper().encode(), 1)
    policy = head[:start].replace(_digest(before), _digest(after), 1)
    page.write_bytes(policy + after + end + rest)


def paper() -> str:
    """The paper that is used where this user is: "letter" in North America and some other countries, else "A4"."""
    named = next(filter(None, (os.environ.get(each) for each in ("LC_ALL", "LC_PAPER", "LANG"))), "")
    territory = named.partition(".")[0].partition("_")[2].upper()
    return "letter" if territory in _LETTER else "A4"


def _digest(text: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(text).digest())
