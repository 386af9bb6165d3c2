"""The job that downloads the images of a version."""
