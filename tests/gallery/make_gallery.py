"""Make the demo gallery: composite portraits of nobody, each the average of 32 different people of CelebA.

    python tests/gallery/make_gallery.py DATA_FOLDER

DATA_FOLDER holds celeba/ in its official layout, with identities and roles. Only images of role `train` with the
framing `aligned` (178 x 218) are used, and nobody stands in more than two portraits. The pictures and portraits.csv are
written beside this script. README.md there says under which terms.

A portrait is made in five steps: frontal faces with the wanted attributes are brought to common eye and mouth positions
by a least-squares affine fit of the detector's landmarks; the 32 that resemble each other most are taken; each is bent
smoothly towards their average (a flow too smooth to tear, which brings outlines together); they are averaged, without
the extremes of each pixel, which is where logos and lettering survive; contrast lost by averaging is restored, one band
of detail at a time, and what lies around head and shoulders, or outside a soft oval, is blurred away.
"""

import csv
import sys
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesearch.attributes import BY_NAME
from facesearch.training.datasets import Labels, Role, read_celeba
from facesearch.vision.detection import YuNet

HERE = Path(__file__).resolve().parent
SEED = 20170204

IDENTITIES = 32
TRIM = 4  # lowest and highest values of each pixel that are left out: 24 stay
MOST_PORTRAITS = 2  # in which one identity may stand
POOL = 160  # faces looked at for one portrait, each of another identity

ALIGNED_SIZE = (178, 218)
WIDTH, HEIGHT = 256, 320
SCALE = 1.42
CENTRE = (128.0, 175.0)  # of the oval, which is wide enough for hair, hats, beard, chin and necktie
RADII = (116.0, 180.0)

# Mean landmarks of aligned frontal faces (right eye, left eye, nose, right and left corner of the mouth), enlarged.
_EYES_NOSE_MOUTH = np.array([[69.5, 111], [108.5, 111], [89, 133], [73.5, 151], [104.5, 151]])
TEMPLATE = (_EYES_NOSE_MOUTH - [89, 111]) * SCALE + [128, 158]

