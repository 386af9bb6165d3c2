"""A Flink cluster on this machine: `python -m engines.flink up`, `run -- COMMAND`, `down`.

It needs Linux, Java and, where Beam's own job server cannot be downloaded, Maven.
"""
