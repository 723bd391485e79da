"""The program of a worker process: it decodes, or processes whole files, until nobody asks any more, or it dies.

It reads requests from its standard input and answers on its standard output (`indexer.messages`). In the middle of a
request it may ask back: whether a content is to be processed, whether there is memory for so many pixels.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from facesearch.vision.decode import (
    DecodedPhoto,
    EncodedPhoto,
    Limits,
    PhotoError,
)
from indexer import messages
from indexer.claims import Admission, Admit
from indexer.failures import FailureReason
from indexer.items import RecognisedContent
from indexer.media import PhotoDecoder, PhotoFiles
from indexer.messages import Arrays, Head, NoMessageError
from indexer.photo_processor import PhotoProcessor
from indexer.ports import Budget, Decoder, Medium, Pictures, Processor

_BASE_MEMORY = 1 << 30
_MEMORY_A_PIXEL = 24  # bytes: 16-bit and transparent photos take sixteen


def photo_decoder(*, limits: Head) -> PhotoDecoder:
    """limits: the fields of `Limits`."""
    return PhotoDecoder(Limits(**limits))


def photo_processor(
    admit: Admit, budget: Budget, *, limits: Head, detector_model: str | None, look: str
) -> PhotoProcessor[EncodedPhoto]:
    """What `facesearch index` does with a file. limits: the fields of `Limits`; detector_model: a YuNet file, None for
    the one that comes with the program; look: as in `vision.detection.Look`."""
    from facesearch.vision.detection import Look, YuNet

    model = None if detector_model is None else Path(detector_model)
    known = Limits(**limits)
    return PhotoProcessor(
        PhotoFiles(known), PhotoDecoder(known), lambda: YuNet(model, Look(look)), admit=admit, budget=budget
    )


class Conversation:
    """The worker's end of the line."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers
        self._alarm = _Alarm()

    def next_request(self) -> tuple[Head, Arrays]:
        self._alarm.relax()
        request = messages.receive(self._requests)
        self._alarm.expect_within(self.seconds)
        return request

    seconds = 0.0
    """Within these an answer is expected; 0 for no matter when."""

    def answer(self, head: Head, arrays: Arrays | None = None) -> None:
        messages.send(self._answers, head, arrays or [])

    def ask(self, head: Head) -> Head:
        """Ask back."""
        self.answer(head)
        self._alarm.relax()  # the other side may wait for memory
        reply, _ = messages.receive(self._requests)
        self._alarm.expect_within(self.seconds + head.get("pixels", 0) / 1e6)
        return reply

    def admit(self, medium: Medium) -> Admission | RecognisedContent:
        """As `Admit`. Digests are made where the other side asks for them."""
        digests: dict[str, str] = {}
        while True:
            question = {"ask": "content", "sha256": medium.sha256, "size": medium.size, "digests": digests}
            reply = self.ask(question)
            if "digest" in reply:
                digests[reply["digest"]] = medium.digest(reply["digest"]).hex()
            elif "hash_set_id" in reply:
                return RecognisedContent(medium.sha256, medium.size, reply["hash_set_id"])
            else:
                return Admission(reply["admission"])

    @contextmanager
    def share(self) -> Iterator[Conversation]:
        """As in `PixelBudget.share`: the other side keeps the budget, and takes back what this request took."""
        yield self

    def take(self, pixels: int) -> None:
        self.ask({"ask": "pixels", "pixels": pixels})


class _Alarm:
    """Ends this process where it hangs and nobody is left to end it: whoever asks does so much earlier. It works
    without Python's lock."""

    def __init__(self) -> None:
        self._nowhere = open(os.devnull, "wb")  # noqa: PTH123, SIM115 (as long as the process)

    def expect_within(self, seconds: float) -> None:
        if seconds:
            faulthandler.dump_traceback_later(seconds * 3, exit=True, file=self._nowhere)

    def relax(self) -> None:
        faulthandler.cancel_dump_traceback_later()


