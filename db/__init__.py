"""Storage: SQLite through SQLAlchemy, and the files derived from it. Knows rows, bytes and generations, no networks."""
