#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second, independent model of core's arithmetic, for the known answers in test/vectors.

It shares nothing with the C code: polynomials are Python integers, products are taken bit by bit,
tags are evaluated as the plain sum of doc/protocol.md ("Tags"), and shares by solving for the
polynomial's coefficients instead of by Lagrange's formula.

    model.py --write DIR    writes the vector files into DIR
    model.py --check DIR    recomputes every answer in DIR and speaks TAP
"""
import functools
import hashlib
import os
import sys

GF256_MODULUS = 0x11B
GF128_MODULUS = (1 << 128) | (1 << 7) | (1 << 2) | (1 << 1) | 1


def multiply(a, b, modulus):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        b >>= 1
    for bit in range(product.bit_length() - 1, modulus.bit_length() - 2, -1):
        if product >> bit & 1:
            product ^= modulus << (bit - modulus.bit_length() + 1)
    return product


def power(a, exponent, modulus):
    result = 1
    for _ in range(exponent):
        result = multiply(result, a, modulus)
    return result


def mul128(a, b):
    return multiply(a, b, GF128_MODULUS)


def mul256(a, b):
    return multiply(a, b, GF256_MODULUS)


# Bit i of byte j is the coefficient of x^(8j+i): the little-endian integer.
def element(data):
    return int.from_bytes(data, "little")


def encode(value):
    return value.to_bytes(16, "little")


def blocks(message):
    padded = message + bytes(-len(message) % 16)
    cut = [element(padded[i:i + 16]) for i in range(0, len(padded), 16)]
    return cut + [8 * len(message)]


def multiples(c):
    """c times each byte at each of the 16 places: a product is the sum of sixteen."""
    return [[mul128(byte << 8 * place, c) for byte in range(256)] for place in range(16)]


def long_message_tag(key, message):
    """The same by Horner's rule, for messages of which the plain sum would take minutes."""
    tables, total = multiples(element(key[:16])), 0
    for y in reversed(list(blocks(message))):
        total = functools.reduce(int.__xor__, map(list.__getitem__, tables, (total ^ y).to_bytes(16, "little")))
    return encode(total ^ element(key[16:]))


def message_tag(key, message):
    if len(message) > 65536:
        return long_message_tag(key, message)
    c, d = element(key[:16]), element(key[16:])
    tag, c_power = d, 1
    for y in blocks(message):
        c_power = mul128(c_power, c)
        tag ^= mul128(c_power, y)
    return encode(tag)


def key_tag(u, key):
    c, d, e = element(u[:16]), element(u[16:32]), element(u[32:])
    tag, c_power = d ^ mul128(c, e), c
    for y in blocks(key):
        c_power = mul128(c_power, c)
        tag ^= mul128(c_power, y)
    return encode(tag)


def inverse256(a):
    return next(b for b in range(256) if mul256(a, b) == 1)


def solve(points, k):
    """Coefficients of the polynomial of degree below k through k points, by elimination."""
    rows = [[power(x, j, GF256_MODULUS) for j in range(k)] + [y] for x, y in points]
    for column in range(k):
        pivot = next(r for r in range(column, k) if rows[r][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = inverse256(rows[column][column])
        rows[column] = [mul256(scale, v) for v in rows[column]]
        for r in range(k):
            if r != column and rows[r][column]:
                factor = rows[r][column]
                rows[r] = [v ^ mul256(factor, w) for v, w in zip(rows[r], rows[column])]
    return [row[k] for row in rows]


def shamir_at(known, wanted_x, length):
    """known: {x: bytes}; the bytes at wanted_x."""
    out = bytearray()
    for i in range(length):
        a = solve([(x, data[i]) for x, data in known.items()], len(known))
        value = 0
        for j, coefficient in enumerate(a):
            value ^= mul256(coefficient, power(wanted_x, j, GF256_MODULUS))
        out.append(value)
    return bytes(out)


def stream(label, length):
    """Inputs that look random and can be made again: SHAKE-256 of a label."""
    return hashlib.shake_256(("dske core vectors: " + label).encode()).digest(length)


ORIGIN = """\
# SPDX-License-Identifier: Apache-2.0
# Origin: test/spec/model.py --write, an independent model in Python; make check runs it with --check.
# Inputs are SHAKE-256 of a label, and the edges.  Hexadecimal; '-' is the empty string.
"""

TAG_LENGTHS = [0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 112, 127, 128, 129, 240, 255, 256,
               257, 300, 1024, 1031]
EDGES = [bytes(16), encode(1), encode(2), encode(1 << 63), encode(1 << 64), encode(1 << 127), b"\xff" * 16]


def gf128_rows():
    elements = EDGES + [stream(f"gf128 {i}", 16) for i in range(9)]
    for a in elements:
        for b in elements:
            yield [a, b, encode(mul128(element(a), element(b)))]


def tag_rows(compute, key_len, name):
    for length in TAG_LENGTHS:
        key, message = stream(f"{name} key {length}", key_len), stream(f"{name} message {length}", length)
        yield [key, message, compute(key, message)]
    for c in EDGES:
        key = c + stream(f"{name} edge", key_len - 16)
        for message in (bytes(40), b"\xff" * 40):
            yield [key, message, compute(key, message)]
    yield [b"\xff" * key_len, b"\xff" * 31, compute(b"\xff" * key_len, b"\xff" * 31)]


SHAMIR_SHAPES = [(1, 1), (2, 1), (2, 2), (3, 2), (5, 3), (7, 7), (20, 10), (255, 1), (255, 3), (254, 12)]


def shamir_rows():
    """k, then the k known coordinates, their values joined, wanted coordinate, value."""
    for n, k in SHAMIR_SHAPES:
        order = sorted(range(1, n + 1), key=lambda x: stream(f"shamir {n} {k} {x}", 8))
        known = {x: stream(f"share {n} {k} {x}", 5) for x in order[:k]}
        for wanted in [0] + order[k:k + 3] + order[:1]:
            yield [bytes(known), b"".join(known.values()), bytes([wanted]), shamir_at(known, wanted, 5)]


FILES = {
    "gf128-mul.txt": ("a b a*b", gf128_rows),
    "tag.txt": ("key message tag", lambda: tag_rows(message_tag, 32, "message tag")),
    "key-tag.txt": ("u key tag", lambda: tag_rows(key_tag, 48, "key tag")),
    "shamir.txt": ("known-x known-values wanted-x wanted-value", shamir_rows),
}


def content(columns, rows):
    lines = [" ".join(field.hex() or "-" for field in row) for row in rows]
    return ORIGIN + f"# Columns: {columns}\n" + "\n".join(lines) + "\n"


def write(folder):
    for name, (columns, rows) in FILES.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(content(columns, rows()))


def check(folder):
    print(f"1..{len(FILES)}")
    for number, (name, (columns, rows)) in enumerate(FILES.items(), 1):
        with open(os.path.join(folder, name), encoding="ascii") as f:
            same = f.read() == content(columns, rows())
        print(f"{'ok' if same else 'not ok'} {number} - the model gives {name}")


def main(arguments):
    if len(arguments) != 3 or arguments[1] not in ("--write", "--check"):
        print(__doc__, file=sys.stderr)
        return 2
    (write if arguments[1] == "--write" else check)(arguments[2])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
