"""Phrases of real captions of Open Images, weighted as they occur in 1,000 of them.

None of them holds the name of a boxable class, so that only planted names are mentions.
"""

OPENERS = (
    *("In this image we can see",) * 15,
    *("In this image I can see",) * 11,
    *("In this picture we can see",) * 6,
    *("In this image there is",) * 4,
    *("In this picture I can see",) * 3,
    *("In the center of the image there is",) * 2,
    *("In this picture there is",) * 2,
    "In the image we can see",
    "In the picture we can see",
    "This image consists of",
    "In the foreground of the picture there is",
    "Here we can see",
)

CONNECTORS = (
    "In the background there is",
    "In the background we can see",
    "In the background I can see",
    "In the background of the image there is",
    "On the right side there is",
    "On the left side of the image there is",
    "At the bottom there is",
    "At the top of the image there is",
    "In the middle of the image we can see",
    "In front of them there is",
    "Behind them there is",
    "Here we can see",
    "We can also see",
    "I can also see",
    "Beside it there is",
)

ADJECTIVES = ("black", "white", "pink", "blue", "green", "dark", "small", "big", "old")
"""Not red or brown: with panda and bear they are classes of their own."""

QUALIFIERS = (
    "on the left side",
    "on the right side",
    "in the middle",
    "which is in white color",
    "which is black in color",
    "on the ground",
    "in front of the wall",
    "at the corner",
)

FILLERS = (
    "the sky",
    "trees",
    "few people",
    "a wall",
    "some other objects",
    "the grass",
    "the ground",
    "a group of people",
    "the road",
    "few buildings",
    "lights",
    "clouds in the sky",
    "the water",
    "a fence",
    "some text",
    "poles",
)
"""Things without a class, and plurals, which are not mentions by default."""

ODDITIES = (
    "some text written as “OPEN”",
    "a board with the name Café Zoë",
    "a date written as 10–12",
    "some text which is in español",
    "a price of €5",
)
"""Rare characters as they occur in corrected captions."""
