"""The accuracies that Hand & Chellappa print (AAAI 2017, Tables 2 and 3), to stand beside ours.

Theirs on CelebA are on all 19,962 official test images after training on 162,770; on LFWA on 6,880 photos after
training on 6,263. Columns: the commoner answer always, independent CNNs, MCNN, MCNN-AUX; percent; attributes under
their official names and in official order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training.datasets import Dataset

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Published:
    """One table of the paper. source: where it stands; the rest: accuracy of each attribute, float64 [40], 0..1."""

    source: str
    majority: Floats
    independent: Floats
    mcnn: Floats
    mcnn_aux: Floats


def published(dataset: Dataset) -> Published:
    """What the paper reports on a data set."""
    number, text = _TABLES[dataset]
    rows = {name: values for name, *values in (line.split() for line in text.strip().splitlines())}
    columns = np.array([rows[name] for name in NAMES], np.float64).T / 100
    return Published(f"Hand & Chellappa, AAAI 2017, Table {number}", *columns)


_CELEBA = """
5_o_Clock_Shadow     90.01 93.94 94.41 94.51
Arched_Eyebrows      71.55 83.16 83.55 83.42
Attractive           50.41 82.22 82.94 83.06
Bags_Under_Eyes      79.73 84.83 84.89 84.92
Bald                 97.88 98.85 98.87 98.90
Bangs                84.42 95.99 96.04 96.05
Big_Lips             67.29 70.80 71.20 71.47
Big_Nose             78.79 84.47 84.50 84.53
Black_Hair           72.83 89.41 89.87 89.78
Blond_Hair           86.67 95.88 95.97 96.01
Blurry               94.94 96.07 96.08 96.17
Brown_Hair           82.03 88.75 88.99 89.15
Bushy_Eyebrows       87.04 92.87 92.80 92.84
Chubby               94.69 95.55 95.66 95.67
Double_Chin          95.42 96.43 96.41 96.32
Eyeglasses           93.54 99.67 99.63 99.63
Goatee               95.41 97.13 97.30 97.24
Gray_Hair            96.81 98.07 98.20 98.20
Heavy_Makeup         59.50 90.95 91.37 91.55
High_Cheekbones      51.81 87.34 87.55 87.58
Male                 61.34 98.02 98.16 98.17
Mouth_Slightly_Open  50.49 93.99 93.74 93.74
Mustache             96.13 96.67 96.93 96.88
Narrow_Eyes          85.13 87.22 87.16 87.23
No_Beard             85.36 95.93 96.11 96.05
Oval_Face            70.43 74.70 75.81 75.84
Pale_Skin            95.79 97.07 97.01 97.05
Pointy_Nose          71.42 77.47 77.47 77.47
Receding_Hairline    91.51 93.41 93.81 93.81
Rosy_Cheeks          92.82 95.02 95.13 95.16
Sideburns            95.36 97.77 97.82 97.85
Smiling              50.03 92.65 92.66 92.73
Straight_Hair        79.01 82.62 83.39 83.58
Wavy_Hair            63.59 83.24 83.92 83.91
Wearing_Earrings     79.33 90.35 90.32 90.43
Wearing_Hat          95.79 98.97 99.04 99.05
Wearing_Lipstick     52.18 93.80 93.95 94.11
Wearing_Necklace     86.20 86.41 86.82 86.63
Wearing_Necktie      92.99 96.71 96.53 96.51
Young                75.71 87.98 88.30 88.48
"""

_LFWA = """
5_o_Clock_Shadow     58.64 77.39 77.70 77.06
Arched_Eyebrows      74.88 81.40 82.36 81.78
Attractive           62.87 80.20 80.42 80.31
Bags_Under_Eyes      58.29 83.24 83.51 83.48
Bald                 89.37 91.51 91.99 91.94
Bangs                83.59 90.47 89.99 90.08
Big_Lips             62.86 79.06 79.21 79.24
Big_Nose             68.59 84.43 84.76 84.98
Black_Hair           87.63 91.84 92.35 92.63
Blond_Hair           95.74 97.23 97.45 97.41
Blurry               84.02 86.71 85.30 85.23
Brown_Hair           64.56 80.84 80.94 80.85
Bushy_Eyebrows       53.70 84.79 85.11 84.97
Chubby               63.92 75.85 76.90 76.86
Double_Chin          62.44 82.00 81.17 81.52
Eyeglasses           81.99 92.15 91.22 91.30
Goatee               74.68 83.34 82.52 82.97
Gray_Hair            84.25 88.98 89.04 88.93
Heavy_Makeup         89.20 95.63 95.84 95.85
High_Cheekbones      67.74 88.02 88.25 88.38
Male                 78.77 93.27 93.66 94.02
Mouth_Slightly_Open  58.70 82.41 83.47 83.51
Mustache             86.62 93.69 93.53 93.43
Narrow_Eyes          65.50 82.48 82.73 82.86
No_Beard             70.05 81.45 82.13 82.15
Oval_Face            51.49 77.06 77.38 77.39
Pale_Skin            52.09 94.31 93.41 93.32
Pointy_Nose          71.10 84.41 84.18 84.14
Receding_Hairline    59.84 86.00 86.26 86.25
Rosy_Cheeks          79.65 89.46 87.52 87.92
Sideburns            68.72 81.70 82.73 83.13
Smiling              60.50 92.22 91.75 91.83
Straight_Hair        64.44 81.54 78.72 78.53
Wavy_Hair            55.49 81.58 81.96 81.61
Wearing_Earrings     86.86 94.73 94.91 94.95
Wearing_Hat          85.52 89.79 90.20 90.07
Wearing_Lipstick     85.53 94.68 94.89 95.04
Wearing_Necklace     80.49 89.98 89.66 89.94
Wearing_Necktie      64.09 80.34 80.50 80.66
Young                79.60 85.11 85.37 85.84
"""

_TABLES = {Dataset.CELEBA: (2, _CELEBA), Dataset.LFWA: (3, _LFWA)}
