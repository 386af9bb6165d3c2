"""Files brought from servers, buckets and disks: resumed, verified, and under their names at once.

`Downloader` brings one file from its addresses, from any number of threads; what becomes of it is a
value (`Outcome`). `FetchFiles` is that as a Beam transform, an element a file.
"""
