"""Index a folder, search it, keep the request and its hits as JSON, and look for faces like the best one.

python examples/find_and_export.py                       # the test gallery, into a temporary folder
python examples/find_and_export.py PHOTOS CATALOGUE OUT.json
"""

import json
import sys
import tempfile
from pathlib import Path

import facesearch

GALLERY = Path(__file__).parent.parent / "tests" / "gallery"


def main() -> None:
    if len(sys.argv) == 4:
        photos, catalogue, out = map(Path, sys.argv[1:])
    else:
        made = Path(tempfile.mkdtemp(prefix="facesearch-"))
        photos, catalogue, out = GALLERY, made / "faces.db", made / "hits.json"
    with facesearch.open(catalogue) as gallery:
        report = gallery.index(photos, progress=lambda now: print(now, end="\r", file=sys.stderr))
        print(f"{report.photos} photos, {report.faces} new faces, {report.failed} failed")
        for failure in report.failures:  # none is passed over in silence
            print(f"  {failure.display}: {failure.reason}")

        hits = gallery.search("man, goatee, maybe glasses", top=5, min_face=40)
        for hit in hits:
            print(hit)
        print(f"About {hits.expected:.1f} of {hits.searched} faces are expected to fit.")

        # The request says what was asked, in a form that can be kept and asked again.
        kept = {"request": json.loads(hits.request.to_json()), "digest": hits.request.digest, "hits": hits.to_dicts()}
        out.write_text(json.dumps(kept, indent=2), encoding="utf-8")
        print(f"Written: {out}")

        if hits:
            print(f"Most like face {hits[0].face}, without a beard:")
            for hit in gallery.similar(hits[0].face, absent="beard", top=3):
                print(hit)
    print("A hit is a lead, not evidence.")


if __name__ == "__main__":
    main()