class _DecodingWorker:
    """Decodes one photo at a time, picture by picture as it is asked for them."""

    def __init__(self, conversation: Conversation, decoder: Decoder[EncodedPhoto]) -> None:
        self._conversation = conversation
        self._decoder = decoder
        self._opened: Pictures | None = None
        self._pictures: Iterator[DecodedPhoto | tuple[int, PhotoError]] = iter(())

    def serve(self, request: Head, arrays: Arrays) -> None:
        do = {"open": self._open, "next": self._next, "picture": self._picture}[request["do"]]
        try:
            do(request, arrays)
        except PhotoError as error:
            self._conversation.answer({"error": messages.error_to_plain(error)})
        except MemoryError:
            full = PhotoError("not enough memory to decode the photo", retry=True)
            self._conversation.answer({"error": messages.error_to_plain(full)})
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            self._conversation.answer({"unforeseen": str(error) or type(error).__name__, "trace": trace})

    def _open(self, request: Head, arrays: Arrays) -> None:
        self._opened = None
        photo = EncodedPhoto(arrays[0].tobytes(), request["sha256"])
        _bound_memory(4 * photo.size)

        def admit(pixels: int) -> None:
            self._conversation.take(pixels)
            _bound_memory(4 * photo.size + pixels * _MEMORY_A_PIXEL)

        self._opened = self._decoder.open(photo, admit, unlimited=request["unlimited"])
        self._pictures = self._opened.pictures()
        self._conversation.answer(self._state())

    def _next(self, request: Head, arrays: Arrays) -> None:  # noqa: ARG002
        found = next(self._pictures, None)
        if found is None:
            self._conversation.answer({"end": True, **self._state()})
        elif isinstance(found, DecodedPhoto):
            self._show(found)
        else:
            page, error = found
            self._conversation.answer({"page": page, "broken": messages.error_to_plain(error), **self._state()})

    def _picture(self, request: Head, arrays: Arrays) -> None:  # noqa: ARG002
        assert self._opened is not None
        self._show(self._opened.picture(request["page"]))

    def _show(self, picture: DecodedPhoto) -> None:
        head, pixels = messages.picture_to_plain(picture)
        self._conversation.answer({"picture": head, **self._state()}, pixels)

    def _state(self) -> Head:
        assert self._opened is not None
        return {"pages": self._opened.pages, "unlooked": self._opened.unlooked}


class _ProcessingWorker:
    """Processes batches of files, and crops known faces again."""

    def __init__(self, conversation: Conversation, processor: Processor) -> None:
        self._conversation = conversation
        self._processor = processor

    def serve(self, request: Head, arrays: Arrays) -> None:  # noqa: ARG002
        if request["do"] == "crop":
            path = messages.text_to_path(request["path"])
            places = messages.plain_to_places(request["places"])
            crops = self._processor.crop_again(path, request["sha256"], places)
            if isinstance(crops, FailureReason):
                self._conversation.answer({"failure": messages.failure_to_plain(crops)})
            else:
                self._conversation.answer({"failure": None}, messages.crops_to_arrays(crops))
            return
        heads, every = [], []
        for place, path in enumerate(map(messages.text_to_path, request["paths"])):
            self._conversation.ask({"ask": "next", "place": place})  # a sign of life, and whose
            head, own = messages.result_to_plain(self._processor.process(path))
            heads.append({**head, "holds": len(own)})
            every += own
        self._conversation.answer({"results": heads}, every)


def main() -> None:
    """Serve whoever has started this process."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # a decoder that prints disturbs nobody
    _be_the_first_to_go()
    # Of damage that it decodes around, which this process is alone in hearing of.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    conversation = Conversation(requests, answers)
    with suppress(NoMessageError, OSError):
        setup, _ = conversation.next_request()
        _serve(conversation, setup)
    os._exit(0)  # whatever a decoder has left running


def _serve(conversation: Conversation, setup: Head) -> None:
    try:
        module, _, name = setup["factory"].partition(":")
        factory = getattr(importlib.import_module(module), name)
        worker: _DecodingWorker | _ProcessingWorker
        if setup["kind"] == "decoder":
            worker = _DecodingWorker(conversation, factory(**setup["arguments"]))
        else:
            worker = _ProcessingWorker(conversation, factory(conversation.admit, conversation, **setup["arguments"]))
    except Exception as error:
        conversation.answer({"broken": "".join(traceback.format_exception(error))})
        return
    conversation.answer({"ready": True})
    conversation.seconds = setup["seconds"]
    while True:
        worker.serve(*conversation.next_request())


def _be_the_first_to_go() -> None:
    """Where memory runs out, Linux ends this process before others."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("700", encoding="ascii")


def _bound_memory(wanted: int) -> None:
    """Refuse more address space than a photo can need. Linux only: elsewhere the limit does not hold, or cannot be
    told from what libraries reserve."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    own = getattr(_bound_memory, "own", 0)
    if not own:
        own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        setattr(_bound_memory, "own", own)  # noqa: B010
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = own + _BASE_MEMORY + wanted
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
