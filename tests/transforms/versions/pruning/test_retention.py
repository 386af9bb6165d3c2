"""What is kept, against an oracle that asks of each thing by itself whether anybody needs it."""

import collections

from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.storage.files import StoredFile
from transforms.versions.pruning.retention import (
    Contents,
    Policy,
    RecordFacts,
    RunFacts,
    VersionFacts,
    files_of,
    freed_bytes,
    plan_prune,
)

NOW = 100.0
TIMES = st.integers(0, 100).map(float)
UNITS = [f"unit-{number}" for number in range(6)]
INDEXES = ["index-0", "index-1"]
NAMES = [f"version-{number}" for number in range(6)]


class Disk:
    """Contents with their names: what is linked, and what was written when."""

    def __init__(self):
        self.names = collections.Counter()
        self.sizes, self.times = {}, {}

    def write(self, path, size, time):
        self.names[path] += 1
        self.sizes[path], self.times[path] = size, time
        return path, path

    def link(self, path, other):
        self.names[other] += 1
        return path, other

    def files(self, links):
        return tuple(
            StoredFile(path, self.sizes[inode], self.times[inode], inode, self.names[inode])
            for path, inode in links
        )


@st.composite
def outputs(draw):
    """An output after some history, as a listing has it."""
    disk, links = Disk(), collections.defaultdict(list)
    for key in UNITS:
        if draw(st.booleans()):
            for name in ("record", "try/a"):
                path = f"units/{key}/{name}"
                links[key].append(disk.write(path, draw(st.integers(1, 9)), draw(TIMES)))
    versions = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        units = draw(st.frozensets(st.sampled_from(UNITS)))
        complete = draw(st.integers(0, 9)) > 0
        if complete:
            place = f"versions/{name}/manifest.json"
            links[name].append(disk.write(place, draw(st.integers(1, 9)), draw(TIMES)))
        for key in units:
            path = f"versions/{name}/{key}"
            if key in links and draw(st.booleans()):
                links[name].append(disk.link(path, links[key][1][1]))
            else:
                links[name].append(disk.write(path, draw(st.integers(1, 9)), draw(TIMES)))
        known = complete and draw(st.integers(0, 9)) > 0
        facts = (draw(TIMES), draw(st.none() | TIMES), complete, units if known else None)
        versions[name] = (*facts, draw(st.frozensets(st.sampled_from(INDEXES), max_size=1)))
    for name in [*INDEXES, "unfinished", "run-0", "run-1"]:
        links[name].append(disk.write(name, draw(st.integers(1, 9)), draw(TIMES)))
    for _ in range(draw(st.integers(0, 2))):  # somebody's own link, outside of all
        disk.names[draw(st.sampled_from(sorted(disk.names)))] += 1
    named = [*versions, "version-gone"]
    running = draw(st.lists(st.builds(
        RunFacts, TIMES, st.sampled_from([None, "", *named]), st.sampled_from([None, *named]),
        st.frozensets(st.sampled_from(UNITS)), st.frozensets(st.sampled_from(INDEXES))),
        max_size=1))  # fmt: skip
    return Contents(
        current=draw(st.sampled_from([None, *named])),
        pinned=draw(st.sampled_from([None, *named])),
        tagged=draw(st.frozensets(st.sampled_from(named), max_size=2)),
        versions={n: VersionFacts(*f, disk.files(links[n])) for n, f in versions.items()},
        units={key: disk.files(links[key]) for key in UNITS if key in links},
        indexes={name: disk.files(links[name]) for name in INDEXES},
        unfinished={"unfinished": disk.files(links["unfinished"])},
        records={
            run: RecordFacts(
                draw(TIMES), draw(st.sampled_from(["", *named])), disk.files(links[run])
            )
            for run in ("run-0", "run-1")
        },  # fmt: skip
        running=tuple(running),
    )


POLICIES = st.builds(Policy, st.none() | st.integers(0, 4), st.none() | TIMES, st.booleans(), TIMES)


