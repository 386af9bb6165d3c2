"""What a kernel over many mapped files needs and Python has no word for: bytes at an address.

The files of a table are as many arrays, of which a kernel cannot take a list at no cost; their
addresses are one array. Whoever uses them keeps the files mapped and sees to the bounds.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _load(builder: ir.IRBuilder, address: ir.Value, bits: int) -> ir.Value:
    pointer = builder.inttoptr(address, ir.IntType(bits).as_pointer())
    return builder.load(pointer, align=1)


@intrinsic
def byte_of(typing_context, address):
    """The byte at an address, as uint8."""

    def generate(context, builder, signature, arguments):
        return _load(builder, arguments[0], 8)

    return types.uint8(types.int64), generate


@intrinsic
def int32_of(typing_context, address):
    """The 4 bytes from an address on, as int32."""

    def generate(context, builder, signature, arguments):
        return _load(builder, arguments[0], 32)

    return types.int32(types.int64), generate


@intrinsic
def copy_bytes(typing_context, target, at, address, count):
    """Copies so many bytes from an address to `target[at:]`, an array of uint8."""

    def generate(context, builder, signature, arguments):
        array, at, address, count = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        source = builder.inttoptr(address, ir.IntType(8).as_pointer())
        cgutils.raw_memcpy(builder, builder.gep(data, [at]), source, count, 1)
        return context.get_dummy_value()

    return types.void(target, types.int64, types.int64, types.int64), generate
