"""A compiled scanner of documents that are one JSON value: where each record begins and ends.

Records are the items of one list: the document itself, or the value of one key of it. The scanner
goes through a document once, in buffers of any size, and keeps nothing but its state: the kind of
every bracket that is open, and whether it is inside a string. It knows the structure of the
document (brackets, strings, commas between records), not the values; records are decoded by others,
strictly, and what is beside the list is not looked at any further.

It turns the list into lines, each byte in its place: the comma behind a record becomes a line end,
a line end within a record a space. So a document can be cut into units, and its records told apart,
by all that knows lines. A line end inside a string, where JSON allows none, becomes another
character that it does not allow.
"""

import numpy as np

from transforms.core.base.compiled import compiled, inlined

BEFORE, HEAD, WANTED, RECORDS, TAIL, AFTER = range(6)
"""Where the scanner is: before the value; in the object, before its key; behind the key; in the
list; in the object, behind the list; behind the value."""

(
    _PHASE, _DEPTH, _IN_STRING, _ESCAPED, _MATCHED, _IS_KEY, _IN_RECORD, _BEHIND_COMMA, _BASE,
    _FIRST, _LAST, _ERROR, _ERROR_AT,
) = range(13)  # fmt: skip
"""What the state consists of; positions are those of bytes of the document."""

MAX_DEPTH = 512
"""Brackets within each other; beyond that a document is refused."""

_MARK = np.frombuffer(b"\xef\xbb\xbf", np.uint8)
"""The mark with which a document in UTF-8 may begin."""

_PROBLEMS = (
    "",
    "a bracket closes what another kind has opened",
    "a comma without a record before or behind it",
    "brackets are nested more than 512 deep",
    "the value is neither an object nor a list as this format has it",
    "the value of `{key}` is no list",
    "the object has no list `{key}`",
    "the object has `{key}` twice",
    "something stands behind the value",
)
(
    _NONE, _MISMATCH, _NO_RECORD, _TOO_DEEP, _OTHER_ROOT, _NO_LIST, _NO_KEY, _TWICE, _BEHIND,
) = range(9)  # fmt: skip

_QUOTE, _COMMA, _COLON, _BACKSLASH = 34, 44, 58, 92
_SPACE, _NEWLINE, _RETURN, _TAB = 32, 10, 13, 9
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = 91, 93, 123, 125
_NOT_IN_STRINGS = 1


def _plain_bytes() -> np.ndarray:
    plain = np.full(256, 3, np.uint8)
    plain[[_QUOTE, _BACKSLASH, _NEWLINE]] &= 2
    plain[[_QUOTE, _NEWLINE, _OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT]] &= 1
    return plain


_PLAIN = _plain_bytes()
"""Bytes that change nothing: bit 0 in a string, bit 1 between the strings of a record."""


class BrokenDocument(ValueError):
    """A document that is not what its format says: a sentence with the byte."""


class Scanner:
    """Scans a document from its beginning, or from the beginning of one of its records.

    Args:
      key: Of the list of records in the document's object; None where the document is the list.
      at: The byte at which scanning begins: 0, or where a record begins.
    """

    def __init__(self, key: str | None, at: int = 0) -> None:
        self._key, self.at = key, at
        self._name = np.frombuffer((key or "").encode(), np.uint8)
        self._stack = np.zeros(MAX_DEPTH, np.uint8)
        self._state = np.zeros(13, np.int64)
        self._state[[_FIRST, _LAST]] = -1
        if at:
            depth = 1 if key is None else 2
            self._state[[_PHASE, _DEPTH, _BASE, _FIRST, _BEHIND_COMMA]] = (
                RECORDS,
                depth,
                depth,
                at,
                1,
            )
            self._stack[: depth - 1] = _OPEN_OBJECT
            self._stack[depth - 1] = _OPEN_LIST

    @property
    def first(self) -> int | None:
        """The byte behind the list's opening bracket, None before it is there."""
        return None if self._state[_FIRST] < 0 else int(self._state[_FIRST])

    @property
    def last(self) -> int | None:
        """The byte of the list's closing bracket, None before it is there."""
        return None if self._state[_LAST] < 0 else int(self._state[_LAST])

    def scan(self, data: np.ndarray) -> np.ndarray:
        """Scans the next bytes, and turns them into lines in place.

        Args:
          data: Shape `(n,)` uint8, writable.

        Returns:
          Shape `(n_found,)` int64: where in the document records begin, behind a comma.

        Raises:
          BrokenDocument: The structure is broken, with the byte.
        """
        found = _scan(data, self.at, self._state, self._stack, self._name, self._key is not None)
        self.at += len(data)
        if problem := int(self._state[_ERROR]):
            text = _PROBLEMS[problem].format(key=self._key)
            raise BrokenDocument(f"is corrupt at byte {int(self._state[_ERROR_AT]):,}: {text}")
        return found

    def finish(self) -> None:
        """Says that the document has ended.

        Raises:
          BrokenDocument: It has not, by its structure.
        """
        phase = int(self._state[_PHASE])
        if phase == BEFORE:
            raise BrokenDocument("is empty: it holds no JSON value")
        if phase != AFTER:
            raise BrokenDocument(
                f"is cut short at byte {self.at:,}: its JSON value does not end there"
            )