def is_needed(name, contents, policy):
    """Whether somebody needs a version."""
    facts = contents.versions[name]
    if name in (contents.current, contents.pinned):
        return True
    if policy.keep_tagged and name in contents.tagged:
        return True
    for run in contents.running:
        if run.version is None or run.version == name or run.base == name:
            return True
    for time in (facts.made, facts.was_current):
        if time is None:
            continue
        if time >= NOW - policy.grace:
            return True
        if policy.keep_seconds is not None and time >= NOW - policy.keep_seconds:
            return True
    newer = 0
    for other, others in contents.versions.items():
        if others.complete and (others.made, other) > (facts.made, name):
            newer += 1
    return policy.keep_last is not None and facts.complete and newer < policy.keep_last


def users_of(kind, contents, policy):
    """What versions and runs use of units or indexes; None where it is not known of one."""
    used = set()
    for name, facts in contents.versions.items():
        if is_needed(name, contents, policy):
            if facts.units is None and facts.complete:
                return None
            used |= getattr(facts, kind) or set()
    for run in contents.running:
        used |= getattr(run, kind)
    return used


def is_old(files, contents, policy):
    limits = [NOW - policy.grace, *(run.begun for run in contents.running)]
    return all(file.modified < limit for file in files for limit in limits)


@settings(max_examples=200, deadline=None)
@given(outputs(), POLICIES)
def test_what_is_removed_is_what_nobody_needs(contents, policy):
    plan = plan_prune(contents, policy, NOW)
    needed = {name for name in contents.versions if is_needed(name, contents, policy)}
    assert plan.kept.keys() == needed
    assert plan.versions == contents.versions.keys() - needed
    for kind in ("units", "indexes"):
        used = users_of(kind, contents, policy)
        there = getattr(contents, kind)
        assert getattr(plan, kind) == {
            name
            for name, files in there.items()
            if used is not None and name not in used and is_old(files, contents, policy)
        }
    for run, record in contents.records.items():
        old = record.ended < NOW - max(policy.grace, policy.keep_seconds or 0)
        assert (run in plan.records) == (old and record.version not in needed)
    assert not (plan.unfinished and contents.running)


@settings(max_examples=100, deadline=None)
@given(outputs(), POLICIES)
def test_no_file_goes_that_somebody_needs_and_the_bytes_are_true(contents, policy):
    plan = plan_prune(contents, policy, NOW)
    gone = files_of(contents, plan)
    paths = {file.path for file in gone}
    assert len(paths) == len(gone)
    for name in plan.kept:
        assert not paths & {file.path for file in contents.versions[name].files}
        for key in contents.versions[name].units or ():
            assert not paths & {file.path for file in contents.units.get(key, ())}
    names, sizes = {}, {}
    for file in gone:  # as a disk counts links
        names.setdefault(file.identity, file.names)
        names[file.identity] -= 1
        sizes[file.identity] = file.size
    free = sum(size for inode, size in sizes.items() if names[inode] == 0)
    stay = sum(size for inode, size in sizes.items() if names[inode] > 0)
    assert freed_bytes(gone) == (free, stay)
    assert all(left >= 0 for left in names.values())


@settings(max_examples=100, deadline=None)
@given(outputs(), outputs(), POLICIES)
def test_what_was_not_written_down_is_not_removed(before, after, policy):
    """Between the first look and the second anything may have happened."""
    first, second = plan_prune(before, policy, NOW), plan_prune(after, policy, NOW)
    both = first.of_both(second)
    for kind in ("versions", "units", "indexes", "unfinished", "records"):
        assert getattr(both, kind) == getattr(first, kind) & getattr(second, kind)
    assert both.kept == second.kept


def test_both_names_of_a_file_free_its_bytes_once():
    disk = Disk()
    record = disk.write("units/u/record", 3, 1.0)
    unit = disk.write("units/u/try/a", 100, 1.0)
    link = disk.link("versions/v/a", "units/u/try/a")
    manifest = disk.write("versions/v/manifest.json", 7, 1.0)
    version = VersionFacts(1.0, None, True, frozenset(["u"]), frozenset(),
                           disk.files([manifest, link]))  # fmt: skip
    contents = Contents(None, None, frozenset(), {"v": version}, {"u": disk.files([record, unit])},
                        {}, {}, {}, ())  # fmt: skip
    plan = plan_prune(contents, Policy(0, None, True, 10.0), NOW)
    assert freed_bytes(files_of(contents, plan)) == (110, 0)
    assert freed_bytes(disk.files([manifest, link])) == (7, 100)
    assert freed_bytes(disk.files([record, unit])) == (3, 100)
