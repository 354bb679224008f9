#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams that tell whether they came as they went: probes.py PORT ADDRESS RATE SEED MARK FILE

Sends RATE a second to ADDRESS, port PORT, of 100 to 1,300 bytes: a number, bytes by chance with MARK among them, SHA-256 of
all before it; takes those of the other end at PORT.  What the network refuses is lost, as on any network.  SIGTERM: writes FILE,
a JSON object, and ends:

  sent, right            datagrams
  wrong                  that came and were sent by nobody so
  twice                  that came twice
  gaps                   [from, to] in seconds of the day's clock, longer than a second, in which none came; the last one up
                         to the end
"""
import hashlib
import json
import os
import random
import select
import signal
import socket
import sys
import time


class Taken:
    def __init__(self):
        self.numbers, self.said = set(), {'sent': 0, 'right': 0, 'wrong': 0, 'twice': 0, 'gaps': []}
        self.last = time.time()

    def gap(self):
        now = time.time()
        if now - self.last > 1:
            self.said['gaps'].append([self.last, now])
        self.last = now

    def take(self, datagram):
        body, sum_ = datagram[:-32], datagram[-32:]
        number = body[:24]
        if hashlib.sha256(body).digest() != sum_:
            self.said['wrong'] += 1
            return
        self.gap()
        self.said['twice' if number in self.numbers else 'right'] += 1
        self.numbers.add(number)


def main():
    port, address, rate, seed, mark, path = sys.argv[1:]
    dice, run, taken, done = random.Random(int(seed)), os.urandom(16), Taken(), []
    signal.signal(signal.SIGTERM, lambda *_: done.append(1))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('0.0.0.0', int(port)))
    due, number = time.monotonic(), 0
    while not done:
        wait = due - time.monotonic()
        if wait > 0:
            if select.select([s], [], [], wait)[0]:
                taken.take(s.recv(65535))
            continue
        due += 1 / float(rate)
        body = number.to_bytes(8, 'big') + run
        body += dice.randbytes(dice.randrange(600)) + mark.encode() + dice.randbytes(dice.randrange(600))
        number += 1
        try:
            s.sendto(body + hashlib.sha256(body).digest(), (address, int(port)))
            taken.said['sent'] += 1
        except OSError:
            pass
    taken.gap()
    with open(path, 'w') as f:
        json.dump(taken.said, f)


if __name__ == '__main__':
    main()
