#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""decoder: a second reader of the protocol, written from doc/protocol.md and doc/dske.cddl alone.

  decoder.py WIRE TRUTH          verifies the agreements that were recorded; one line each: initiator, key ID, n, k,
                                 m, shares that were opened as hubs and as receivers do, hubs that passed a confirmation on
                                 (if there was to be one), and S in hexadecimal
  decoder.py --cut WIRE TRUTH    writes the same as one file, with no more of the tables than it takes
  decoder.py VECTOR              verifies such a file (test/vectors/agreement.txt)

WIRE has a line a frame, {"item": HEX}, as a tap between clients and hubs wrote it.  TRUTH is a folder of the tables
as they were made, ID/table.  Whoever has both has all that there is; so this program needs no state, and it refuses
what does not follow the text.  It shares no code with the programs, nor with the model of the arithmetic, and uses
nothing outside of Python itself.
"""
import functools
import json
import os
import sys

SHARE, REPLY, INSTRUCTION, RECEIPT = 8, 9, 13, 14
PART, PIECE = 17, 18
READY, CONFIRMATION, MUSTER, MUSTERED, ATTEST = 19, 20, 21, 22, 23
# section 5: which key of the range tags it
SIDE_KEY = {SHARE: 0, REPLY: 1, INSTRUCTION: 0, RECEIPT: 1, READY: 0, CONFIRMATION: 1, MUSTER: 0, MUSTERED: 1, ATTEST: 0,
            PART: 0, PIECE: 0}
PART_LEN = 1 << 20  # section 8.6
HEAD = 64  # section 4.2: two keys of 32 bytes, then the pad


class Refused(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Refused(what)


# ---- CBOR as section 5 allows it: definite lengths, shortest heads, nothing behind ---------------------

def item_at(data, at, depth=0):
    need(at < len(data), "an item that ends early")
    major, size = data[at] >> 5, data[at] & 31
    at += 1
    if size >= 24:
        need(size <= 27, "a length that is not definite")
        width = 1 << (size - 24)
        need(at + width <= len(data), "a head that ends early")
        size, least = int.from_bytes(data[at:at + width], "big"), [24, 1 << 8, 1 << 16, 1 << 32][width.bit_length() - 1]
        need(size >= least, "a head that is not the shortest")
        at += width
    if major == 0:
        return size, at
    if major in (2, 3):
        need(at + size <= len(data), "a string that ends early")
        return (data[at:at + size] if major == 2 else data[at:at + size].decode("ascii")), at + size
    need(major == 4 and depth < 4, "neither number, string nor array, or too deep")
    out = []
    for _ in range(size):
        value, at = item_at(data, at, depth + 1)
        out.append(value)
    return out, at


def decoded(data):
    value, end = item_at(data, 0)
    need(end == len(data), "bytes behind the item")
    return value


def xor(a, b):
    length = min(len(a), len(b))
    return (int.from_bytes(a[:length], "big") ^ int.from_bytes(b[:length], "big")).to_bytes(length, "big")


# ---- arithmetic of section 2, tags of section 3 -------------------------------------------------------

def times(a, b, degree, low):
    """The product of two polynomials modulo x^degree + low."""
    product = 0
    for bit in reversed(range(degree)):
        product <<= 1
        if product >> degree:
            product ^= 1 << degree | low
        if b >> bit & 1:
            product ^= a
    return product


def number(data):
    return int.from_bytes(data, "little")


def multiplier(c, often):
    """x -> c x; when it is called often, from c's products with each byte at each place."""
    if not often:
        return lambda x: times(x, c, 128, 0x87)
    places = [[times(byte << 8 * place, c, 128, 0x87) for byte in range(256)] for place in range(16)]
    return lambda x: functools.reduce(int.__xor__, map(list.__getitem__, places, x.to_bytes(16, "little")))


