"""Which heavy packages a run of the program loads."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "cv2", "alembic", "faiss", "starlette", "uvicorn", "fastapi", "multipart")


def loaded(*arguments: str | Path) -> set[str]:
    """The heavy packages among all that a run of the program has loaded at its end."""
    script = (
        "import sys\n"
        "from cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        f"print('loaded', *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(ran.stderr.splitlines()[-1].split()[1:])
