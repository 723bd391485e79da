"""Arrays that lie in several places, and of which some rows do not count, read as one without being copied together."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from db.arrays import Ids

Kind = TypeVar("Kind", bound=np.generic)

NONE: Ids = np.empty(0, np.int64)

_FEW = 100  # omitted rows up to which what lies between them is copied faster than by a mask


class Omitting:
    """The rows of an array [n] without some of them, numbered anew from 0. omitted: int64, ascending, each once."""

    def __init__(self, rows: int, omitted: Ids = NONE) -> None:
        self._omitted = omitted
        self._rows = rows
        self._before = omitted - np.arange(len(omitted))  # how many rows are left before each

    def __len__(self) -> int:
        return self._rows - len(self._omitted)

    def places(self, numbers: Ids) -> Ids:
        """int64: where in the array these rows are."""
        places: Ids = numbers + np.searchsorted(self._before, numbers, side="right")
        return places

    def numbers(self, places: Ids) -> Ids:
        """int64: the same the other way round, for places that are not omitted."""
        numbers: Ids = places - np.searchsorted(self._omitted, places)
        return numbers

    def slice(self, array: npt.NDArray[Kind], start: int, stop: int) -> npt.NDArray[Kind]:
        """Some rows of the array: a view of it, unless there are omitted ones between them."""
        if stop <= start:
            return array[:0]
        first, last = self.places(np.array([start, stop - 1])).tolist()
        some = array[first : last + 1]
        if last - first == stop - 1 - start:
            return some
        between = self._omitted[np.searchsorted(self._omitted, first) : np.searchsorted(self._omitted, last)] - first
        if len(between) > _FEW:
            return np.delete(some, between)
        edges = [-1, *between.tolist(), len(some)]
        return np.concatenate([some[before + 1 : after] for before, after in pairwise(edges)])

    def spread(self, mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
        """bool[n]: the mask of all rows that is True where that of the numbered ones is (None: everywhere)."""
        if not len(self._omitted):
            return mask
        whole = np.ones(self._rows, np.bool_)
        whole[self._omitted] = False
        if mask is not None:
            whole[whole] = mask
        return whole


class Segments(Generic[Kind]):
    """Arrays [n] one behind the other, each without its omitted rows; read-only. A slice within one of them is a view
    of it, so that whoever goes over all in blocks copies next to nothing; anything else gives a new array, as of an
    array it would."""

    def __init__(self, pieces: Sequence[tuple[npt.NDArray[Kind], Omitting]]) -> None:
        """pieces: at least one, each with a row at least, all of one dtype."""
        self._pieces = tuple(pieces)
        self._starts = np.concatenate([[0], np.cumsum([len(left) for _, left in pieces])]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def dtype(self) -> np.dtype[Kind]:
        return self._pieces[0][0].dtype

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            return self._slice(start, stop) if step == 1 else np.asarray(self)[key]
        rows = np.asarray(key)
        if rows.dtype == np.bool_:
            if len(rows) != len(self):
                raise IndexError(f"a mask of {len(rows)} for {len(self)} numbers")
            rows = np.flatnonzero(rows)
        rows = np.where(rows < 0, rows + len(self), rows)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError("a place outside of the array")
        where = np.searchsorted(self._starts, rows, side="right") - 1
        found = np.empty(rows.shape, self.dtype)
        for number, (array, left) in enumerate(self._pieces):
            inside = where == number
            found[inside] = array[left.places(rows[inside] - self._starts[number])]
        return found[()]

    def _slice(self, start: int, stop: int) -> npt.NDArray[Kind]:
        some = []
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        for number in range(first, len(self._pieces)):
            begins = int(self._starts[number])
            if begins >= stop:
                break
            array, left = self._pieces[number]
            some.append(left.slice(array, max(start - begins, 0), min(stop - begins, len(left))))
        if len(some) == 1:
            return some[0]
        return np.concatenate(some) if some else self._pieces[0][0][:0]

    def _each(self) -> Iterator[npt.NDArray[Kind]]:
        for array, left in self._pieces:
            yield left.slice(array, 0, len(left))

    def _compared(self, compare: Callable[[npt.NDArray[Kind]], npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        return np.concatenate([left.slice(compare(array), 0, len(left)) for array, left in self._pieces])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.concatenate(list(self._each())).astype(dtype or self.dtype, copy=False)

    def __iter__(self) -> Iterator[Any]:
        for some in self._each():
            yield from some

    def __contains__(self, number: object) -> bool:
        return bool(self._compared(lambda array: np.asarray(array == number)).any())

    def __ge__(self, bound: Any) -> npt.NDArray[np.bool_]:
        return self._compared(lambda array: np.asarray(array >= bound))

    def copy(self) -> npt.NDArray[Kind]:
        """All of it as one array."""
        return np.asarray(self)

    def tolist(self) -> list[Any]:
        """As Python's numbers."""
        return [number for some in self._each() for number in some.tolist()]


def joined(pieces: Sequence[tuple[npt.NDArray[Kind], Omitting]]) -> Any:
    """The pieces as one: an array where all but one of them are empty and that one counts whole, else `Segments`."""
    some = [(array, left) for array, left in pieces if len(left)]
    if not some:
        return pieces[0][0][:0]
    (array, left), *others = some
    return array if not others and len(left) == len(array) else Segments(some)
