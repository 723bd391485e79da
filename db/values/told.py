"""What is told as a kind with values: errors, and notices where nothing went wrong.

Both go up as they are; whoever shows them says what is to be done there (`cli.report.remedies`, `cli.report.wording`).
All kinds are a closed list: docs/notices.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class Told(Exception):  # noqa: N818 (a base, named after what its errors have in common)
    """Base of every error that a user may see.

    str(error): the cause in one sentence, with the remedy where anybody can follow it; it names no command and no
    option. kind: what went wrong, one of the class's `kinds`; values: what of, so that others can word it. It can be
    sent to another process.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    """Those of this class; the first one where none is named."""

    def __init_subclass__(cls, kinds: tuple[str, ...] = ()) -> None:
        """Without kinds of its own, a class has those of its base."""
        super().__init_subclass__()
        cls.kinds = kinds or cls.kinds

    def __init__(self, cause: str, kind: str = "", /, **values: object) -> None:
        super().__init__(cause)
        self.kind = kind or self.kinds[0]
        self.values: Mapping[str, Any] = values
        if self.kind not in self.kinds:
            raise ValueError(f"{type(self).__name__} has no kind {self.kind!r}")

    def __reduce__(self) -> tuple[Callable[..., "Told"], tuple[type["Told"], tuple[Any, ...], dict[str, Any]]]:
        """Subclasses take other arguments than the sentence, which is all that an exception keeps of them."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(of: type[Told], args: tuple[Any, ...], state: dict[str, Any]) -> Told:
    error = of.__new__(of, *args)
    error.__dict__.update(state)
    return error


@dataclass(frozen=True)
class Notice:
    """What a user should know though nothing went wrong: a kind and values. person: the number of whom in a statement
    it is on; 0: all of it."""

    kind: str
    values: Mapping[str, object] = field(default_factory=dict)
    person: int = 0
