"""Several catalogues, such as those of stations or of cases, that are asked as one.

Each is searched by itself, and keeps a row of its own in its audit log; the hits are merged into the one order of a
search, equal ones in the order in which the catalogues are named and then by face id. All have to be scored by one
checkpoint: scores of two networks cannot be compared. A catalogue that cannot be searched is named in the result.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from db import models
from db.catalogue import Catalogue, open_catalogue
from db.errors import CatalogueError
from db.paths import AnyPath, absolute, as_path
from facesearch.cases.keeping import is_kept_here, keep
from facesearch.custody.audit import log_result
from facesearch.custody.policy import asked_attributes, permit, policy_of
from facesearch.errors import FacesearchError, NothingIndexed, Notice, RequestError
from facesearch.search import description, similar
from facesearch.search.face import FaceReport, report_face
from facesearch.search.hits import ON_ALL_HITS, FilterStep, Hit, Searched, SearchResult, ids_and_scores, shown_by
from facesearch.search.request import Request, catalogue_name
from facesearch.search.similar import IndexedFace, PhotoFace, ProbeFace, indexed_faces

Place = tuple[float, ...]
"""By what a hit stands where it stands: the least first."""


@dataclass(frozen=True, slots=True)
class FaceReference:
    """A face as people name it: its number, and in which catalogue; "" where that is plain."""

    number: int
    catalogue: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of "25" or "b.db:25". Raises RequestError ("no face")."""
        catalogue, _, number = text.strip().rpartition(":")
        try:
            return cls(int(number), catalogue)
        except ValueError:
            raise RequestError("no face", {"text": text}) from None

    def __str__(self) -> str:
        return f"{self.catalogue}:{self.number}" if self.catalogue else str(self.number)


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One of them. path: absolute. catalogue: open; None where it could not be opened, and why (`problem`)."""

    path: Path
    catalogue: Catalogue | None
    problem: CatalogueError | None = None


class Catalogues:
    """One open catalogue or several, in the order in which they were named, each once. Made by `open_all`; use it as a
    context manager or call `close`."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Absolute."""
        return tuple(each.path for each in self.members)

    @property
    def opened(self) -> tuple[Catalogue, ...]:
        """Those that could be opened."""
        return tuple(each.catalogue for each in self.members if each.catalogue is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """As a request names them."""
        return tuple(map(catalogue_name, self.paths))

    @property
    def only(self) -> Catalogue | None:
        """The one, where no other is named."""
        return self.opened[0] if len(self.members) == 1 else None

    def holding(self, face: FaceReference) -> Catalogue:
        """The catalogue in which this face is. Raises RequestError ("which catalogue", "other catalogue"), and
        CatalogueErrors where it could not be opened."""
        if not face.catalogue:
            if self.only is None:
                raise RequestError("which catalogue", {"face": face.number, "catalogues": [*self._labels.values()]})
            return self.only
        wanted = os.path.realpath(os.path.expanduser(face.catalogue))  # noqa: PTH111 (raises where there is no home)
        for each in self.members:
            if self._labels[each.path] == face.catalogue or os.path.realpath(each.path) == wanted:
                if each.problem is not None:
                    raise each.problem
                assert each.catalogue is not None
                return each.catalogue
        raise RequestError("other catalogue", {"catalogue": face.catalogue, "catalogues": [*self._labels.values()]})

    @property
    def _labels(self) -> Mapping[Path, str]:
        return labels(self.paths)

    def close(self) -> None:
        """Let go of all files."""
        for each in self.opened:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def labels(paths: Sequence[Path]) -> dict[Path, str]:
    """What catalogues are called where there is little room: the names of their files, where no two have the same."""
    names = [path.name for path in paths]
    return {path: path.name if names.count(path.name) == 1 else str(path) for path in paths}


def open_all(paths: Sequence[AnyPath]) -> Catalogues:
    """Open these catalogues; one that is named twice counts once. Raises CatalogueError where none can be opened."""
    distinct = {os.path.realpath(each): each for each in reversed([as_path(absolute(path)) for path in paths])}
    members: list[Member] = []
    with ExitStack() as stack:
        for path in reversed(distinct.values()):
            try:
                members.append(Member(path, stack.enter_context(open_catalogue(path))))
            except CatalogueError as problem:
                members.append(Member(path, None, problem))
        problems = [each.problem for each in members if each.problem is not None]
        if len(problems) == len(members):
            raise problems[0]
        stack.pop_all()
    return Catalogues(members)


def check_networks(among: Catalogues) -> None:
    """Raises RequestError ("several networks") where they are not scored by the same one; a catalogue without any face
    goes with each."""
    networks: list[tuple[str, str]] = []
    for each in among.opened:
        with each.read() as session:
            serving = models.serving(session)
        if serving is not None:
            networks.append((str(each.path), serving[1].short))
    if len({network for _, network in networks}) > 1:
        raise RequestError("several networks", {"networks": networks})


def search(among: Catalogues, request: Request, *, top: int | None = 20, count_fitting: bool = False) -> SearchResult:
    """As `description.search`, in all of them. `SearchResult.several` says what became of each.

    Raises as that does, CatalogueErrors where none can be searched.
    """
    if among.only is not None:
        return description.search(among.only, request, top=top, count_fitting=count_fitting)
    for each in among.opened:
        permit(each, attributes=asked_attributes(request))
    result = _merged(
        among,
        request,
        top,
        lambda catalogue, own: description.find(
            catalogue, own, top=top, count_fitting=count_fitting or is_kept_here(catalogue) is not None
        ),
        lambda found: description.places(request, found),
    )
    notices = description.notices_on(request.query, result.hits, result.without, result.best)
    return _logged(among, replace(result, notices=(*result.notices, *notices)), "search", request)


def similar_faces(
    among: Catalogues, probes: Sequence[ProbeFace], request: Request | None = None, *, top: int | None = 20
) -> SearchResult:
    """As `similar.similar`, in all of them: a face of one catalogue is looked for in all."""
    if among.only is not None:
        return similar.similar(among.only, probes, request, top=top)
    anywhere = [_anywhere(each) for each in probes]
    request = replace(request or Request(), like=similar.like(anywhere))
    for each in among.opened:
        permit(each, similar=True, attributes=asked_attributes(request))
    result = _merged(
        among,
        request,
        top,
        lambda catalogue, own: similar.nearest(catalogue, anywhere, own, top=top),
        lambda found: [(-hit.score,) for hit in found.hits],
    )
    return _logged(among, result, "similar", request, np.stack([each.logits for each in probes]))


def faces_of(among: Catalogues, references: Sequence[FaceReference]) -> list[IndexedFace]:
    """Indexed faces, each once, as `similar.indexed_faces`."""
    found: list[IndexedFace] = []
    for each in dict.fromkeys(references):
        found += indexed_faces(among.holding(each), [each.number])
    return found


def report_face_of(among: Catalogues, face: FaceReference, *, nearest: int = 5) -> FaceReport:
    """As `report_face`, with the nearest faces of the face's own catalogue."""
    return report_face(among.holding(face), face.number, nearest=nearest)


def _anywhere(probe: ProbeFace) -> PhotoFace:
    """The face by its photo's content, as every catalogue may hold it: numbers mean something in one of them alone."""
    if isinstance(probe, PhotoFace):
        return probe
    return PhotoFace(probe.logits, probe.model, probe.sha256, probe.box, probe.page, str(probe.details.path))


def _merged(
    among: Catalogues,
    request: Request,
    top: int | None,
    ask: Callable[[Catalogue, Request], SearchResult],
    places: Callable[[SearchResult], Sequence[Place]],
) -> SearchResult:
    """What all of them give together; not logged."""
    if request.catalogues and set(request.catalogues) != set(among.names):
        raise RequestError("another catalogue", {"asked": request.catalogues, "open": ", ".join(among.names)})
    check_networks(among)
    searched: list[Searched] = []
    problems: list[CatalogueError | FacesearchError] = []
    ranked: list[tuple[Place, int, int, Hit]] = []
    for number, member in enumerate(among.members):
        if member.catalogue is None:
            assert member.problem is not None
            searched.append(Searched(member.path, None, member.problem))
            problems.append(member.problem)
            continue
        try:
            found = ask(member.catalogue, replace(request, catalogues=(catalogue_name(member.path),)))
        except NothingIndexed as problem:
            searched.append(Searched(member.path, None, problem, is_empty=True))
            problems.append(problem)
            continue
        except CatalogueError as problem:
            searched.append(Searched(member.path, None, problem))
            problems.append(problem)
            continue
        searched.append(Searched(member.path, found))
        for place, hit in zip(places(found), found.hits, strict=True):
            ranked.append((place, number, hit.face.face, replace(hit, catalogue=member.path)))
    results = [each.result for each in searched if each.result is not None]
    if not results:
        raise problems[0]
    ranked.sort(key=lambda each: each[:3])
    chosen = [hit for *_, hit in ranked[:top]]
    hits = tuple(replace(hit, rank=rank) for rank, hit in enumerate(chosen, 1))
    several = tuple(
        each
        if each.result is None
        else replace(each, result=replace(each.result, hits=tuple(hit for hit in hits if hit.catalogue == each.path)))
        for each in searched
    )
    return _sum(hits, results, several)


def _sum(hits: tuple[Hit, ...], results: Sequence[SearchResult], several: tuple[Searched, ...]) -> SearchResult:
    first = results[0]
    names = labels([each.path for each in several])
    told = {each.path: _on_its_own(each.result) for each in several if each.result is not None}
    shared = [each for each in _on_its_own(first) if all(each in notices for notices in told.values())]
    own = [
        Notice("in catalogue", {"catalogue": names[path], "notice": each})
        for path, notices in told.items()
        for each in notices
        if each not in shared
    ]
    return SearchResult(
        hits,
        sum(each.faces for each in results),
        sum(each.below_detection for each in results),
        sum(each.unscored for each in results),
        first.model,
        filter_steps=tuple(_summed_steps(results)),
        best=max((each.best for each in results if each.best is not None), default=None),
        expected=None if first.expected is None else sum(each.expected or 0.0 for each in results),
        notices=(*shared, *own),
        musts=first.musts,
        behind=sum(each.behind for each in results),
        said=first.said,
        without=description.summed(results),
        fitting=_summed_counts([each.fitting for each in results]),
        several=several,
    )


def _on_its_own(result: SearchResult) -> list[Notice]:
    """What is said of one catalogue's result that does not have to be said of all hits together."""
    return [each for each in result.notices if each.kind not in ON_ALL_HITS]


def _summed_counts(counts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """() where one of them counted nothing."""
    return tuple(map(sum, zip(*counts, strict=True))) if all(counts) else ()


def _summed_steps(results: Sequence[SearchResult]) -> Iterator[FilterStep]:
    for steps in zip(*(each.filter_steps for each in results), strict=True):
        yield replace(steps[0], left=sum(each.left for each in steps), left_out=sum(each.left_out for each in steps))


def _logged(
    among: Catalogues, result: SearchResult, kind: str, request: Request, probes: NDArray[np.float32] | None = None
) -> SearchResult:
    """Logged and kept in each catalogue with those of the shown faces that are its own, under the digest of the
    whole."""
    request = replace(request, catalogues=among.names)
    several: list[Searched] = []
    policies = {each.path: policy_of(each) for each in among.opened}
    for member, each in zip(among.members, result.several, strict=True):
        if each.result is None or member.catalogue is None:
            several.append(each)
            continue
        own = each.result
        policy = policies[member.path]
        row = log_result(member.catalogue, kind, request, own.model.digest, ids_and_scores(own.hits), policy)
        own = replace(own, logged=row)
        kept = keep(member.catalogue, kind, replace(request, catalogues=(catalogue_name(member.path),)), own, probes)
        several.append(replace(each, result=replace(own, hits=shown_by(policy, own.hits), kept=kept)))
    hits = tuple(shown_by(policies[hit.catalogue], [hit])[0] for hit in result.hits if hit.catalogue is not None)
    return replace(result, hits=hits, several=tuple(several))
