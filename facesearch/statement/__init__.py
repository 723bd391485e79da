"""What a witness says, in whatever words: text -> `understand` -> Statement."""

from facesearch.statement.statement import Statement, understand

__all__ = ["Statement", "understand"]
