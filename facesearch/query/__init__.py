"""The language in which faces are described: text -> `parse` -> Query."""

from facesearch.errors import QueryError
from facesearch.query.description import Asked, Query
from facesearch.query.parser import parse
from facesearch.query.vocabulary import words_for

__all__ = ["Asked", "Query", "QueryError", "parse", "words_for"]
