#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""auditor: holds what was seen from outside to the one promise, that no table byte is used twice.

  auditor.py keep EVIDENCE TABLES...                  copies tables just made: the ground truth
  auditor.py moved EVIDENCE FILE              a PSKM was made of the rest of another table (FILE names it)
  auditor.py look EVIDENCE LIFE TABLES [--running]    reads each ledger, holds the table file to it
  auditor.py audit EVIDENCE [--clones]                judges all of it; exits 1 and names each fault
  auditor.py serve EVIDENCE                           keep, look, audit and forget as lines of standard input, many
  auditor.py wire FILE...                             judges recorded traffic alone

EVIDENCE is a folder: truth/ID (table and header), lives (a line a look), wire (of wiretap.py), verified.
TABLES is a side's folder of tables.  LIFE names one history of it: a copy or a restored folder begins a
new one, since within a life nothing may go back.  --running: somebody has windows open, or was killed, so
used bytes may still be in the file above what the ledger calls erased.  --clones: copies of a client were
run, so two LEASEs under one key are to be expected (doc/threat-model.md); each such slot must then have
had its alarm.

A line to serve is "keep TABLES...", "look LIFE TABLES [--running]", "audit [N]" (the first N bytes of the
wire alone: what was on it when somebody died) or "forget TABLE" (judged for the last time), words quoted as for a shell.  What it says ends in "= STATUS".  Each audit judges what came since the one before, beside all that
came earlier; a table whose files have not been touched since the last look is not read again.

Written from doc/protocol.md and doc/pskm-format.md; shares no code with the programs.
"""
import bisect
import hashlib
import json
import os
import shlex
import sys

import cbor2

sys.dont_write_bytecode = True  # the source tree may be somebody else's, and stays as it is
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spec"))
from disk import KEY, NUMBERS, SLOT, Truth, keep, look, read  # noqa: E402
import moved  # noqa: E402
from model import message_tag  # noqa: E402  the second implementation of the tag

HEAD = 2 * KEY  # of a range of the up or down region: two keys, then the pad
NOTE = 255
GRANT, LEASE, CONFIRM, CLONED, SHARE, INSTRUCTION, PART, PIECE = 5, 4, 6, 7, 8, 13, 17, 18
PADDED = {SHARE, INSTRUCTION, PART, PIECE}  # what is behind the keys of their ranges is a share's pad
# doc/protocol.md, section 5: type -> name, which side sends it, region, number of its key
KINDS = {
    1: ("ACTIVATE", "client", "activation", 0), 2: ("ACTIVATED", "hub", "activation", 1),
    3: ("FROZEN", "hub", "activation", 2),
    4: ("LEASE", "client", "lease", 0), 5: ("GRANT", "hub", "lease", 1),
    6: ("CONFIRM", "client", "lease", 2), 7: ("CLONED", "hub", "lease", 3),
    8: ("SHARE", "client", "up", 0), 9: ("REPLY", "hub", "up", 1), 10: ("WAIT", "client", "up", 0),
    11: ("IDENTIFY", "client", "up", 0), 12: ("IDENTITY", "hub", "up", 1),
    13: ("INSTRUCTION", "hub", "down", 0), 14: ("RECEIPT", "client", "down", 1),
    15: ("RETIRE", "client", "activation", 0), 16: ("RETIRED", "hub", "activation", 1),
    17: ("PART", "client", "up", 0), 18: ("PIECE", "hub", "down", 0),
    19: ("READY", "client", "up", 0), 20: ("CONFIRMATION", "hub", "up", 1), 21: ("MUSTER", "client", "up", 0),
    22: ("MUSTERED", "hub", "up", 1), 23: ("ATTEST", "client", "up", 0), 24: ("POLICY", "client", "up", 0),
}
# ACTIVATE, ACTIVATED, FROZEN, RETIRE, RETIRED: the least state of who sent it
RECORDED = {1: 1, 2: 2, 3: 3, 15: 5, 16: 5}


# ---- ledgers over time -------------------------------------------------------------------------------

class Ledgers:
    """Within a life no number goes down, no state goes back, and one number is one record."""

    def __init__(self):
        self.looks, self.last, self.high = 0, {}, {}

    def add(self, line):
        """Faults of one look."""
        who, now = f"{line['life']} table {line['table'][:8]}", line["ledger"]
        faults = [f"{who}: {fault}" for fault in line["faults"]]
        self.looks += 1
        if now is None:
            return faults
        before = self.last.get((line["life"], line["table"]))
        self.last[line["life"], line["table"]] = now
        self.raise_high(line["table"], now)
        if before is None:
            return faults
        for name in [*NUMBERS, "state"]:
            if now[name] < before[name]:
                faults.append(f"{who}: {name} of the ledger went back from {before[name]} to {now[name]}")
        if now["seq"] == before["seq"] and now["digest"] != before["digest"]:
            faults.append(f"{who}: two records have the number {now['seq']}")
        return faults

    def raise_high(self, table, now):
        """(table, side) -> what is used by then: of the hub as last seen, of a client by all its lives."""
        marks = {name: now[name] for name in ("state", "lease_next", "up_high", "down_high")}
        old = self.high.get((table, now["side"]))
        if old and now["side"] == "client":
            marks = {name: max(value, old[name]) for name, value in marks.items()}
        self.high[table, now["side"]] = marks


# ---- what went over the wire -------------------------------------------------------------------------

class Frame:
    def __init__(self, item):
        self.item = item
        self.digest = hashlib.sha256(item).hexdigest()
        _, self.kind, self.sender, table, self.offset, self.length, self.body, self.tag = cbor2.loads(item)
        self.table, self.end = table.hex(), self.offset + self.length
        self.name, self.side, self.region, self.key = KINDS.get(self.kind, (f"type {self.kind}", None, None, 0))

    def uses(self):
        """The bytes of the table that this message, and no other, may use."""
        at = self.offset + KEY * self.key
        yield at, at + KEY
        if self.kind in PADDED and self.length > HEAD:
            yield self.offset + HEAD, self.end

    def fields(self, count):
        """The body's, or None when there are not as many."""
        fields = cbor2.loads(self.body)
        return fields if isinstance(fields, list) and len(fields) == count else None

    def __str__(self):
        return f"{self.name} on [{self.offset},{self.end}) of table {self.table[:8]}"


