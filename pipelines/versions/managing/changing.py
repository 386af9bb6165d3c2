"""`rollback`, `release`, `unpin`, `tag`, `untag`: which version is current, pinned, tagged."""

from pipelines.versions.options import OutputOptions, TagOptions, UntagOptions, VersionOptions
from pipelines.versions.printing import say
from transforms.versions import pointing
from transforms.versions.survey import read_survey


def roll_back(options: VersionOptions) -> int:
    """Makes an older version current, and pins it."""
    survey = read_survey(options.output)
    version = survey.find(options.id)
    message = pointing.roll_back(survey, version)
    say(options.format, message, version=version.name, pinned=True)
    return 0


def release(options: VersionOptions) -> int:
    """Makes a version current that was held back."""
    survey = read_survey(options.output)
    version = survey.find(options.id)
    message = pointing.release(survey, version)
    say(options.format, message, version=version.name)
    return 0


def unpin(options: OutputOptions) -> int:
    """Lets runs publish again."""
    say(options.format, pointing.unpin(options.output), pinned=False)
    return 0


def add_tag(options: TagOptions) -> int:
    """Gives a version a tag."""
    survey = read_survey(options.output)
    version = survey.find(options.id)
    message = pointing.add_tag(survey, version, options.name)
    say(options.format, message, version=version.name, tag=options.name)
    return 0


def remove_tag(options: UntagOptions) -> int:
    """Takes a tag away."""
    say(options.format, pointing.remove_tag(read_survey(options.output), options.name))
    return 0
