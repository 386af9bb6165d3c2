"""Text as it comes, and as it should not come: what hypothesis draws captions and names from."""

from hypothesis import strategies as st

SPACES = " \t\u00a0\x1c\x1d\x1e\x1f\x0b\u2003\u3000\u0085"
"""White space in Unicode's and Python's sense; the separators \\x1c to \\x1f are easily missed."""

MARKS = ".,-!?\"'()…“”«»+$€^`|~_&©"
"""Punctuation (P*) and symbols (S*)."""

ODD = "ßẞİıſKéÉﬁΣςσµμǅŉ٣²Ⅷ中あ😀𝒜\u0301\u200d\u00ad\x00\ufb03½"
"""Letters that fold to several, ligatures, digits, combining and invisible marks, astral ones."""

nasty_text = st.text(
    st.one_of(
        st.sampled_from("abcABC "),
        st.sampled_from(SPACES),
        st.sampled_from(MARKS),
        st.sampled_from(ODD),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)
"""A caption or name that tries what Unicode has; no lone surrogates, which UTF-8 cannot hold."""

plain_word = st.text("abc", min_size=1, max_size=3)
plain_text = st.lists(plain_word, max_size=6).map(" ".join)
"""Few letters, so that words often are equal or near to each other."""
