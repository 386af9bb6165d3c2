"""Where an engine keeps the rows of an index between parsing and writing them."""

import contextlib
import tempfile
from collections.abc import Iterator

from pipelines.cli import stopping
from pipelines.cli.engines.runners import is_local
from pipelines.cli.engines.temporary import run_folder
from pipelines.cli.options import Options
from transforms import storage
from transforms.core.sources.index.waiting import InFiles, InShuffle, Waiting


@contextlib.contextmanager
def waiting_rows(options: Options, directory: str) -> Iterator[Waiting]:
    """On this machine files beside the index, gone when the block ends; elsewhere the shuffle.

    Files that a killed build has left go too.

    Args:
      options: They name the engine.
      directory: Where the index gets a folder. Beside one in a bucket there can be no files: then
        they are where this machine's temporary files are.
    """
    if not is_local(options):
        yield InShuffle()
        return
    parent = storage.temporary_parent(directory)
    storage.check_writable(parent)
    with contextlib.ExitStack() as left:
        with stopping.held():
            folder = left.enter_context(run_folder(tempfile.mkdtemp(dir=parent)))
        yield InFiles(folder)
