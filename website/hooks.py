"""What `make docs` adds to the pages of docs/: files that they link to, and the docstrings.

MkDocs calls the functions named `on_…`; anything that is wrong is logged as a warning, which fails
a strict build.
"""

import logging
import pathlib
import posixpath
import re
from collections.abc import Iterator

from mkdocs.structure.files import File, Files

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("engines", "pipelines", "transforms")
FIRST_PAGES = ("tutorial", "cookbook", "tables", "exports", "operations", "schedules", "engines")
"""Pages of docs/ in the order of the navigation; what is not named here follows."""

_LINK = re.compile(r"""(!?\[[^\]]*\]\(|<img src=")([^)"\s#]+)(#[^)"\s]*)?([)"])""")
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*\bhref=["']?(?:https?:)?//""",
    re.I,
)
_log = logging.getLogger("mkdocs.hooks.website")


def on_config(config: dict) -> dict:
    """Lists the pages: README, those of docs/, the docstrings, the decisions."""
    stems = [path.stem for path in sorted((ROOT / "docs").glob("*.md"))]
    stems.sort(key=lambda stem: (*FIRST_PAGES, stem).index(stem))
    decisions = [f"decisions/{path.name}" for path in _decisions()]
    config["nav"] = [
        "index.md",
        *(f"{stem}.md" for stem in stems),
        {"Contributing": "CONTRIBUTING.md"},
        {"Changes": "CHANGELOG.md"},
        {"Modules": _modules_pages()},
        {"Decisions": ["decisions/README.md", *decisions]},
    ]
    return config


def _decisions() -> list[pathlib.Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def _modules_pages() -> list[dict[str, str]]:
    return [{package: f"modules/{package}.md"} for package in _packages()]


def _packages() -> dict[str, list[str]]:
    """Modules by the package whose page they are on, which is the one that holds them."""
    pages: dict[str, list[str]] = {}
    for top in PACKAGES:
        for path in sorted((ROOT / top).rglob("*.py")):
            *folders, name = path.relative_to(ROOT).with_suffix("").parts
            if not name.startswith("_") and (path.parent / "__init__.py").exists():
                pages.setdefault(".".join(folders), []).append(".".join([*folders, name]))
    return pages


def on_files(files: Files, config: dict) -> Files:
    """Adds README as the first page, the docstrings, and every file that a page links to."""
    _add(files, config, "index.md", _moved(_text("README.md"), "README.md", "index.md"))
    for package, modules in _packages().items():
        blocks = "".join(f"::: {module}\n\n" for module in modules)
        _add(files, config, f"modules/{package}.md", f"# {package}\n\n{blocks}")
    waiting = [file.src_uri for file in files if file.src_uri.endswith(".md")]
    waiting += ["../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md"]
    done = set()
    while waiting:
        origin = _origin(waiting.pop())
        if origin in done or not (ROOT / origin).is_file():
            continue
        done.add(origin)
        page = _page_of(origin)
        if files.get_file_from_path(page) is None and page != "index.md":
            _add(files, config, page, _source_page(origin, page))
        waiting += [f"../{target}" for target in _targets(origin)]
    return files


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Lets the links of a page of docs/ lead to what was added of other folders."""
    uri = page.file.src_uri
    return _moved(markdown, f"docs/{uri}", uri) if page.file.generated_by is None else markdown


def on_post_build(config: dict) -> None:
    """Warns of pages that would load something from the network."""
    for path in sorted(pathlib.Path(config["site_dir"]).rglob("*.html")):
        if found := _FETCHED.search(path.read_text(encoding="utf-8")):
            _log.warning("%s loads from the network: %s", path.name, found[0])


def _add(files: Files, config: dict, page: str, content: str) -> None:
    files.append(File.generated(config, page, content=content))


def _text(origin: str) -> str:
    return (ROOT / origin).read_text(encoding="utf-8")


def _origin(uri: str) -> str:
    """The path in the repository of a page of docs/."""
    return posixpath.normpath(posixpath.join("docs", uri))


def _page_of(origin: str) -> str:
    """The page of a file of the repository, by its path below docs/."""
    if origin == "README.md":
        return "index.md"
    if origin.startswith("docs/"):
        return origin.removeprefix("docs/")
    return origin if origin.endswith(".md") else f"{origin}.md"


def _source_page(origin: str, page: str) -> str:
    """A file of another folder as a page."""
    if origin.endswith(".md"):
        return _moved(_text(origin), origin, page)
    kind = {".py": "python", ".yaml": "yaml", ".xml": "xml"}.get(pathlib.Path(origin).suffix, "")
    return f"# `{origin}`\n\n````{kind}\n{_text(origin)}\n````\n"


def _targets(origin: str) -> Iterator[str]:
    if origin.endswith(".md"):
        for link in _LINK.finditer(_text(origin)):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(origin), link[2]))


def _moved(markdown: str, origin: str, page: str) -> str:
    """The text of a file with its links as they are from its page.

    Args:
      markdown: The text.
      origin: The file's path in the repository.
      page: Its page's path below docs/.
    """
    folder, here = posixpath.dirname(origin), posixpath.dirname(page) or "."

    def move(link: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        if ":" in link[2] or not (ROOT / target).is_file():
            if link[1].startswith("<"):
                _log.warning("%s shows %s, which is not there", origin, target)
            return link[0]  # MkDocs warns of other links that lead nowhere
        return f"{link[1]}{posixpath.relpath(_page_of(target), here)}{link[3] or ''}{link[4]}"

    return _LINK.sub(move, markdown)