FACIAL_HAIR = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")
HAIR = ("Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Wanted:
    """One portrait: attributes that all its faces have, and (with a minus) have not, by CelebA's names.

    backdrop: brightness that is asked for beside the forehead, since dark hair vanishes before a dark wall; less where
    few faces fit. darkest_skin: take only this share of the faces found, so that the gallery does not show the data
    set's majority alone. darkest_lip: the same by what is above the mouth, since a mustache by the label may be a
    shadow. clear_eyes: leave out faces whose eyes are darker than this multiple of the cheeks, since CelebA counts
    sunglasses as Eyeglasses.
    """

    file: str
    words: str
    backdrop: float = 90
    darkest_skin: float = 1.0
    darkest_lip: float = 1.0
    clear_eyes: float = 0.4

    @property
    def shows(self) -> tuple[str, ...]:
        return self._expanded()[0]

    @property
    def lacks(self) -> tuple[str, ...]:
        return self._expanded()[1]

    def _expanded(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words and what follows from them: one hair colour excludes the others, and so on."""
        shows = {w for w in self.words.split() if not w.startswith("-")}
        lacks = {w[1:] for w in self.words.split() if w.startswith("-")} | {"Blurry"}
        if "Male" not in shows:
            shows |= {"No_Beard"}
            lacks |= {"Wearing_Necktie"}
        if "No_Beard" in shows:
            lacks |= set(FACIAL_HAIR)
        elif shows & set(FACIAL_HAIR):
            lacks |= {"No_Beard"}
        lacks |= {"Eyeglasses", "Wearing_Hat"} - shows
        if shows & set(HAIR):
            lacks |= set(HAIR) - shows
        both = shows & lacks
        if both:
            raise ValueError(f"{self.file}: wanted and unwanted at once: {both}")
        order = BY_NAME.__getitem__
        return (
            tuple(sorted(shows, key=lambda n: order(n).index)),
            tuple(sorted(lacks, key=lambda n: order(n).index)),
        )


# Rare descriptions first, while few identities are used up.
PORTRAITS = (
    Wanted("man-bald-eyeglasses.jpg", "Male Bald Eyeglasses", backdrop=40),
    Wanted("man-bald-goatee.jpg", "Male Bald Goatee", backdrop=40),
    Wanted("man-gray-hair-mustache.jpg", "Male Gray_Hair Mustache -Young", backdrop=40),
    Wanted("woman-gray-hair.jpg", "-Male Gray_Hair -Young", backdrop=40),
    Wanted("woman-eyeglasses-older.jpg", "-Male Eyeglasses -Young"),
    Wanted("man-gray-hair-eyeglasses-1.jpg", "Male Gray_Hair Eyeglasses -Young -Smiling No_Beard", backdrop=40),
    Wanted("man-gray-hair-eyeglasses-2.jpg", "Male Gray_Hair Eyeglasses -Young Smiling No_Beard", backdrop=40),
    Wanted("man-goatee-dark-eyeglasses.jpg", "Male Goatee Eyeglasses", clear_eyes=0),
    Wanted("man-hat-goatee.jpg", "Male Wearing_Hat Goatee -Wearing_Necktie"),
    Wanted("man-bald-smiling.jpg", "Male Bald Smiling", darkest_skin=0.5),
    Wanted("man-bald-serious.jpg", "Male Bald -Smiling"),
    Wanted("man-blond-hair.jpg", "Male Blond_Hair Young No_Beard"),
    Wanted("man-bangs-brown-hair.jpg", "Male Bangs Brown_Hair Young No_Beard"),
    Wanted("woman-hat-serious.jpg", "-Male Wearing_Hat Young -Smiling"),
    Wanted("woman-hat-smiling.jpg", "-Male Wearing_Hat Young Smiling"),
    Wanted("woman-eyeglasses-young.jpg", "-Male Eyeglasses Young", clear_eyes=0.55),
    Wanted("woman-blond-hair-older.jpg", "-Male Blond_Hair -Young"),
    Wanted("man-gray-hair-necktie.jpg", "Male Gray_Hair Wearing_Necktie -Young No_Beard"),
    Wanted("man-gray-hair-smiling.jpg", "Male Gray_Hair Smiling -Young No_Beard"),
    Wanted("man-hat.jpg", "Male Wearing_Hat Young No_Beard -Wearing_Necktie"),
    Wanted("man-mustache-black-hair.jpg", "Male Mustache -Goatee Black_Hair", darkest_lip=0.4),
    Wanted("man-mustache-older.jpg", "Male Mustache -Goatee -Young", darkest_lip=0.4),
    Wanted("man-double-chin.jpg", "Male Double_Chin Chubby -Young Smiling No_Beard -Gray_Hair -Bald"),
    Wanted("man-eyeglasses-young.jpg", "Male Eyeglasses Young No_Beard"),
    Wanted("man-goatee-1.jpg", "Male Goatee Young Black_Hair -Smiling -Wearing_Necktie"),
    Wanted("man-goatee-2.jpg", "Male Goatee Young Brown_Hair -Wearing_Necktie"),
    Wanted("man-goatee-3.jpg", "Male Goatee Young Black_Hair Smiling -Wearing_Necktie", darkest_skin=0.4),
    Wanted("man-full-beard-1.jpg", "Male Mustache Sideburns Goatee"),
    Wanted("man-full-beard-2.jpg", "Male Sideburns Young Brown_Hair -Goatee -Wearing_Necktie"),
    Wanted("man-stubble.jpg", "Male 5_o_Clock_Shadow Young Black_Hair -Goatee -Mustache"),
    Wanted("man-necktie-young.jpg", "Male Wearing_Necktie Young Black_Hair No_Beard"),
    Wanted("man-necktie-older.jpg", "Male Wearing_Necktie -Young No_Beard -Gray_Hair -Bald"),
    Wanted("man-black-hair-smiling.webp", "Male Black_Hair Young Smiling No_Beard"),
    Wanted("man-brown-hair-serious.jpg", "Male Brown_Hair Young -Smiling No_Beard"),
    Wanted("woman-blond-hair-smiling-1.jpg", "-Male Blond_Hair Young Smiling"),
    Wanted("woman-blond-hair-smiling-2.jpg", "-Male Blond_Hair Young Smiling Straight_Hair -Wavy_Hair"),
    Wanted("woman-blond-hair-serious.jpg", "-Male Blond_Hair Young -Smiling"),
    Wanted("woman-black-hair-serious.jpg", "-Male Black_Hair Young -Smiling -Bangs"),
    Wanted("woman-black-hair-smiling.jpg", "-Male Black_Hair Young Smiling -Bangs", darkest_skin=0.3),
    Wanted("woman-brown-hair-wavy.png", "-Male Brown_Hair Young Wavy_Hair -Straight_Hair -Bangs"),
    Wanted("femme aux cheveux châtains.jpg", "-Male Brown_Hair Young Smiling Straight_Hair -Bangs"),
    Wanted("woman-bangs-black-hair.jpg", "-Male Bangs Black_Hair Young"),
    Wanted("woman-bangs-brown-hair.jpg", "-Male Bangs Brown_Hair Young -Smiling"),
    Wanted("woman-heavy-makeup-lipstick.jpg", "-Male Heavy_Makeup Wearing_Lipstick Black_Hair Young -Smiling"),
    Wanted("woman-no-makeup.avif", "-Male -Heavy_Makeup -Wearing_Lipstick Young -Blond_Hair"),
)
TURNED = Wanted("turned-woman-earrings.jpg", "-Male Wearing_Earrings Brown_Hair Young Smiling")
SMALL = Wanted("small-man-black-hair.jpg", "Male Black_Hair Young -Smiling No_Beard")
DARK = Wanted("dark-woman-brown-hair.jpg", "-Male Brown_Hair Young -Smiling -Bangs")
DAMAGED = Wanted("damaged-man-brown-hair.jpg", "Male Brown_Hair Young Smiling No_Beard")
GROUPS = {  # of portraits above, left to right
    "group-of-three.jpg": ("man-goatee-1.jpg", "woman-blond-hair-smiling-1.jpg", "man-gray-hair-eyeglasses-1.jpg"),
    "group-of-four.jpg": (
        "woman-black-hair-smiling.jpg",
        "man-bald-serious.jpg",
        "woman-eyeglasses-young.jpg",
        "man-hat.jpg",
    ),
    "group-of-five.jpg": (
        "man-necktie-young.jpg",
        "woman-gray-hair.jpg",
        "man-full-beard-1.jpg",
        "woman-bangs-black-hair.jpg",
        "man-gray-hair-smiling.jpg",
    ),
}


@dataclass(frozen=True)
class Composite:
    """A finished portrait: uint8 RGB [HEIGHT, WIDTH, 3], the weight of its head and shoulders, the people in it."""

    wanted: Wanted
    rgb: Pixels
    weight: Floats
    identities: frozenset[int]


class Studio:
    """Makes portraits one after another and remembers who was used how often."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.train = labels.of(Role.TRAIN)
        self.used: Counter[int] = Counter()
        self.detector = YuNet()
        self.rng = np.random.default_rng(SEED)
        self.oval = _oval()

    def portrait(self, wanted: Wanted) -> Composite:
        faces, identities = self._pool(wanted)
        chosen, mirrored = _most_alike(faces, self.oval)
        stack = np.stack([faces[i][:, ::-1] if m else faces[i] for i, m in zip(chosen, mirrored, strict=True)])
        people = frozenset(identities[i] for i in chosen)
        assert len(people) == IDENTITIES, wanted.file
        self.used.update(people)
        assert max(self.used.values()) <= MOST_PORTRAITS, wanted.file
        strength = _strength(stack, self.oval)
        for _ in range(2):
            stack = _bent(stack, _restored(_average(stack), strength, self.oval))
        image = _restored(_average(stack), strength, self.oval)
        weight = _cut_out(image, self.oval)
        return Composite(wanted, _before_a_blur(image, weight), weight, people)

    def _pool(self, wanted: Wanted) -> tuple[list[Pixels], list[int]]:
        """Fitted frontal faces [HEIGHT, WIDTH, 3] with the wanted attributes, one an identity, and who they are."""
        rows = self.labels.labels[self.train].astype(bool)
        fits = np.ones(len(rows), bool)
        for name in wanted.shows:
            fits &= rows[:, BY_NAME[name].index]
        for name in wanted.lacks:
            fits &= ~rows[:, BY_NAME[name].index]
        faces: list[Pixels] = []
        identities: list[int] = []
        for row in self.rng.permutation(self.train[fits]):
            person = int(self.labels.identities[row])
            if person in identities or self.used[person] == MOST_PORTRAITS:
                continue
            face = self._fitted(self.labels.photos / self.labels.names[row], wanted.backdrop)
            if face is not None and _eyes(face) >= wanted.clear_eyes:
                faces.append(face)
                identities.append(person)
            if len(faces) == POOL:
                break
        kept = list(range(len(faces)))
        for brightness, share in ((_skin, wanted.darkest_skin), (_upper_lip, wanted.darkest_lip)):
            kept = sorted(kept, key=lambda i: brightness(faces[i]))[: round(len(kept) * share)]
        print(f"{wanted.file}: {len(kept)} faces to choose from")
        if len(kept) < IDENTITIES:
            raise SystemExit(f"{wanted.file}: only {len(kept)} identities fit; ask for less.")
        return [faces[i] for i in kept], [identities[i] for i in kept]

    def _fitted(self, path: Path, backdrop: float) -> Pixels | None:
        """The face at common eye and mouth positions; None where it is not usable."""
        with Image.open(path) as opened:
            if opened.size != ALIGNED_SIZE:
                return None
            rgb = np.asarray(opened.convert("RGB"))
        found = self.detector.detect([rgb])[0]
        if len(found) != 1 or found[0].turned or found[0].score < 0.85:
            return None
        points = found[0].landmarks.astype(np.float64)
        if not _frontal(points) or _backdrop(rgb) < backdrop:
            return None
        matrix, *_ = np.linalg.lstsq(np.c_[points, np.ones(5)], TEMPLATE, rcond=None)
        return cv2.warpAffine(rgb, matrix.T, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def _frontal(points: NDArray[np.float64]) -> bool:
    """Whether the nose stands midway between eyes and mouth (float64 [5, 2], landmarks of one face)."""
    right_eye, left_eye, nose, right_mouth, left_mouth = points
    between = (right_eye + left_eye + right_mouth + left_mouth) / 4
    return bool(abs(nose[0] - between[0]) < 0.1 * np.linalg.norm(left_eye - right_eye))


def _backdrop(rgb: Pixels) -> float:
    """Brightness 0..255 beside the forehead of an aligned face."""
    return float(np.concatenate([rgb[20:90, :18], rgb[20:90, -18:]]).mean())


def _skin(face: Pixels) -> float:
    """Brightness 0..255 of the cheeks of a fitted face."""
    return float(np.concatenate([face[170:200, 80:105], face[170:200, 151:176]]).mean())


def _eyes(face: Pixels) -> float:
    """Brightness of a fitted face where the eyes are, as a multiple of the cheeks'."""
    return float(np.concatenate([face[152:165, 90:111], face[152:165, 145:166]]).mean()) / _skin(face)


def _upper_lip(face: Pixels) -> float:
    """Brightness of a fitted face between nose and mouth, as a multiple of the cheeks'."""
    return float(face[196:208, 112:145].mean()) / _skin(face)


def _oval() -> Floats:
    """Weight [HEIGHT, WIDTH, 1]: 1 within a rounded oval, falling softly to 0."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    power = 2.4
    radius = (np.abs((x - CENTRE[0]) / RADII[0]) ** power + np.abs((y - CENTRE[1]) / RADII[1]) ** power) ** (1 / power)
    t = np.clip((1 - radius) / 0.2, 0, 1)
    return (t * t * (3 - 2 * t))[..., None].astype(np.float32)


def _most_alike(faces: list[Pixels], oval: Floats) -> tuple[list[int], list[bool]]:
    """Which IDENTITIES faces resemble each other most, and which of them must be mirrored for that.

    Compared as thumbnails in Lab, so by hair, hat, skin and light; the densest neighbourhood wins.
    """

    def thumbnail(face: Pixels) -> Floats:
        lab = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).astype(np.float32) * oval
        return np.asarray(cv2.resize(lab, (32, 40), interpolation=cv2.INTER_AREA), np.float32).ravel()

    plain = np.stack([thumbnail(f) for f in faces])
    mirror = np.stack([thumbnail(np.ascontiguousarray(f[:, ::-1])) for f in faces])

    def distances(a: Floats, b: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T, 0)), np.float32)

    as_is, flipped = distances(plain, plain), distances(plain, mirror)
    nearer = np.minimum(as_is, flipped)
    centre = int(np.sort(nearer, axis=1)[:, :IDENTITIES].mean(axis=1).argmin())
    chosen = np.argsort(nearer[centre], kind="stable")[:IDENTITIES].tolist()
    return chosen, [bool(flipped[centre, i] < as_is[centre, i]) for i in chosen]


def _bent(stack: Pixels, towards: Floats) -> Pixels:
    """Each face bent towards the average by a flow blurred over 10 pixels: outlines meet, nothing tears."""
    even = cv2.createCLAHE(2, (4, 4))
    flow_of = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    target = even.apply(_gray(towards))
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    out = []
    for face in stack:
        flow = cv2.GaussianBlur(flow_of.calc(target, even.apply(_gray(face)), None), (0, 0), 10)
        out.append(
            cv2.remap(face, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        )
    return np.stack(out)


def _average(stack: Pixels) -> Floats:
    """Mean of each pixel's middle values [HEIGHT, WIDTH, 3]."""
    return np.sort(stack, axis=0)[TRIM:-TRIM].mean(axis=0, dtype=np.float32)


def _strength(stack: Pixels, oval: Floats) -> NDArray[np.float64]:
    """How strong each band of detail is in single faces: float64 [5], root mean square within the oval."""
    return np.mean([[_energy(b, oval) for b in _bands(_gray(face).astype(np.float32))[0]] for face in stack], axis=0)


def _restored(average: Floats, strength: NDArray[np.float64], oval: Floats) -> Floats:
    """The average [HEIGHT, WIDTH, 3] with each band of detail as strong as in single faces (within caps)."""
    of_average = [_energy(b, oval) for b in _bands(_gray(average).astype(np.float32))[0]]
    bands, image = _bands(average)
    caps = (2.0, 2.2, 2.0, 1.6, 1.3)  # the finest band holds what did not meet, too: more of it looks etched
    for band, wanted, is_now, cap in zip(bands, strength, of_average, caps, strict=True):
        image = image + band * min(cap, wanted / is_now)
    return image


def _bands(image: Floats) -> tuple[list[Floats], Floats]:
    """Laplacian bands of 1, 2, 4, 8 and 16 pixels, and what remains; their sum is the image."""
    bands = []
    for sigma in (1, 2, 4, 8, 16):
        smooth = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
        bands.append(image - smooth)
        image = smooth
    return bands, image


def _energy(band: Floats, oval: Floats) -> float:
    return float(np.sqrt((band * band * oval[..., 0]).sum() / oval.sum()))


def _cut_out(image: Floats, oval: Floats) -> Floats:
    """Weight [HEIGHT, WIDTH, 1] of head and shoulders, soft at the edges, 0 outside the oval (GrabCut)."""
    marks = np.full((HEIGHT, WIDTH), cv2.GC_PR_BGD, np.uint8)
    cv2.ellipse(marks, (128, 150), (80, 130), 0, 0, 360, cv2.GC_PR_FGD, cv2.FILLED)
    cv2.ellipse(marks, (128, 165), (48, 80), 0, 0, 360, cv2.GC_FGD, cv2.FILLED)
    marks[250:, 60:-60] = cv2.GC_FGD
    marks[:12] = marks[:230, :20] = marks[:230, -20:] = cv2.GC_BGD
    cv2.setRNGSeed(SEED)
    cv2.grabCut(_bytes(image), marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((9, 9)))
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((15, 15)))
    inside = (cv2.GaussianBlur(inside, (0, 0), 6) > 0.5).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 4)[..., None] * oval, np.float32)


