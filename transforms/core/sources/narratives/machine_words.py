"""What a kernel that scans bytes needs and Python has no word for.

Indexing an array costs a look whether the index is negative, and a reference counted wherever the
array is passed on; and it yields one byte. A pointer costs neither, and whoever uses it sees to the
bounds.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WORD = 8
"""Bytes of a word."""

_BYTES = types.CPointer(types.uint8)


@intrinsic
def pointer_to(typing_context, data):
    """Where the bytes of an array lie; `pointer[at]` is one of them. Keep the array alive."""

    def generate(context, builder, signature, arguments):
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return _BYTES(data), generate


@intrinsic
def word_at(typing_context, pointer, at):
    """The 8 bytes from `pointer[at]` on, as uint64, the first one lowest (little-endian)."""

    def generate(context, builder, signature, arguments):
        address = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(address, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(_BYTES, types.int64), generate


@intrinsic
def trailing_zeros(typing_context, word):
    """How many of a word's lowest bits are 0, as int64; 64 where all are."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate
