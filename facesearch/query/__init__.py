"""What is said of faces, in whatever words: text -> `understand` -> Statement -> `query` -> Query."""

from facesearch.errors import QueryError
from facesearch.query.description import Asked, Query
from facesearch.query.lexicon import words_for
from facesearch.query.statement import Statement, parse, understand

__all__ = ["Asked", "Query", "QueryError", "Statement", "parse", "understand", "words_for"]
