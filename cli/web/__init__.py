"""The page on one's own machine: what `facesearch serve` shows. It translates between a browser and the use cases, as
the commands do, and decides nothing.

`server.py` runs it, `security.py` lets nobody else in, `workplace.py` holds what lasts from one page to the next,
`pages/` has a module for each page, `api.py` the same for programs. It all works with plain forms and links; the
scripts in `assets/` make it quicker.
"""
