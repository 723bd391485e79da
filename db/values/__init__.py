"""Plain values that rows are made of, and that everything above works with. Nothing here knows of the database: these
modules import one another, the standard library and numpy, so that a description is read, a photo decoded and a face
cropped without SQLAlchemy."""
