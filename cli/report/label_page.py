"""The page on which a person labels a sample: one file that loads nothing, worked with the keyboard.

It shows no answer of the network and none of anybody else, and asks in an order of its own for each name. Answers stay
in the browser until they are saved as the CSV that `facesearch.validation.answers` reads.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from cli.report import html_frame
from facesearch.validation.answers import items
from facesearch.validation.sample import Sample, labels_of

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: 20px; background: #fff; color: #1d1f21;
  font: 16px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0 0 8px; }
[hidden] { display: none !important; }
p { max-width: 75ch; }
input[type=text] { font: inherit; padding: 6px 8px; width: 16em; }
button { font: inherit; padding: 8px 16px; margin: 0 8px 8px 0; border: 1px solid #9aa0a6; border-radius: 6px;
  background: #f3f4f5; cursor: pointer; }
button.given { background: #1f5fa8; color: #fff; border-color: #1f5fa8; }
button:focus-visible { outline: 3px solid #e08a1e; }
kbd { font: inherit; font-weight: 600; text-decoration: underline; }
#question { font-size: 24px; font-weight: 600; margin: 8px 0 12px; min-height: 1.4em; }
#picture { display: block; max-width: 100%; max-height: 62vh; min-height: 200px; background: #ececec;
  margin: 0 0 14px; }
#picture.face { width: min(480px, 62vh); height: min(480px, 62vh); }
progress { width: 100%; height: 10px; }
.note { color: #5d6368; font-size: 14px; }
.warn { background: #fdf6e3; border-left: 4px solid #b58900; padding: 8px 12px; }
"""


def label_page(sample: Sample, faces: Sequence[bytes], photos: Sequence[bytes]) -> Iterator[str]:
    """The page, part by part. faces, photos: JPEGs in the order of the sample."""
    script = (resources.files("cli.report") / "label_page.js").read_text(encoding="utf-8")
    title = "Label faces"
    yield html_frame.beginning(title, _STYLE, pictures=True, script=script)
    minutes = max(1, round(len(sample.faces) * 1.5 / 60))
    yield (
        _BODY.replace("FACES", f"{len(sample.faces):,}")
        .replace("PHOTOS", f"{len(sample.photos):,}")
        .replace("WORDS", str(len(sample.words)))
        .replace("MINUTES", f"{minutes:,} minutes" if minutes > 1 else "a minute")
    )
    about = {
        "sample": sample.key,
        "items": items(sample),
        "faces": len(sample.faces),
        "words": list(sample.words),
        "labels": labels_of(sample.words),
    }
    yield f'<script type="application/json" id="about">{_as_data(about)}</script>\n'
    for kind, pictures in (("face", faces), ("photo", photos)):
        for number, jpeg in enumerate(pictures, 1):
            data = base64.b64encode(jpeg).decode()
            yield f'<script type="text/plain" id="{escape(kind)}-{number}">{data}</script>\n'
    yield f"<script>{script}</script>\n{html_frame.END}"


def _as_data(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


_BODY = """
<section id="start">
<h1>Label faces</h1>
<p>You will see FACES faces, and are asked one word after another for all of them, WORDS words in all; at last, PHOTOS
whole photos. Say what you see in the picture, not what you know or suspect of a person. Do not look at what anybody
else has answered, and do not talk about it before both of you have saved.</p>
<p>A word takes about MINUTES. You may stop at any time: save the file, and go on from it later. A word counts once it
is answered for every face, so finish a word before you stop.</p>
<p><label>Your name or initials <input type="text" id="name" autocomplete="off" spellcheck="false"></label></p>
<p><button id="begin">Begin</button>
<label>or go on from a saved file <input type="file" id="file" accept=".csv,text/csv"></label></p>
<p class="warn" id="problem" hidden></p>
</section>
<section id="work" hidden>
<progress id="progress" max="1" value="0"></progress>
<p class="note" id="where"></p>
<p id="question"></p>
<img id="picture" alt="">
<div id="answers"></div>
<p><button id="back"><kbd>B</kbd>ack</button> <button id="save"><kbd>S</kbd>ave the file</button>
<span class="note" id="saved"></span></p>
</section>
<section id="pause" hidden>
<h1 id="next"></h1>
<p id="hint"></p>
<p><button id="go">Go on (Enter)</button> <button id="save2"><kbd>S</kbd>ave the file</button></p>
</section>
"""
