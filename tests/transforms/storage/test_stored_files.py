"""Files as a listing has them, on this machine: links, and folders that somebody has left empty."""

import os

from transforms import storage


def test_links_of_one_content_are_known(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").write_bytes(b"123")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    a, b, c = storage.walk(str(tmp_path))
    assert a.identity == b.identity != c.identity
    assert [(file.path, file.names) for file in (a, b, c)] == [("a", 2), ("b", 2), ("c", 1)]
    storage.remove_files(str(tmp_path), [a])
    assert storage.walk(str(tmp_path))[0].names == 1 and (tmp_path / "link").is_symlink()


def test_a_link_to_a_folder_is_not_followed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_bytes(b"precious")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "link").symlink_to(tmp_path / "theirs")
    assert storage.walk(str(tmp_path / "ours")) == []
    storage.remove_empty(str(tmp_path / "ours"), 1e12, bool)
    assert (tmp_path / "ours" / "link" / "file").read_bytes() == b"precious"


def test_folders_that_are_empty_and_old_go(tmp_path):
    for name in ("old/below", "new", "full", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "full" / "file").write_bytes(b"")
    for name in ("old/below", "old", "other"):
        os.utime(tmp_path / name, (1000, 1000))
    storage.remove_empty(str(tmp_path), 2000.0, lambda name: name != "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "new", "other"]
    storage.remove_empty(str(tmp_path / "nothing"), 2000.0, bool)
