#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mangle: somebody on the way who owns the wire: forwards TCP between clients and hubs, and meddles.

  mangle.py FILE COUNTS SEED LISTEN=TARGET...   ports on 127.0.0.1

FILE records each frame that was sent, as wiretap.py does.  Frames are then held back, swapped with the one
behind them, sent twice, sent with a bit changed before they are sent as they are, and mixed with frames of
the same direction that were sent before, on this connection or an earlier one.  Nothing is dropped.  COUNTS
says at the end how often each was done.  The same SEED chooses in the same way, as far as timing lets it.
"""
import asyncio
import collections
import json
import random
import signal
import sys

sys.dont_write_bytecode = True
from wiretap import describe, passed_on, serve  # noqa: E402

EARLIER = 200  # frames a direction that may come again


async def frames(reader):
    while True:
        try:
            head = await reader.readexactly(4)
            yield head + await reader.readexactly(int.from_bytes(head, "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return


class Mangler:
    def __init__(self, out, seed):
        self.out = out
        self.chance = random.Random(seed)
        self.done = collections.Counter()
        self.earlier = collections.defaultdict(lambda: collections.deque(maxlen=EARLIER))

    def does(self, what, percent):
        happens = self.chance.randrange(100) < percent
        self.done[what] += happens
        return happens

    def record(self, frame):
        self.out.write(json.dumps(describe(frame[4:])) + "\n")
        self.out.flush()

    def changed(self, frame):
        bit = self.chance.randrange(32, 8 * len(frame))  # not the length: what follows could not be told apart
        copy = bytearray(frame)
        copy[bit // 8] ^= 1 << bit % 8
        return bytes(copy)

    def meddled(self, frame, side):
        """What is sent in the place of a frame."""
        earlier = self.earlier[side]
        if earlier and self.does("replayed", 15):
            yield self.chance.choice(earlier)
        if self.does("changed", 5):
            yield self.changed(frame)
        yield frame
        if self.does("duplicated", 20):
            yield frame
        earlier.append(frame)

    async def pump(self, reader, writer, side):
        held = None  # the frame that lets the next one pass
        source = frames(reader)
        while True:
            ahead = asyncio.ensure_future(anext(source, None))
            await asyncio.wait({ahead}, timeout=0.05 if held else None)
            if held and not ahead.done():  # nobody came to pass it
                await passed_on(writer, held)
                held = None
            frame = await ahead
            if frame is None:
                break
            self.record(frame)
            if self.does("delayed", 20):
                await asyncio.sleep(self.chance.uniform(0.005, 0.15))
            if held is None and self.does("held", 15):
                held = frame
                continue
            for each in self.meddled(frame, side):
                await passed_on(writer, each)
            if held:
                self.done["swapped"] += 1
                await passed_on(writer, held)
                held = None
        if held:
            await passed_on(writer, held)
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()


async def main(path, counts, seed, pairs):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with open(path, "a", encoding="ascii") as out:
        mangler = Mangler(out, seed)
        for pair in pairs:
            await serve(*map(int, pair.split("=")), mangler.pump)
        await stopped.wait()
    with open(counts, "w", encoding="ascii") as told:
        told.write(json.dumps(mangler.done) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