def hashed(message, c, power):
    """sum of c^(j + power - 1) y_j, Horner's way"""
    padded = message + bytes(-len(message) % 16)
    blocks = [number(padded[i:i + 16]) for i in range(0, len(padded), 16)] + [8 * len(message)]
    total, by_c = 0, multiplier(c, len(blocks) > 5000)
    for y in reversed(blocks):
        total = by_c(total) ^ y
    for _ in range(power):
        total = times(total, c, 128, 0x87)
    return total


def message_tag(key, message):
    c, d = number(key[:16]), number(key[16:32])
    return (d ^ hashed(message, c, 1)).to_bytes(16, "little")


def key_tag(u, key):
    c, d, e = number(u[:16]), number(u[16:32]), number(u[32:48])
    return (d ^ times(c, e, 128, 0x87) ^ hashed(key, c, 2)).to_bytes(16, "little")


@functools.cache
def products(a):
    """of the byte a with every byte"""
    return [times(a, b, 8, 0x1B) for b in range(256)]


def quotient(a, b):
    return products(b).index(a)


def value_at(x, points):
    """Lagrange: the bytes at x of the polynomials through {x_i: bytes}."""
    out = bytes(len(next(iter(points.values()))))
    for i, share in points.items():
        factor = 1
        for j in points:
            if j != i:
                factor = products(factor)[quotient(x ^ j, i ^ j)]
        out = xor(out, share.translate(bytes(products(factor))))
    return out


# ---- tables -------------------------------------------------------------------------------------------

class Tables:
    """Ranges of tables: of a folder, or the pieces that a vector has.  All that was asked for is in `pieces`."""

    def __init__(self, folder, pieces):
        self.folder, self.pieces = folder, pieces

    def bytes_of(self, table, offset, length):
        if self.folder is not None:
            with open(os.path.join(self.folder, table, "table"), "rb") as file:
                file.seek(offset)
                self.pieces[table, offset] = file.read(length)
        data = self.pieces.get((table, offset), b"")
        need(len(data) == length, f"no truth for [{offset},{offset + length}) of table {table}")
        return data


# ---- frames -------------------------------------------------------------------------------------------

class Frame:
    def __init__(self, item, tables):
        fields = decoded(item)
        need(isinstance(fields, list) and len(fields) == 8 and fields[0] == 1, "not an item of version 1")
        _, self.kind, self.sender, table, self.offset, self.length, body, self.tag = fields
        self.table = table.hex()
        if self.kind not in SIDE_KEY:
            return
        self.body = decoded(body)
        made, at = tables.bytes_of(self.table, self.offset, self.length), 32 * SIDE_KEY[self.kind]
        need(message_tag(made[at:at + 32], item[:-16]) == self.tag, f"a wrong tag on a message of type {self.kind}")
        self.pad = made[HEAD:]


