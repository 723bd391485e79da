"""One module per schema version, numbered; the number is the catalogue's user_version after it."""
