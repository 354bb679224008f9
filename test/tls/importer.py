#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""RFC 9258's importer, written from its text; prints test/vectors/importer.txt.  With --check FILE: is that what it is?

Keys, identities and contexts are SHA-256 of their place, cut to a length, so that nothing here was chosen.
"""
import hashlib
import hmac
import sys

KDFS = ((0x0001, 32), (0x0002, 48))
SHAPES = ((16, 16, 0), (32, 16, 17), (32, 1, 255), (48, 255, 16), (64, 16, 33), (100, 20, 1))


def made(what, length):
    out = b''
    while len(out) < length:
        out += hashlib.sha256(f'{what} {len(out)}'.encode()).digest()
    return out[:length]


def sized(data, width):
    return len(data).to_bytes(width, 'big') + data


def imported_identity(external, context, kdf):
    return sized(external, 2) + sized(context, 2) + (0x0304).to_bytes(2, 'big') + kdf.to_bytes(2, 'big')


def expand(prk, info, length):
    out = block = b''
    count = 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes((count,)), hashlib.sha256).digest()
        out += block
        count += 1
    return out[:length]


def imported_key(epsk, external, context, kdf, length):
    epskx = hmac.new(bytes(32), epsk, hashlib.sha256).digest()
    digest = hashlib.sha256(imported_identity(external, context, kdf)).digest()
    label = length.to_bytes(2, 'big') + sized(b'tls13 derived psk', 1) + sized(digest, 1)
    return expand(epskx, label, length)


def lines():
    yield '# SPDX-License-Identifier: Apache-2.0\n'
    yield '# test/tls/importer.py: external key, external identity, context, imported key (of the hash with its length)\n'
    for number, (key, identity, context) in enumerate(SHAPES):
        parts = made(f'key {number}', key), made(f'identity {number}', identity), made(f'context {number}', context)
        for kdf, length in KDFS:
            yield ' '.join(p.hex() or '-' for p in (*parts, imported_key(*parts, kdf, length))) + '\n'


def main():
    text = ''.join(lines())
    if sys.argv[1:2] != ['--check']:
        sys.stdout.write(text)
        return 0
    with open(sys.argv[2], encoding='utf-8') as file:
        same = file.read() == text
    print('1..1')
    print(('' if same else 'not ') + 'ok 1 - the vectors are what another program computes')
    return 0 if same else 1


sys.exit(main())