class Agreement:
    """What all that was said of one key has in common (sections 8 and 9)."""

    def __init__(self, terms):
        self.terms = terms
        self.initiator, self.key_id, self.receivers, self.n, self.k, self.hubs, self.scheme = terms[:7]
        self.m, self.tag, _, self.confirm = terms[7:]
        self.mask = 16 * self.confirm  # the length of d'
        self.length = 48 + self.mask + self.m
        self.ready, self.attested, self.told = set(), {}, {}
        need(1 <= self.k <= self.n == len(self.hubs) == len({*self.hubs}), "terms: n, k and hubs")
        need(self.scheme in (0, 2, 3, 4) or (self.scheme == 1 and self.n == self.k), "terms: the scheme")
        need(self.scheme < 2 or (len(self.receivers) == 1 and not self.confirm), "terms: a part of 9.4 has one receiver")
        need(self.scheme != 3 or self.m == 32 * (self.n + 2), "terms: the length of a first pass")
        need(self.scheme != 2 or not any(self.tag), "terms: a second pass with a key tag")
        need(1 <= len(self.receivers) == len({*self.receivers} - {self.initiator}), "terms: receivers")
        self.at_hub, self.at_receiver = {}, {}
        self.parts, self.lengths = {}, self.part_lengths()

    def part_lengths(self):
        """Section 8.6: u and 2^20 bytes of S, then as many of S each, and the rest."""
        ends = [*range(self.length - self.m + PART_LEN, self.length, PART_LEN), self.length]
        return [end - start for start, end in zip([0, *ends], ends)]

    def is_same(self, terms):
        """The key tag of a long key is zeros until its last part is there."""
        untagged = [terms[:8] + [bytes(16)] + terms[9:], self.terms[:8] + [bytes(16)] + self.terms[9:]]
        return terms == self.terms or (len(self.lengths) > 1 and untagged[0] == untagged[1]
                                       and bytes(16) in (terms[8], self.tag))

    def learn(self, tag):
        need(self.tag in (tag, bytes(16)), "two key tags of one key")
        self.tag, self.terms = tag, self.terms[:8] + [tag] + self.terms[9:]

    def add(self, where, x, index, part):
        """A part; with the last of them the share is there."""
        need(index < len(self.lengths) and len(part) == self.lengths[index], "a part of another length, or too many")
        parts = self.parts.setdefault((where is self.at_hub, x), {})
        need(index <= len(parts) and parts.setdefault(index, part) == part, f"parts at x = {x} that differ, or out of order")
        if len(parts) == len(self.lengths):
            self.open(where, x, b"".join(parts[i] for i in range(len(parts))))

    def position(self, hub):
        need(hub in self.hubs, "a hub that is not in the terms")
        return self.hubs.index(hub) + 1

    def open(self, where, x, share):
        need(len(share) == self.length, "a share of another length than 48 + m, and 16 to confirm")
        need(where.setdefault(x, share) == share, f"two shares at x = {x}")

    def sum(self, shares):
        total = bytes(self.length)
        for share in shares:
            total = xor(total, share)
        return total

    def secret(self, shares):
        if self.scheme == 1:
            return self.sum(shares.values())
        points = dict(sorted(shares.items())[:self.k])
        for x, share in shares.items():
            need(value_at(x, points) == share, f"the share at x = {x} is not on the polynomial")
        return value_at(0, points)

    def key(self):
        need(self.at_hub.items() >= self.at_receiver.items(), "a receiver's share is not the one that the hub got")
        keys = []
        for shares in filter(lambda shares: len(shares) >= self.k, (self.at_hub, self.at_receiver)):
            y = self.secret(shares)
            need(key_tag(y[:48], y[48:]) == self.tag, "the key tag does not confirm the key")
            self.check_confirmation(y[48:48 + self.mask], y[48 + self.mask:])
            keys.append(y[48 + self.mask:])
        need(keys and len({*keys}) == 1, "fewer than k shares")
        return keys[0]


    def check_confirmation(self, mask, key):
        said = {*self.attested.values()}
        need(len(said) <= 1 and {*self.told.values()} <= said, "two confirmations of one key")
        for c, value in said:
            need(message_tag(c + mask, key) == value, "a confirmation that does not hold")

    def line(self, key):
        confirmed = f" confirmed={len(self.told)}" if self.confirm else ""
        return (f"{self.initiator.hex()} {self.key_id.hex()} n={self.n} k={self.k} m={self.m} hubs={len(self.at_hub)} "
                f"receivers={len(self.at_receiver)}{confirmed} {key.hex()}")


TAGS, LIST, DONE = 2, 3, 4


