#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams of the tunnel, written from the text of vpn/packet.h and RFC 8439; prints test/vectors/datagram.txt.
With --check FILE: is that what it is?  Pads and contents are SHA-256 of their place, so that nothing here was chosen.
"""
import hashlib
import sys

SHAPES = ((1, 0, 1, 0), (1, 1, 15, 1), (1, 0, 16, 2), (1, 1, 17, 3), (2, 0, 20, 7), (1, 0, 64, 100), (1, 1, 1000, 5))


def made(what, length):
    out = b''
    while len(out) < length:
        out += hashlib.sha256(f'{what} {len(out)}'.encode()).digest()
    return out[:length]


def poly1305(key, message):  # RFC 8439, 2.5.1
    r = int.from_bytes(key[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(message), 16):
        block = message[at:at + 16] + b'\x01'
        total = (total + int.from_bytes(block, 'little')) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], 'little')) % (1 << 128)).to_bytes(16, 'little')


def known_answer():  # RFC 8439, 2.5.2
    key = bytes.fromhex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
    return poly1305(key, b'Cryptographic Forum Research Group').hex() == 'a8061dc1305136c6c22b8baf0c0127a9'


def datagram(kind, flags, unit, name, pad, content):
    head = bytes((kind, flags, 0, 0)) + unit.to_bytes(4, 'big') + name
    part = pad[16 * unit:]
    body = head + bytes(a ^ b for a, b in zip(content, part[32:]))
    return body + poly1305(part[:32], body)


def lines():
    yield '# SPDX-License-Identifier: Apache-2.0\n'
    yield '# test/vpn/datagrams.py: kind, flags and unit (1, 1, 4 bytes) and the name; pad from that unit on; content; datagram\n'
    for number, (kind, flags, length, unit) in enumerate(SHAPES):
        pad = made(f'pad {number}', 16 * unit + 32 + length)
        name, content = made(f'name {number}', 8), made(f'content {number}', length)
        what = bytes((kind, flags)) + unit.to_bytes(4, 'big') + name
        out = datagram(kind, flags, unit, name, pad, content)
        yield ' '.join(x.hex() for x in (what, pad[16 * unit:], content, out)) + '\n'


def main():
    text = ''.join(lines())
    if sys.argv[1:2] != ['--check']:
        sys.stdout.write(text)
        return
    print('1..2')
    print('ok 1 - RFC 8439 2.5.2' if known_answer() else 'not ok 1 - RFC 8439 2.5.2')
    same = open(sys.argv[2]).read() == text
    print('ok 2 - vectors' if same else 'not ok 2 - vectors: make them anew')
    sys.exit(0 if same and known_answer() else 1)


if __name__ == '__main__':
    main()
