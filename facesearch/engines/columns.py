"""The table `faces` that other engines ask: its columns, in files of Parquet and in SQL.

Names are lower-case words that every engine takes without quotation marks.
"""

from typing import Literal

from facesearch.attributes import ATTRIBUTES

TABLE = "faces"

VERSION = 1
"""Of these columns; anything but one more of them is a new version."""

Kind = Literal["integer", "small", "double", "text", "moment", "texts", "bytes"]

FACT_COLUMNS: dict[str, Kind] = {
    "face": "integer",  # its number in the catalogue
    "photo": "integer",  # the number of its photo: a content, however many files hold it
    "page": "small",  # which picture of the file, from 1
    "seconds": "double",  # when that is shown; NULL where nothing moves
    "x": "double",  # the box, in pixels of the upright picture
    "y": "double",
    "width": "double",
    "height": "double",
    "turned": "small",  # degrees by which the photo was turned when the face was found
    "detection": "double",  # the detector's score and the box's longer side, in the float32 that searches compare
    "size": "double",
    "path": "text",  # the first of the photo's files
    "paths": "texts",  # all of them; bytes that are no UTF-8 as \\xNN
    "raw_paths": "bytes",  # the same as bytes; NULL where all of them are UTF-8
    "sha256": "text",  # of the photo, hexadecimal
    "taken": "moment",  # by the camera's own clock; NULL where EXIF does not say it
    "taken_day": "small",  # the same as a number, 20190714
    "camera": "text",  # make and model; "" where EXIF does not say it
    "camera_key": "text",  # what conditions on camera and folder are compared with (`db.values.photo_filter`)
    "folder_key": "text",
}

PROBABILITY_COLUMNS = tuple(f"p_{each.name.lower()}" for each in ATTRIBUTES)
"""The calibrated probability that each attribute holds, a double; all NULL for a face that the network in use has not
scored."""