class Link:
    """Section 9.4: what the two ends of a second pass said to each other directly."""

    def __init__(self, second, first, said):
        self.second, self.said, self.key = second, said, None
        need((first.n, first.k, first.hubs) == (second.n, second.k, second.hubs), "another first pass")
        made = first.key()
        self.material = [made[at:at + 32] for at in range(0, len(made), 32)]
        for kind, take in ((TAGS, self.tags), (LIST, self.list), (DONE, self.done)):
            for item, fields in said:
                if fields[1] == kind:
                    take(item, decoded(fields[4]), fields)

    def tags(self, item, body, fields):
        need(fields[2] == self.second.receivers[0], "TAGS of somebody else")
        need(message_tag(self.material[self.second.n], item[:-16]) == fields[5], "a wrong tag on TAGS")
        need(sorted({x for x, _ in body}) == [x for x, _ in body], "TAGS that are out of order")
        for x, tag in body:
            need(message_tag(self.material[x - 1], self.second.at_receiver[x]) == tag, "a share's wrong tag")

    def list(self, item, body, fields):
        need(fields[2] == self.second.initiator, "a LIST of somebody else")
        need(message_tag(self.material[self.second.n + 1], item[:-16]) == fields[5], "a wrong tag on LIST")
        self.chosen, tag = body
        need(len(self.chosen) >= self.second.k and sorted({*self.chosen}) == self.chosen, "a LIST of too few, or out of order")
        for shares in (self.second.at_hub, self.second.at_receiver):
            y = self.second.sum(shares[x] for x in self.chosen)
            need(key_tag(y[:48], y[48:]) == tag, "the key tag of LIST does not confirm the key")
        self.key = y[48:]

    def done(self, _, body, fields):
        need(fields[2] == self.second.receivers[0], "DONE of somebody else")
        need(body == [self.material[self.chosen[0] - 1][:16]], "a DONE that proves nothing")


