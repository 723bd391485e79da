"""TIFF: every page, whatever its depth, order of planes and compression, and no other pixels than those in the file.

Libraries garble what they were not made for (planes of 16 bits each) or refuse it (floats, gray with alpha). So the
directories are read here (`file`), and each page is put together anew from the tags that make its picture (`page`):

- what compresses bytes (none, LZW, deflate, PackBits, Zstandard, LZMA) is decoded as bytes, strip by strip, and the
  samples are taken from them here, whatever they are (`samples`), and become colours (`colours`);
- what compresses pictures (JPEG, CCITT fax, WebP) goes to Pillow, strip by strip, for the kinds that it is known to do
  right (`pictures`);
- all else is refused by name.

Sources: TIFF 6.0; Adobe's technical notes 1 to 3 (predictor 3, SubIFDs, deflate); BigTIFF.
"""