@compiled
def _scan(data, at, state, stack, key, has_key):
    size, count, found, i = len(data), 0, np.empty(16, np.int64), 0
    while True:
        i = _skip(data, i, size, state)
        if i == size:
            return found[:count]
        c, phase = data[i], state[_PHASE]
        if state[_IN_STRING]:
            _go_on_in_string(data, i, state, key)
        elif c == _SPACE or c == _NEWLINE or c == _RETURN or c == _TAB:
            if c == _NEWLINE and phase == RECORDS:
                data[i] = _SPACE
        elif phase == RECORDS and state[_DEPTH] == state[_BASE] and c == _COMMA:
            _end_record(state, state[_IN_RECORD])
            data[i] = _NEWLINE
            if count == len(found):
                found = _doubled(found)
            found[count] = at + i + 1
            count += 1
        elif phase == RECORDS and state[_DEPTH] == state[_BASE] and c == _CLOSE_LIST:
            _end_record(state, state[_IN_RECORD] or not state[_BEHIND_COMMA])
            state[_LAST] = at + i
            state[_DEPTH] -= 1
            state[_PHASE] = TAIL if has_key else AFTER
        elif phase == BEFORE:
            _begin(c, at + i, state, stack, has_key)
        elif phase == WANTED:
            _begin_list(c, at + i, state, stack)
        elif phase == AFTER:
            state[_ERROR] = _BEHIND
        else:
            _go_on(c, state, stack)
        if state[_ERROR]:
            state[_ERROR_AT] = at + i
            return found[:count]
        i += 1


@inlined
def _skip(data, i, size, state):
    """Goes on to a byte that may change something."""
    if state[_IN_STRING]:
        if state[_MATCHED] < 0 and not state[_ESCAPED]:
            while i < size and _PLAIN[data[i]] & 1:
                i += 1
    elif state[_IN_RECORD] and state[_DEPTH] > state[_BASE]:
        while i < size and _PLAIN[data[i]] & 2:
            i += 1
    return i


@inlined
def _go_on_in_string(data, i, state, key):
    c, matched = data[i], state[_MATCHED]
    if state[_ESCAPED]:
        state[_ESCAPED] = 0
    elif c == _BACKSLASH:
        state[_ESCAPED], state[_MATCHED] = 1, -1
    elif c == _QUOTE:
        state[_IN_STRING] = 0
        state[_IS_KEY] = matched == len(key)
    elif matched >= 0:
        is_same = matched < len(key) and key[matched] == c
        state[_MATCHED] = matched + 1 if is_same else -1
    if c == _NEWLINE and state[_PHASE] == RECORDS:
        data[i] = _NOT_IN_STRINGS


@inlined
def _end_record(state, is_right):
    if not is_right:
        state[_ERROR] = _NO_RECORD
    state[_IN_RECORD], state[_BEHIND_COMMA] = 0, 1


@compiled
def _doubled(found):
    longer = np.empty(2 * len(found), np.int64)
    longer[: len(found)] = found
    return longer


@inlined
def _begin(c, position, state, stack, has_key):
    if position < len(_MARK) and c == _MARK[position]:
        return
    if c != (_OPEN_OBJECT if has_key else _OPEN_LIST):
        state[_ERROR] = _OTHER_ROOT
        return
    if has_key:
        stack[0], state[_DEPTH], state[_PHASE] = c, 1, HEAD
    else:
        _open_records(c, position, state, stack, 1)


@inlined
def _begin_list(c, position, state, stack):
    if c != _OPEN_LIST:
        state[_ERROR] = _NO_LIST
        return
    _open_records(c, position, state, stack, 2)


@inlined
def _open_records(c, position, state, stack, depth):
    stack[depth - 1], state[_DEPTH], state[_BASE] = c, depth, depth
    state[_PHASE], state[_FIRST] = RECORDS, position + 1


@inlined
def _go_on(c, state, stack):
    """What is neither white space nor in a string, nor ends a record."""
    phase, depth = state[_PHASE], state[_DEPTH]
    state[_IN_RECORD] = phase == RECORDS
    if c == _QUOTE:
        state[_IN_STRING] = 1
        state[_MATCHED] = 0 if phase != RECORDS and depth == 1 else -1
    elif c == _OPEN_OBJECT or c == _OPEN_LIST:
        if depth == len(stack):
            state[_ERROR] = _TOO_DEEP
            return
        stack[depth] = c
        state[_DEPTH] = depth + 1
    elif c == _CLOSE_OBJECT or c == _CLOSE_LIST:
        _close(c, state, stack)
    elif c == _COLON and state[_IS_KEY] and depth == 1:
        if phase == TAIL:
            state[_ERROR] = _TWICE
        state[_PHASE] = WANTED
    state[_IS_KEY] = 0


@inlined
def _close(c, state, stack):
    phase, depth = state[_PHASE], state[_DEPTH]
    if stack[depth - 1] != c - 2 or (phase == RECORDS and depth == state[_BASE]):
        state[_ERROR] = _MISMATCH
    elif depth == 1 and phase == HEAD:
        state[_ERROR] = _NO_KEY
    elif depth == 1:
        state[_PHASE] = AFTER
    state[_DEPTH] = depth - 1