class Recording:
    def __init__(self, items, tables):
        self.agreements, self.asked, self.items, self.link = {}, {}, [], {}
        for item in items:
            fields = decoded(item) if item else []
            if isinstance(fields, list) and len(fields) == 6:
                need(fields[0] == 1 and fields[1] in range(1, 6), "an item of the link of another version or type")
                need(fields[1] in (TAGS, LIST) or not any(fields[5]), "a tag where there is none")
                self.link.setdefault(fields[3], []).append((item, fields))
                self.items.append(item)
                continue
            frame = Frame(item, tables)
            if frame.kind in SIDE_KEY:
                self.items.append(item)
                self.take(frame)

    def key(self, agreement):
        if agreement.scheme != 2:
            return agreement.key()
        name = xor(agreement.key_id, b"DSKE second pass")
        first = self.agreements.get((agreement.initiator, name))
        need(first is not None and first.scheme == 3, "a second pass without a first one")
        key = Link(agreement, first, self.link.get(name, [])).key
        need(key is not None, "a second pass without a LIST")
        return key

    def take(self, frame):
        if frame.kind in (SHARE, INSTRUCTION):
            terms = frame.body[0]
            self.asked[frame.kind, frame.table, frame.offset] = frame
            agreement = self.agreements.setdefault((terms[0], terms[1]), Agreement(terms))
            need(agreement.is_same(terms), "two hubs were told different terms")
            if terms[8] != bytes(16):
                agreement.learn(terms[8])
        if frame.kind == SHARE:
            _, ttl, mode, sealed = frame.body
            need(frame.sender == terms[0] and 1 <= ttl <= 604800, "a SHARE not of its initiator, or its time to live")
            need(mode in (0, 1) and (mode == 1) == bool(sealed), "a mode that does not fit its share")
            need(len(agreement.lengths) == 1 or terms[8] == bytes(16), "a long key whose tag is known before it is dealt")
            frame.share, frame.index, frame.agreement = xor(frame.pad, sealed) if mode else frame.pad, 0, agreement
        if frame.kind == INSTRUCTION:
            agreement.add(agreement.at_receiver, agreement.position(frame.sender), 0, xor(frame.pad, frame.body[1]))
        if frame.kind == PART:
            self.take_part(frame)
        if frame.kind == PIECE:
            initiator, key_id, index, sealed = frame.body
            agreement = self.agreements[initiator, key_id]
            agreement.add(agreement.at_receiver, agreement.position(frame.sender), index, xor(frame.pad, sealed))
        if frame.kind == REPLY and frame.body == [0]:  # it says which hub the SHARE or PART went to
            share = self.asked.get((SHARE, frame.table, frame.offset))
            if share is not None:
                agreement = share.agreement
                agreement.add(agreement.at_hub, agreement.position(frame.sender), share.index, share.share)
        if frame.kind == RECEIPT:
            need((INSTRUCTION, frame.table, frame.offset) in self.asked and frame.body in ([0], [1], [2]),
                 "a RECEIPT of nothing")
        if frame.kind in (READY, MUSTER, ATTEST, CONFIRMATION, MUSTERED):
            self.confirm(frame)

    def take_part(self, frame):
        key_id, frame.index, mode, sealed, tag = frame.body
        frame.agreement = self.agreements[frame.sender, key_id]
        need(mode in (0, 1) and (mode == 1) == bool(sealed), "a mode that does not fit its part")
        need((len(tag) == 16) == (frame.index + 1 == len(frame.agreement.lengths)), "a key tag not with the last part")
        frame.share = xor(frame.pad, sealed) if mode else frame.pad
        if tag:
            frame.agreement.learn(tag)
        self.asked[SHARE, frame.table, frame.offset] = frame

    def named(self, initiator, key_id):
        agreement = self.agreements.get((initiator, key_id))
        need(agreement is not None and agreement.confirm == 1, "nothing of that name is to be confirmed")
        return agreement

    def confirm(self, frame):
        """Section 8.7."""
        body = frame.body
        if frame.kind == READY:
            agreement = self.named(body[0], body[1])
            need(frame.sender in agreement.receivers, "READY of one who receives nothing")
            need(not agreement.attested or frame.sender in agreement.ready, "attested before all were ready")
            agreement.ready.add(frame.sender)
            self.asked[frame.table, frame.offset] = agreement
        if frame.kind == MUSTER:
            self.asked[frame.table, frame.offset] = self.named(frame.sender, body[0])
        if frame.kind == ATTEST:
            agreement = self.named(frame.sender, body[0])
            need(agreement.ready == {*agreement.receivers}, "attested before all were ready")
            agreement.attested[frame.table] = body[1], body[2]
        if frame.kind in (CONFIRMATION, MUSTERED):
            agreement = self.asked.get((frame.table, frame.offset))
            need(agreement is not None, "an answer to nothing")
            if frame.kind == CONFIRMATION and body[0] == 0:
                agreement.told[frame.sender] = body[1], body[2]


def lines_of(path):
    with open(path, encoding="ascii") as file:
        return [line.strip() for line in file if line[:1] != "#"]


def inputs(paths):
    """(items, tables)"""
    if len(paths) == 2:
        return [bytes.fromhex(json.loads(line).get("item", "")) for line in lines_of(paths[0])], Tables(paths[1], {})
    words = [line.split() for line in lines_of(paths[0])]
    pieces = {(w[1], int(w[2])): bytes.fromhex(w[3]) for w in words if w[0] == "table"}
    return [bytes.fromhex(w[1]) for w in words if w[0] == "item"], Tables(None, pieces)


def main(arguments):
    cut = arguments[:1] == ["--cut"]
    if len(arguments[cut:]) not in ((2,) if cut else (1, 2)):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        items, tables = inputs(arguments[cut:])
        recording = Recording(items, tables)
        need(recording.agreements, "no agreement was recorded")
        lines = [agreement.line(recording.key(agreement)) for agreement in recording.agreements.values()]
    except (Refused, OSError, ValueError, TypeError, AttributeError, IndexError, KeyError) as trouble:
        print(f"decoder: {trouble}", file=sys.stderr)
        return 1
    if cut:
        lines = [f"item {item.hex()}" for item in recording.items]
        lines += [f"table {table} {offset} {data.hex()}" for (table, offset), data in sorted(tables.pieces.items())]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
