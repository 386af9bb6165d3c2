"""Labels of a release counted and judged row by row, with dictionaries."""

import collections
import math


def judge(rows):
    """What people said of each machine's label.

    Args:
      rows: (release, split, image, source, class, confidence) of all files.

    Returns:
      Verdicts (`correct`, `wrong`, `disputed` or None) by (release, image, class) of a machine.
    """
    said = collections.defaultdict(set)
    for release, _, image, source, label, confidence in rows:
        if source != "machine":
            said[release, image, label].add(confidence > 0)
    found = {}
    for release, _, image, source, label, _ in rows:
        if source == "machine":
            answers = said[release, image, label]
            one = {True: "correct", False: "wrong"}
            verdict = None if not answers else "disputed" if len(answers) > 1 else one[max(answers)]
            found[release, image, label] = verdict
    return found


def frequencies(rows):
    """(images, negatives) by (release, split or `all`, class, machine or human)."""
    has, denied = collections.defaultdict(set), collections.defaultdict(set)
    for release, split, image, source, label, confidence in rows:
        who = "machine" if source == "machine" else "human"
        told = denied if who == "human" and confidence == 0 else has
        for group in {"all", split} - {None}:
            told[release, group, label, who].add((split, image))
    keys = has.keys() | denied.keys()
    return {key: (len(has[key]), len(denied[key])) for key in keys}


def accuracy(rows):
    """(images, correct, wrong, disputed) by (release, class) of a machine's labels."""
    counted = collections.defaultdict(collections.Counter)
    for (release, _, label), verdict in judge(rows).items():
        counted[release, label][verdict] += 1
    return {
        key: (found.total(), found["correct"], found["wrong"], found["disputed"])
        for key, found in counted.items()
    }


def wilson(successes, trials, z=1.959963984540054):
    """The shares p at which (share - p)^2 = z^2 p (1 - p) / n: roots of a quadratic."""
    share = successes / trials
    a, b, c = 1 + z * z / trials, -(2 * share + z * z / trials), share * share
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
