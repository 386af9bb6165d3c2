"""Runs a staged graph in this process, which has never built it: `dataflow_worker.py GRAPH`.

Only what Dataflow would install on a worker is needed: the staged package and its dependencies.
The graph is taken as it is, but for its environments: containers become this process.
"""

import sys

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from transforms import storage


def main(path: str) -> None:
    """Runs the graph that is staged at a path."""
    graph = beam_runner_api_pb2.Pipeline.FromString(storage.read_bytes(path))
    for environment in graph.components.environments.values():
        environment.urn = python_urns.EMBEDDED_PYTHON
        environment.payload = b""
        del environment.dependencies[:]
    FnApiRunner().run_via_runner_api(graph, PipelineOptions([])).wait_until_finish()


if __name__ == "__main__":
    main(sys.argv[1])
