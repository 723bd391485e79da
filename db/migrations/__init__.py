"""Alembic's scripts. Nothing here is imported unless a catalogue's user_version says that a migration is due."""
