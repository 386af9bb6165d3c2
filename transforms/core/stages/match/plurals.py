"""English plurals of class names.

Regular rules and a table of exceptions, complete for the 601 boxable classes of Open Images and
the 80 of COCO (tests/data/plurals.tsv has the plurals of all of them) and for the common irregular
nouns of other class files.
"""

import re

_IRREGULAR = {
    "axis": ("axes",),
    "buffalo": ("buffaloes", "buffalos"),
    "cactus": ("cacti", "cactuses"),
    "calf": ("calves",),
    "child": ("children",),
    "die": ("dice",),
    "domino": ("dominoes", "dominos"),
    "dormouse": ("dormice",),
    "dwarf": ("dwarfs", "dwarves"),
    "echo": ("echoes",),
    "elf": ("elves",),
    "flamingo": ("flamingos", "flamingoes"),
    "foot": ("feet",),
    "fungus": ("fungi",),
    "goose": ("geese",),
    "grandchild": ("grandchildren",),
    "half": ("halves",),
    "hero": ("heroes",),
    "hippopotamus": ("hippopotamuses", "hippopotami"),
    "hoof": ("hooves", "hoofs"),
    "bookshelf": ("bookshelves",),
    "housewife": ("housewives",),
    "jackknife": ("jackknives",),
    "knife": ("knives",),
    "larva": ("larvae",),
    "leaf": ("leaves",),
    "life": ("lives",),
    "loaf": ("loaves",),
    "louse": ("lice",),
    "mango": ("mangoes", "mangos"),
    "midwife": ("midwives",),
    "mosquito": ("mosquitoes", "mosquitos"),
    "mouse": ("mice",),
    "octopus": ("octopuses", "octopi"),
    "ox": ("oxen",),
    "penknife": ("penknives",),
    "person": ("people", "persons"),
    "potato": ("potatoes",),
    "quiz": ("quizzes",),
    "rhinoceros": ("rhinoceroses",),
    "scarf": ("scarves", "scarfs"),
    "self": ("selves",),
    "sheaf": ("sheaves",),
    "shelf": ("shelves",),
    "stomach": ("stomachs",),
    "thief": ("thieves",),
    "tomato": ("tomatoes",),
    "tooth": ("teeth",),
    "tornado": ("tornadoes", "tornados"),
    "torpedo": ("torpedoes",),
    "volcano": ("volcanoes", "volcanos"),
    "werewolf": ("werewolves",),
    "wharf": ("wharves", "wharfs"),
    "wife": ("wives",),
    "wolf": ("wolves",),
    "zucchini": ("zucchinis",),
}
"""Plurals of single words; of compounds, those of their last word."""

_NOT_MEN = {"caiman", "cayman", "german", "human", "norman", "ottoman", "roman", "shaman",
            "talisman", "walkman"}  # fmt: skip
"""Words that end as `woman` does and are no compounds of `man`."""

_NO_PLURAL = {
    # already plural
    "bags", "binoculars", "butterflies", "chopsticks", "clothes", "cosmetics", "dice", "drawers",
    "earrings", "fries", "glasses", "goggles", "goods", "headphones", "heels", "invertebrates",
    "jeans", "maracas", "pajamas", "pants", "people", "scissors", "shakers", "shorts", "skates",
    "skis", "sockets", "stairs", "sunglasses", "supplies", "tights", "tongs", "trousers",
    # the same in singular and plural
    "aircraft", "cattle", "deer", "hovercraft", "series", "sheep", "spacecraft", "species",
    "watercraft",
    # uncountable
    "asparagus", "broccoli", "cabinetry", "care", "clothing", "cutlery", "equipment", "footwear",
    "furniture", "guacamole", "jewelry", "kitchenware", "luggage", "popcorn", "seafood", "sushi",
    "swimwear", "tableware", "underwear",
}  # fmt: skip

_PHRASES = {"bow and arrow": ("bows and arrows",)}
"""Names of which more than one word takes the plural."""


def plural_forms(name: str) -> list[str]:
    """Plurals of a spoken name in lower case; none where it is plural itself or uncountable.

    A name's last word takes the plural, or the one before `of` (chests of drawers).

    >>> plural_forms("Chest of drawers"), plural_forms("Woman"), plural_forms("Scissors")
    (['chests of drawers'], ['women'], [])
    """
    name = name.lower()
    if name in _PHRASES:
        return list(_PHRASES[name])
    head, of, rest = name.partition(" of ")
    found = re.search(r"\w+$", head)
    if found is None:
        return []
    return [f"{head[: found.start()]}{form}{of}{rest}" for form in _plurals_of_word(found[0])]


def _plurals_of_word(word: str) -> tuple[str, ...]:
    if word in _NO_PLURAL:
        return ()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("man") and word not in _NOT_MEN:
        return (f"{word[:-2]}en",)
    if re.search(r"[^aeiou]y$", word):
        return (f"{word[:-1]}ies",)
    if re.search(r"(s|x|z|ch|sh)$", word):
        return (f"{word}es",)
    return (f"{word}s",)