class Wire:
    """Recorded traffic, read on from where the last reading ended."""

    def __init__(self, path, seen=None):
        self.path, self.at, self.seen = path, 0, set() if seen is None else seen

    def more(self, most=None):
        """Each different frame once: the same bytes again are harmless (doc/protocol.md 5.2)."""
        with open(self.path, "rb") as file:
            file.seek(self.at)
            for line in file:
                if not line.endswith(b"\n") or (most is not None and self.at + len(line) > most):
                    break  # just being written, or later
                self.at += len(line)
                item = bytes.fromhex(json.loads(line).get("item", ""))
                digest = hashlib.sha256(item).digest()
                if not item or digest in self.seen:
                    continue
                self.seen.add(digest)
                frame = Frame(item)
                if frame.kind != NOTE:
                    yield frame


class Spans:
    """Stretches of one table that must not overlap, each with its owner, in order."""

    def __init__(self):
        self.starts, self.spans = [], []

    def add(self, start, end, owner):
        """Those beside it that it overlaps: complete as long as nothing overlapped before."""
        at = bisect.bisect_left(self.starts, start)
        beside = self.spans[max(at - 1, 0):at + 1]
        self.starts.insert(at, start)
        self.spans.insert(at, (start, end, owner))
        return [span for span in beside if span[0] < end and start < span[1]]


class Uses:
    """Two messages on one byte; two ranges that overlap and are not one.  Also: slots leased twice."""

    def __init__(self, clones):
        self.clones, self.count, self.bytes = clones, 0, 0
        self.twice, self.alarms, self.uses, self.ranges, self.known = set(), set(), {}, {}, set()

    def add(self, frame):
        faults, spans = [], self.uses.setdefault(frame.table, Spans())
        self.count += 1
        if frame.kind == CLONED:
            self.alarms.add((frame.table, frame.offset))
        for start, end in frame.uses():
            self.bytes += end - start
            for other in spans.add(start, end, frame):
                if self.clones and frame.kind == other[2].kind == LEASE and frame.offset == other[2].offset:
                    self.twice.add((frame.table, frame.offset))
                else:
                    faults.append(f"bytes from {max(start, other[0])} used twice: {other[2]}, and {frame}")
        return faults + self.range_faults(frame)

    def range_faults(self, frame):
        span = (frame.table, frame.offset, frame.end)
        if span in self.known:
            return []
        self.known.add(span)
        beside = self.ranges.setdefault(frame.table, Spans()).add(frame.offset, frame.end, None)
        return [f"table {frame.table[:8]}: ranges {other[:2]} ({other[2] or 'a message'}) and {span[1:]} overlap and are not one"
                for other in beside]

    def alarm_faults(self):
        return [f"table {table[:8]}: a copy leased the slot at {offset} again and there was no alarm"
                for table, offset in sorted(self.twice - self.alarms)]