def _before_a_blur(image: Floats, weight: Floats) -> Pixels:
    """Head and shoulders before what surrounded them, blurred away without the head's own colours."""
    around = 1.02 - weight  # never 0: deep inside, any colour does
    total = cv2.GaussianBlur(around, (0, 0), 20)[..., None]
    blurred = cv2.GaussianBlur(image * around, (0, 0), 20) / total
    return _bytes(image * weight + blurred * (1 - weight))


def _gray(image: Pixels | Floats) -> Pixels:
    return np.asarray(cv2.cvtColor(_bytes(image), cv2.COLOR_RGB2GRAY), np.uint8)


def _bytes(image: Pixels | Floats) -> Pixels:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _gradient(width: int, height: int) -> Floats:
    """A plain studio wall, lighter above: float32 [height, width, 3]."""
    t = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    wall = np.array([176, 182, 188], np.float32) * (1 - t) + np.array([120, 126, 134], np.float32) * t
    return np.broadcast_to(wall, (height, width, 3)).copy()


def _hung(wall: Floats, portrait: Composite, left: int, scale: float) -> None:
    """Put a portrait's head and shoulders before the wall, at its lower edge, in place."""
    size = round(WIDTH * scale), round(HEIGHT * scale)
    small = cv2.resize(portrait.rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(portrait.weight, size, interpolation=cv2.INTER_AREA)[..., None]
    weight = np.clip((weight - 0.4) / 0.6, 0, 1)  # without the fringe of the portrait's own backdrop
    place = wall[-size[1] :, left : left + size[0]]
    place[:] = small * weight + place * (1 - weight)


def _group(portraits: list[Composite]) -> Pixels:
    """Several portraits side by side, every second one a little taller."""
    step = 175
    wall = _gradient(step * len(portraits) + 60, 290)
    for i, portrait in enumerate(portraits):
        _hung(wall, portrait, 10 + i * step, (0.76, 0.86)[i % 2])
    return _bytes(wall)


def _far_away(portrait: Composite) -> Pixels:
    """The portrait so small that its face is about 40 pixels wide."""
    wall = _gradient(320, 240)
    _hung(wall, portrait, 150, 0.36)
    return _bytes(wall)


def _underexposed(portrait: Pixels, rng: np.random.Generator) -> Pixels:
    """A tenth of the light, with a sensor's noise."""
    light = (portrait / 255.0) ** 2.2 * 0.1
    return _bytes((255 * light ** (1 / 2.2) + rng.normal(0, 2.0, portrait.shape)).astype(np.float32))


def _save(path: Path, rgb: Pixels, orientation: int = 1) -> None:
    image = Image.fromarray(rgb)
    match path.suffix:
        case ".png":
            image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB").save(path, optimize=True)
        case ".jpg" if orientation != 1:
            exif = Image.Exif()
            exif[0x0112] = orientation
            image.save(path, quality=90, exif=exif)
        case ".jpg":
            image.save(path, quality=90)
        case _:
            image.save(path, quality=80)


def _manifest(pictures: dict[str, list[Composite]], used: Counter[int]) -> None:
    """One row a face: portraits, and the members of each group from left to right."""
    with (HERE / "portraits.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "face", "shows", "lacks", "identities", "most_portraits_of_one_identity"])
        for name in sorted(pictures):
            for place, c in enumerate(pictures[name]):
                most = max(used[i] for i in c.identities)
                rows.writerow(
                    [name, place, " ".join(c.wanted.shows), " ".join(c.wanted.lacks), len(c.identities), most]
                )


def main(data: Path) -> None:
    cv2.setNumThreads(1)  # the same sums in the same order every time
    labels = read_celeba(data / "celeba")
    if not labels.has_identities:
        raise SystemExit(f"{data / 'celeba'} has no identity_CelebA.txt: without it nobody can be counted.")
    studio = Studio(labels)
    made = {w.file: studio.portrait(w) for w in (*PORTRAITS, TURNED, SMALL, DARK, DAMAGED)}
    special = {w.file for w in (TURNED, SMALL, DARK, DAMAGED)}
    for file, composite in made.items():
        if file not in special:
            _save(HERE / file, composite.rgb)
    _save(HERE / TURNED.file, np.rot90(made[TURNED.file].rgb), orientation=6)
    _save(HERE / SMALL.file, _far_away(made[SMALL.file]))
    _save(HERE / DARK.file, _underexposed(made[DARK.file].rgb, studio.rng))
    whole = BytesIO()
    Image.fromarray(made[DAMAGED.file].rgb).save(whole, "JPEG", quality=90)
    (HERE / DAMAGED.file).write_bytes(whole.getvalue()[: len(whole.getvalue()) * 2 // 5])
    for file, members in GROUPS.items():
        _save(HERE / file, _group([made[m] for m in members]))
    pictures = {f: [c] for f, c in made.items() if f != DAMAGED.file}
    _manifest(pictures | {f: [made[m] for m in members] for f, members in GROUPS.items()}, studio.used)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python {sys.argv[0]} DATA_FOLDER (the folder that holds celeba/)")
    main(Path(sys.argv[1]))
