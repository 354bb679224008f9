#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between the two ends of a tunnel: mitm.py PORT HOST:PORT FOLDER [unaudited]

Who speaks first to PORT is one end, HOST:PORT the other.  FOLDER/mode, read anew now and then, says what happens to
datagrams: "clean", "storm" (lost, doubled, put off, flipped, cut, spliced, replayed), "loss" (30 %, doubled, put off), "cut".
SIGTERM: writes FOLDER/said, a JSON object, and ends:

  datagrams   by direction, that the ends sent
  twice       ranges of pads that two different datagrams of the ends used; there must be none
              (unaudited: of another tunnel, whose datagrams are not read)
  marked      datagrams with the bytes of FOLDER/mark, if there is one, in them
"""
import json
import os
import random
import select
import signal
import socket
import sys

KEY, HEAD, TAG, UNIT = 32, 16, 16, 16
MODE_EACH = 50


class Audit:
    """Which units of which pads the datagrams of the ends have used."""

    def __init__(self, mark, reads=True):
        self.pads, self.seen, self.twice, self.marked, self.mark, self.reads = {}, set(), [], 0, mark, reads
        self.datagrams = [0, 0]

    def take(self, way, d):
        self.datagrams[way] += 1
        self.marked += bool(self.mark and self.mark in d)
        if not self.reads or d in self.seen or len(d) <= HEAD + TAG:
            return
        self.seen.add(d)
        unit, name = int.from_bytes(d[4:8], 'big'), d[8:16]
        count = (KEY + len(d) - HEAD - TAG + UNIT - 1) // UNIT
        mask, used = ((1 << count) - 1) << unit, self.pads.get(name, 0)
        if used & mask:
            self.twice.append([name.hex(), unit, count])
        self.pads[name] = used | mask


class Mischief:
    def __init__(self, seed):
        self.dice, self.held, self.old = random.Random(seed), [], []

    def forged(self, d):
        d, what = bytearray(d), self.dice.randrange(4)
        if what == 0:
            d[self.dice.randrange(len(d))] ^= 1 << self.dice.randrange(8)
        elif what == 1:
            d = d[:self.dice.randrange(len(d))]
        elif what == 2 and self.old:
            other = self.dice.choice(self.old)
            at = self.dice.randrange(len(d))
            d = d[:at] + other[at:]
        else:
            d += bytes(self.dice.randrange(1, 40))
        return bytes(d)

    def __call__(self, mode, d):
        """What goes on in its place."""
        if mode == 'clean':
            return [d]
        if mode == 'cut':
            return []
        out = []
        self.old = (self.old + [d])[-200:]
        if self.dice.random() >= 0.3:
            out.append(d)
        if self.dice.random() < 0.1:
            out.append(d)
        if self.dice.random() < 0.1:
            self.held.append(d)
        if self.held and self.dice.random() < 0.1:
            out.append(self.held.pop(self.dice.randrange(len(self.held))))
        if mode == 'storm':
            if self.dice.random() < 0.2:
                out.append(self.dice.choice(self.old))
            if self.dice.random() < 0.3:
                out.append(self.forged(d))
        return out


def read(path, default):
    try:
        with open(path, 'rb') as f:
            return f.read()
    except FileNotFoundError:
        return default


def main():
    port, target, folder = sys.argv[1:4]
    host, target_port = target.rsplit(':', 1)
    here, there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for s in (here, there):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.setblocking(False)  # what select saw may be an error, which the next send takes away
    here.bind(('0.0.0.0', int(port)))
    there.connect((host, int(target_port)))
    audit, ways = Audit(read(folder + '/mark', b''), sys.argv[4:] != ['unaudited']), (Mischief(1), Mischief(2))
    done = []
    signal.signal(signal.SIGTERM, lambda *_: done.append(1))
    client, mode, turn = None, 'clean', 0
    while not done:
        ready = select.select([here, there], [], [], 0.1)[0]
        turn += 1
        if turn % MODE_EACH == 0 or not ready:
            mode = read(folder + '/mode', b'clean').decode().strip()
        if here in ready:
            try:
                d, client = here.recvfrom(65535)
            except OSError:
                continue
            audit.take(0, d)
            for out in ways[0](mode, d):
                try:
                    there.send(out)
                except OSError:
                    pass
        if there in ready:
            try:
                d = there.recv(65535)
            except OSError:
                continue
            audit.take(1, d)
            for out in ways[1](mode, d):
                try:
                    if client:
                        here.sendto(out, client)
                except OSError:
                    pass
    with open(folder + '/said.new', 'w') as f:
        json.dump({'datagrams': audit.datagrams, 'twice': audit.twice, 'marked': audit.marked, 'pads': len(audit.pads)}, f)
    os.rename(folder + '/said.new', folder + '/said')


if __name__ == '__main__':
    main()