def place_faults(frame, header):
    """Sender and region are those of its type."""
    if frame.region is None:
        return [f"{frame}: no such type"]
    start, end = header.region[frame.region]
    sender = header.client if frame.side == "client" else header.hub
    faults = [] if frame.sender == sender else [f"{frame}: sent by another than the table's {frame.side}"]
    if not start <= frame.offset <= frame.end <= end:
        faults.append(f"{frame}: not within the {frame.region} region")
    elif frame.length < max(e for _, e in frame.uses()) - frame.offset:
        faults.append(f"{frame}: a range too short for its keys")
    return faults


def tag_faults(frame, truth, verified):
    """The range that it claims is the one it was made with."""
    if frame.digest in verified:
        return []
    at = frame.offset + KEY * frame.key
    if message_tag(truth[at:at + KEY], frame.item[:-16]) != frame.item[-16:]:
        return [f"{frame}: its tag was not made with those bytes of the table"]
    verified.add(frame.digest)
    return []


class Windows:
    """Requests lie in what was granted, instructions in what was confirmed."""

    def __init__(self):
        self.open = {"up": {}, "down": {}}

    def add(self, frame):
        if frame.kind in (GRANT, CONFIRM):
            *_, start, end = frame.fields(5 if frame.kind == GRANT else 3) or [0, 0]
            self.open["up" if frame.kind == GRANT else "down"].setdefault(frame.table, []).append((start, end))

    def faults(self, frame):
        if frame.region not in self.open or any(a <= frame.offset and frame.end <= b for a, b in
                                                self.open[frame.region].get(frame.table, [])):
            return []
        return [f"{frame}: in no window of that region"]


class Shares:
    """A share is the same at both ends of its hub once the pads that the ranges name are taken off."""

    def __init__(self):
        self.known = {}

    @staticmethod
    def read(frame, header):
        """(initiator, key ID, number of the part), what was sent for it"""
        match frame.kind, cbor2.loads(frame.body):
            case (8, [[initiator, key_id, *_], _, _, sealed]) | (13, [[initiator, key_id, *_], sealed]):
                return (initiator, key_id, 0), sealed
            case 17, [key_id, number, _, sealed, _]:
                return (header.client, key_id, number), sealed
            case 18, [initiator, key_id, number, sealed]:
                return (initiator, key_id, number), sealed
        return None, None

    def faults(self, frame, header, made):
        if frame.kind not in PADDED:
            return []
        name, sealed = self.read(frame, header)
        if name is None:
            return [f"{frame}: its body is not that of its type"]
        pad = made[frame.offset + HEAD:frame.end]
        if sealed == pad and sealed:
            return [f"{frame}: pad bytes in clear on the wire"]
        share = bytes(a ^ b for a, b in zip(pad, sealed)) if sealed else pad
        if self.known.setdefault((header.hub, *name), hashlib.sha256(share).digest()) != hashlib.sha256(share).digest():
            return [f"{frame}: its ciphertext was not made with the pad that its range names"]
        return []


def ledger_covers(frame, high):
    """Both ends have recorded what was on the wire."""
    faults = []
    for side in ("client", "hub"):
        marks = high.get((frame.table, side))
        if marks is None:
            continue
        if frame.region == "activation":
            short = side == frame.side and marks["state"] < RECORDED.get(frame.kind, 0)
        elif frame.region == "lease":
            short = side == "client" or frame.kind == GRANT
            short = short and frame.slot >= marks["lease_next"]
        else:
            short = frame.end > marks[frame.region + "_high"]
        if short:
            faults.append(f"{frame}: its bytes are unused by the {side}'s ledger")
    return faults


# ---- the judgement -----------------------------------------------------------------------------------

