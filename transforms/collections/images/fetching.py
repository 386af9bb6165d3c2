"""Fetching the images of a chunk: what is held is copied, what is not is asked for."""

import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transforms import storage
from transforms.collections.images.downloading import Downloader, Manners
from transforms.collections.images.held import Held
from transforms.collections.images.rows import Key
from transforms.core.model.chunk import Chunk
from transforms.core.stages.fetch.addresses import Address, address_of
from transforms.core.stages.fetch.frames import Frame
from transforms.core.stages.fetch.judging import Answer, Judged, Rules, expect, judge_answer
from transforms.core.stages.fetch.rows import Fetched, with_fetched, with_files
from transforms.core.stages.fetch.samples import picture_path

_THREADS = 32
_WRITERS = 8


@dataclasses.dataclass(frozen=True)
class FetchPlan:
    """How images are fetched.

    Attributes:
      size: `thumbnail` or `original`.
      fallback: Whether the original does where there is no thumbnail.
      rules: By what answers are judged.
      frame: In which boxes are wanted.
      manners: How servers are asked.
      output: The output folder.
      held: The folder of an earlier version of this job, None for none.
      with_final: Whether the final failures of that version count.
    """

    size: str
    fallback: bool
    rules: Rules
    frame: Frame
    manners: Manners
    output: str
    held: str | None = None
    with_final: bool = False


@functools.cache
def downloader_of(manners: Manners) -> Downloader:
    """The one of this process: its gates hold for all stages in it."""
    return Downloader(manners)


def make_fetch(plan: FetchPlan) -> Callable[[Chunk], Chunk]:
    """What fetches the images of chunks, on a worker."""
    held = Held(plan.held, plan.output, plan.with_final) if plan.held else None
    return functools.partial(fetch_images, plan, downloader_of(plan.manners), held)


def fetch_images(plan: FetchPlan, downloader: Downloader, held: Held | None, chunk: Chunk) -> Chunk:
    """A chunk with the images that were fetched and those that were not.

    Args:
      plan: How they are fetched.
      downloader: What asks servers.
      held: What an earlier version holds.
      chunk: With the images that are wanted.
    """
    rows = chunk["wanted"].to_pylist()
    known = held.answers([_key(row) for row in rows]) if held else {}
    fetch = functools.partial(_fetch, plan, downloader, known)
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        return with_fetched(chunk, list(pool.map(fetch, rows)), plan.frame)


def fetch_nothing(chunk: Chunk) -> Chunk:
    """A chunk of whose images none was fetched."""
    answer, judged = Answer("", attempts=0), Judged("cut", "nothing was asked for")
    fetched = [Fetched(row, None, answer, judged) for row in chunk["wanted"].to_pylist()]
    return with_fetched(chunk, fetched, Frame())


def _key(row: Mapping[str, Any]) -> Key:
    return row["dataset"], row["image_id"]


def _fetch(
    plan: FetchPlan,
    downloader: Downloader,
    known: Mapping[tuple[Key, str], Answer],
    row: Mapping[str, Any],
) -> Fetched:
    """Fetches one image."""
    address = address_of(row, plan.size, plan.fallback)
    if address is None:
        return Fetched(row, None, Answer("", attempts=0), _nowhere(plan, row))
    judge = functools.partial(_judge, plan, row, address)
    answer = known.get((_key(row), address.url))
    if answer is not None:
        judged = judge(answer)
        if answer.reason or not judged.reason:
            return Fetched(row, address, answer, judged)
    return Fetched(row, address, *downloader.fetch(address.url, judge))


def _judge(plan: FetchPlan, row: Mapping[str, Any], address: Address, answer: Answer) -> Judged:
    return judge_answer(answer, expect(row["image"], address.fetched_as), plan.rules)


def _nowhere(plan: FetchPlan, row: Mapping[str, Any]) -> Judged:
    has_image = bool(row["image"] and row["image"]["url"])
    text = (
        f"the list has no {plan.size} of it"
        if has_image
        else f"no list of images was joined that has it, and {row['dataset']} documents no pattern"
    )
    return Judged("no_address", text)


def store_pictures(output: str, chunk: Chunk) -> Chunk:
    """A chunk whose pictures are files below the output.

    A file that is there holds the same bytes: what its name is made of tells them.
    """
    pairs = zip(chunk["images"].to_pylist(), chunk["pictures"]["data"], strict=True)
    contents = [(picture_path(row), data.as_buffer()) for row, data in pairs]
    there = storage.existing([storage.join(output, path) for path, _ in contents])

    def store(content: tuple[str, Any]) -> str:
        path, data = content
        place = storage.join(output, path)
        if place not in there:
            storage.write_bytes(place, data.to_pybytes())
        return path

    with concurrent.futures.ThreadPoolExecutor(_WRITERS) as pool:
        files: Sequence[str] = list(pool.map(store, contents))
    folders = {path.rpartition("/")[0] for path in files}
    storage.sync_folders(storage.join(output, folder) for folder in sorted(folders))
    return with_files(chunk, files)
