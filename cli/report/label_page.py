"""The page on which a person labels a sample: one file that loads nothing, worked with the keyboard.

It shows no answer of the network and none of anybody else, and asks in an order of its own for each name. Answers stay
in the browser until they are saved as the CSV that `facesearch.validation.answers` reads.
"""

import json
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from cli.report import templating
from facesearch.validation.answers import items
from facesearch.validation.sample import Sample, labels_of


def label_page(sample: Sample, faces: Sequence[bytes], photos: Sequence[bytes]) -> Iterator[str]:
    """The page, part by part. faces, photos: JPEGs in the order of the sample."""
    minutes = max(1, round(len(sample.faces) * 1.5 / 60))
    about = {
        "sample": sample.key,
        "items": items(sample),
        "faces": len(sample.faces),
        "words": list(sample.words),
        "labels": labels_of(sample.words),
    }
    return templating.rendered(
        "label.html",
        style="label.css",
        script="label.js",
        pictures=True,
        title="Label faces",
        faces=faces,
        photos=photos,
        shown={"faces": len(sample.faces), "photos": len(sample.photos)},
        words=len(sample.words),
        minutes=f"{minutes:,} minutes" if minutes > 1 else "a minute",
        about=_as_data(about),
    )


def _as_data(value: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))