class Audit:
    """One EVIDENCE, judged as it grows."""

    def __init__(self, evidence, clones=False):
        self.evidence, self.truth, self.seen, self.lives_at = evidence, Truth(evidence), {}, 0
        self.wire = Wire(os.path.join(evidence, "wire"))
        self.ledgers, self.uses, self.windows, self.shares = Ledgers(), Uses(clones), Windows(), Shares()
        self.verified, self.moves = set(), moved.Moves(evidence)

    def lines(self):
        with open(os.path.join(self.evidence, "lives"), encoding="ascii") as file:
            file.seek(self.lives_at)
            lines = file.readlines()
            self.lives_at = file.tell()
        return map(json.loads, lines)

    def frame_faults(self, frame):
        if frame.table not in self.truth:
            return [f"{frame}: a table that was never kept"]
        header, made = self.truth[frame.table]
        wrong = place_faults(frame, header)
        if not wrong:
            frame.slot = (frame.offset - header.region["lease"][0]) // SLOT
            wrong = tag_faults(frame, made, self.verified) + ledger_covers(frame, self.ledgers.high)
        return wrong + self.windows.faults(frame) + self.shares.faults(frame, header, made)

    def move_faults(self):
        """A move uses bytes, as a message does."""
        fresh = self.moves.more()
        faults = [fault for move in fresh
                  for fault in self.moves.use_faults(move, self.uses.ranges.setdefault(move["source"], Spans()))]
        faults += [fault for move in fresh for fault in self.moves.truth_faults(move, self.truth)]
        return faults + self.moves.ledger_faults(self.ledgers.high, self.truth)

    def judge(self, most=None):
        frames = list(self.wire.more(most))
        faults = [fault for frame in frames for fault in self.uses.add(frame)] + self.uses.alarm_faults()
        faults += [fault for line in self.lines() for fault in self.ledgers.add(line)]
        faults += self.move_faults()
        for frame in frames:
            self.windows.add(frame)
        faults += [fault for frame in frames for fault in self.frame_faults(frame)]
        return report(self.uses, faults, f"{self.ledgers.looks} looks at ledgers; "
                                         f"{len(self.uses.twice)} slots leased by two copies; ")


def report(uses, faults, more=""):
    for fault in faults[:20]:
        print("# " + fault)
    print(f"# {uses.count} frames of {len(uses.uses)} tables used {uses.bytes} bytes; {more}{len(faults)} faults")
    if not uses.count:
        print("# nothing was recorded, so nothing is shown")
    return 1 if faults or not uses.count else 0


def audit(evidence, clones):
    """All of it at once; tags that held before are not computed again."""
    judge, cache = Audit(evidence, clones), os.path.join(evidence, "verified")
    if os.path.exists(cache):
        judge.verified = set(read(cache).decode().split())
    status = judge.judge()
    with open(cache, "w", encoding="ascii") as out:
        out.write("\n".join(sorted(judge.verified)))
    return status


def answer(judge, words):
    match words:
        case ["keep", _, *_]:
            keep(judge.evidence, words[1:])
        case ["moved", file]:
            moved.record(judge.evidence, file)
        case ["look", life, folder, *running] if running in ([], ["--running"]):
            look(judge.evidence, life, folder, bool(running), judge.truth, judge.seen)
        case ["audit", *most] if len(most) <= 1:
            return judge.judge(*map(int, most))
        case ["forget", table]:
            judge.truth.forget(table)
        case _:
            print("# no such request: " + " ".join(words))
            return 2
    return 0


def serve(evidence):
    judge = Audit(evidence)
    for line in sys.stdin:
        try:
            status = answer(judge, shlex.split(line))
        except (OSError, ValueError) as trouble:
            print(f"# {trouble}")
            status = 2
        print(f"= {status}", flush=True)
    return 0


def wire(paths):
    uses, seen, faults = Uses(False), set(), []
    for path in paths:
        for frame in Wire(path, seen).more():
            faults += uses.add(frame)
    return report(uses, faults)


def main(arguments):
    options = {a for a in arguments if a.startswith("--")}
    words = [a for a in arguments if a not in options]
    match words:
        case ["keep", evidence, _, *_]:
            keep(evidence, words[2:])
        case ["moved", evidence, file]:
            moved.record(evidence, file)
        case ["look", evidence, life, folder] if options <= {"--running"}:
            look(evidence, life, folder, bool(options))
        case ["audit", evidence] if options <= {"--clones"}:
            return audit(evidence, bool(options))
        case ["serve", evidence] if not options:
            return serve(evidence)
        case ["wire", _, *_] if not options:
            return wire(words[1:])
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
