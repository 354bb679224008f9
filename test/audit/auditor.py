#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""auditor: holds what was seen from outside to the one promise, that no table byte is used twice.

  auditor.py keep EVIDENCE TABLES...                  copies tables just made: the ground truth
  auditor.py look EVIDENCE LIFE TABLES [--running]    reads each ledger, holds the table file to it
  auditor.py audit EVIDENCE [--clones]                judges all of it; exits 1 and names each fault
  auditor.py wire FILE...                             judges recorded traffic alone

EVIDENCE is a folder: truth/ID (table and header), lives (a line a look), wire (of wiretap.py), verified.
TABLES is a side's folder of tables.  LIFE names one history of it: a copy or a restored folder begins a
new one, since within a life nothing may go back.  --running: a hub that runs has windows open, whose
bytes are still in its file.  --clones: copies of a client were run, so two LEASEs under one key are
to be expected (doc/threat-model.md); each such slot must then have had its alarm.

Written from doc/protocol.md and doc/pskm-format.md; shares no code with the programs.
"""
import hashlib
import json
import os
import shutil
import struct
import sys

import cbor2

sys.dont_write_bytecode = True  # the source tree may be somebody else's, and stays as it is
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spec"))
from model import message_tag  # noqa: E402  the second implementation of the tag

KEY = 32
SLOT = 4 * KEY
HEAD = 2 * KEY  # of a range of the up or down region: two keys, then the pad
NOTE = 255
ACTIVATED, GRANT, LEASE, CONFIRM, CLONED, SHARE, INSTRUCTION = 2, 5, 4, 6, 7, 8, 13
# doc/protocol.md, section 5: type -> name, which side sends it, region, number of its key
KINDS = {
    1: ("ACTIVATE", "client", "activation", 0), 2: ("ACTIVATED", "hub", "activation", 1),
    3: ("FROZEN", "hub", "activation", 2),
    4: ("LEASE", "client", "lease", 0), 5: ("GRANT", "hub", "lease", 1),
    6: ("CONFIRM", "client", "lease", 2), 7: ("CLONED", "hub", "lease", 3),
    8: ("SHARE", "client", "up", 0), 9: ("REPLY", "hub", "up", 1), 10: ("WAIT", "client", "up", 0),
    11: ("IDENTIFY", "client", "up", 0), 12: ("IDENTITY", "hub", "up", 1),
    13: ("INSTRUCTION", "hub", "down", 0), 14: ("RECEIPT", "client", "down", 1),
}
REGIONS = ["container", "activation", "lease", "up", "down"]
STATES = ["imported", "activating", "active", "frozen", "locked"]
ACTIVE = 2
# 64-bit numbers of a ledger record (pskm/format.h) that never go down within a life
NUMBERS = {"seq": 8, "lease_next": 56, "up_high": 72, "down_high": 80, "erased_lease": 88,
           "erased_up": 96, "erased_down": 104, "clone_alarms": 112}


# ---- what is on disk --------------------------------------------------------------------------------

class Header:
    def __init__(self, data):
        size = int.from_bytes(data[8:12], "big")
        body = data[12:12 + size]
        if data[:8] != b"DSKEHEAD" or hashlib.sha256(data[:12 + size]).digest() != data[12 + size:]:
            raise ValueError("a header that does not verify")
        _, self.table, self.hub, self.client, *_, ends = cbor2.loads(body)
        self.region = dict(zip(REGIONS, zip([0] + ends[:-1], ends)))


def ledger_slot(data, index):
    if data[:8] != b"DSKELEDG" or hashlib.sha256(data[:4080]).digest()[:16] != data[4080:]:
        return None
    record = {name: struct.unpack_from(">Q", data, at)[0] for name, at in NUMBERS.items()}
    record.update(table=data[16:32].hex(), side=["client", "hub"][data[32]], state=data[33],
                  digest=hashlib.sha256(data).hexdigest())
    return record if record["seq"] % 2 == index else None


def ledger_read(path):
    data = read(path)
    valid = [r for r in (ledger_slot(data[4096 * i:4096 * (i + 1)], i) for i in (0, 1)) if r]
    return max(valid, key=lambda r: r["seq"]) if valid else None


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tables_below(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if not name.startswith(".") and os.path.exists(os.path.join(folder, name, "table"))]


def keep(evidence, folders):
    os.makedirs(os.path.join(evidence, "truth"), exist_ok=True)
    for path in (p for folder in folders for p in tables_below(folder)):
        to = os.path.join(evidence, "truth", os.path.basename(path))
        if not os.path.exists(to):
            os.makedirs(to)
            for name in ("header", "table"):
                shutil.copyfile(os.path.join(path, name), os.path.join(to, name))


class Truth:
    def __init__(self, evidence):
        self.folder, self.known = os.path.join(evidence, "truth"), {}

    def __getitem__(self, table):
        """(header, bytes) of a table as it was made."""
        if table not in self.known:
            where = os.path.join(self.folder, table)
            self.known[table] = (Header(read(os.path.join(where, "header"))), read(os.path.join(where, "table")))
        return self.known[table]

    def __contains__(self, table):
        return os.path.exists(os.path.join(self.folder, table))


# ---- a table file beside its ledger and the truth ----------------------------------------------------

def erased_fault(data, truth, start, end, what):
    """Used bytes must be gone: neither as they were made, nor anything else that might be secret."""
    if not any(data[start:end]):
        return []
    left = [i for i in range(start, end) if data[i] and data[i] == truth[i]]
    other = sum(1 for i in range(start, end) if data[i] and data[i] != truth[i])
    if left:
        return [f"{len(left)} used bytes of {what} are still in the file, from {left[0]} to {left[-1]}"]
    return [f"{other} used bytes of {what} were overwritten with something, not erased"]


def intact_fault(data, truth, start, end, what):
    if data[start:end] == truth[start:end]:
        return []
    return [f"unused bytes of {what} in [{start},{end}) are not those of the table as it was made"]


def file_faults(header, truth, data, record, running):
    """The table file against truth and ledger."""
    if len(data) != len(truth):
        return ["the table file has another size than it was made with"]
    region, faults = header.region, []
    faults += erased_fault(data, truth, *region["container"], "container")
    for name in ("up", "down"):
        start, end = region[name]
        high = record[name + "_high"]
        if not start <= high <= end:
            return [f"{name}_high {high} lies outside of its region"]
        erased = record["erased_" + name] if running else high
        faults += erased_fault(data, truth, start, erased, name)
        faults += intact_fault(data, truth, high, end, name)
    if record["side"] == "client":
        start, end = region["lease"]
        next_slot = start + SLOT * record["lease_next"]
        faults += erased_fault(data, truth, start, next_slot, "lease")
        faults += intact_fault(data, truth, next_slot, end, "lease")
        if record["state"] == ACTIVE:
            at = region["activation"][0]
            faults += erased_fault(data, truth, at, at + 2 * KEY, "activation")
    return faults


def look(evidence, life, folder, running):
    truth, lines = Truth(evidence), []
    for path in tables_below(folder):
        table = os.path.basename(path)
        record = ledger_read(os.path.join(path, "ledger"))
        line = {"life": life, "table": table, "ledger": record, "faults": []}
        if record is None:
            line["faults"].append("no record of the ledger verifies")
        elif record["table"] != table or table not in truth:
            line["faults"].append("the ledger is another table's, or the table was never kept")
        else:
            header, made = truth[table]
            line["faults"] += file_faults(header, made, read(os.path.join(path, "table")), record, running)
        lines.append(line)
    with open(os.path.join(evidence, "lives"), "a", encoding="ascii") as out:
        for line in lines:
            out.write(json.dumps(line) + "\n")


# ---- ledgers over time -------------------------------------------------------------------------------

def ledger_faults(lines):
    """Within a life no number goes down, no state goes back, and one number is one record."""
    faults, last = [], {}
    for line in lines:
        who, now = f"{line['life']} table {line['table'][:8]}", line["ledger"]
        faults += [f"{who}: {fault}" for fault in line["faults"]]
        before = last.get((line["life"], line["table"]))
        if now is None:
            continue
        last[line["life"], line["table"]] = now
        if before is None:
            continue
        for name in [*NUMBERS, "state"]:
            if now[name] < before[name]:
                faults.append(f"{who}: {name} of the ledger went back from {before[name]} to {now[name]}")
        if now["seq"] == before["seq"] and now["digest"] != before["digest"]:
            faults.append(f"{who}: two records have the number {now['seq']}")
    return faults


def high_waters(lines):
    """(table, side) -> what is used by then: of the hub as last seen, of a client by all its lives."""
    high = {}
    for line in lines:
        now = line["ledger"]
        if now is None:
            continue
        marks = {name: now[name] for name in ("lease_next", "up_high", "down_high")}
        old = high.get((line["table"], now["side"]))
        if old and now["side"] == "client":
            marks = {name: max(value, old[name]) for name, value in marks.items()}
        high[line["table"], now["side"]] = marks
    return high


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
        if self.kind in (SHARE, INSTRUCTION) and self.length > HEAD:
            yield self.offset + HEAD, self.end

    def fields(self, count):
        """The body's, or None when there are not as many."""
        fields = cbor2.loads(self.body)
        return fields if isinstance(fields, list) and len(fields) == count else None

    def __str__(self):
        return f"{self.name} on [{self.offset},{self.end}) of table {self.table[:8]}"


def frames_of(paths):
    """Each different frame once: the same bytes again are harmless (doc/protocol.md 5.2)."""
    seen = set()
    for path in paths:
        with open(path, encoding="ascii") as lines:
            for line in lines:
                fields = json.loads(line)
                if "item" not in fields or fields["item"] in seen:
                    continue
                seen.add(fields["item"])
                frame = Frame(bytes.fromhex(fields["item"]))
                if frame.kind != NOTE:
                    yield frame


def reuse_faults(frames, clones):
    """Two messages on one byte; two ranges that overlap and are not one.  Also: slots leased twice."""
    faults, twice, uses, ranges = [], set(), {}, {}
    for frame in frames:
        ranges.setdefault(frame.table, set()).add((frame.offset, frame.end))
        for start, end in frame.uses():
            uses.setdefault(frame.table, []).append((start, end, frame))
    for table, spans in uses.items():
        spans.sort(key=lambda use: use[:2])
        furthest = None
        for use in spans:
            if furthest and use[0] < furthest[1]:
                if clones and use[2].kind == furthest[2].kind == LEASE and use[2].offset == furthest[2].offset:
                    twice.add((table, use[2].offset))
                else:
                    faults.append(f"bytes from {use[0]} used twice: {furthest[2]}, and {use[2]}")
            if furthest is None or use[1] > furthest[1]:
                furthest = use
    for table, spans in ranges.items():
        reach = (0, 0)
        for span in sorted(spans):
            if span[0] < reach[1]:
                faults.append(f"table {table[:8]}: ranges {reach} and {span} overlap and are not one")
            reach = max(reach, span, key=lambda s: s[1])
    return faults, twice


def alarm_faults(frames, twice):
    alarms = {(frame.table, frame.offset) for frame in frames if frame.kind == CLONED}
    return [f"table {table[:8]}: a copy leased the slot at {offset} again and there was no alarm"
            for table, offset in sorted(twice - alarms)]


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


def window_faults(frames):
    """Requests lie in what was granted, instructions in what was confirmed."""
    windows = {"up": {}, "down": {}}
    for frame in frames:
        if frame.kind in (GRANT, CONFIRM):
            *_, start, end = frame.fields(4 if frame.kind == GRANT else 3) or [0, 0]
            windows["up" if frame.kind == GRANT else "down"].setdefault(frame.table, []).append((start, end))
    return [f"{frame}: in no window of that region" for frame in frames if frame.region in windows and
            not any(a <= frame.offset and frame.end <= b for a, b in windows[frame.region].get(frame.table, []))]


def pad_faults(frames, truth):
    """A share is the same at both ends of its hub once the pads that the ranges name are taken off."""
    faults, shares = [], {}
    for frame in frames:
        if frame.kind not in (SHARE, INSTRUCTION) or frame.table not in truth:
            continue
        header, made = truth[frame.table]
        terms, *_, sealed = frame.fields(4 if frame.kind == SHARE else 2) or [None, None]
        if terms is None:
            faults.append(f"{frame}: its body is not that of its type")
            continue
        pad = made[frame.offset + HEAD:frame.end]
        share = bytes(a ^ b for a, b in zip(pad, sealed)) if sealed else pad
        name = (header.hub, terms[0], terms[1])
        if sealed == pad and sealed:
            faults.append(f"{frame}: pad bytes in clear on the wire")
        if shares.setdefault(name, share) != share:
            faults.append(f"{frame}: its ciphertext was not made with the pad that its range names")
    return faults


def ledger_covers(frame, high):
    """Both ends have recorded what was on the wire."""
    faults = []
    for side in ("client", "hub"):
        marks = high.get((frame.table, side))
        if marks is None or frame.region == "activation":
            continue
        if frame.region == "lease":
            short = side == "client" or frame.kind == GRANT
            short = short and frame.slot >= marks["lease_next"]
        else:
            short = frame.end > marks[frame.region + "_high"]
        if short:
            faults.append(f"{frame}: its bytes are unused by the {side}'s ledger")
    return faults


# ---- the judgement -----------------------------------------------------------------------------------

def judge_frames(evidence, frames, high):
    truth, faults = Truth(evidence), []
    cache = os.path.join(evidence, "verified")
    verified = set(read(cache).decode().split()) if os.path.exists(cache) else set()
    for frame in frames:
        if frame.table not in truth:
            faults.append(f"{frame}: a table that was never kept")
            continue
        header, made = truth[frame.table]
        wrong = place_faults(frame, header)
        if not wrong:
            frame.slot = (frame.offset - header.region["lease"][0]) // SLOT
            wrong = tag_faults(frame, made, verified) + ledger_covers(frame, high)
        faults += wrong
    with open(cache, "w", encoding="ascii") as out:
        out.write("\n".join(sorted(verified)))
    return faults + window_faults(frames) + pad_faults(frames, truth)


def report(frames, faults, more=""):
    for fault in faults[:20]:
        print("# " + fault)
    tables = {frame.table for frame in frames}
    used = sum(end - start for frame in frames for start, end in frame.uses())
    print(f"# {len(frames)} frames of {len(tables)} tables used {used} bytes; {more}{len(faults)} faults")
    if not frames:
        print("# nothing was recorded, so nothing is shown")
    return 1 if faults or not frames else 0


def audit(evidence, clones):
    frames = list(frames_of([os.path.join(evidence, "wire")]))
    with open(os.path.join(evidence, "lives"), encoding="ascii") as file:
        lines = [json.loads(line) for line in file]
    reused, twice = reuse_faults(frames, clones)
    faults = reused + alarm_faults(frames, twice) + ledger_faults(lines)
    faults += judge_frames(evidence, frames, high_waters(lines))
    return report(frames, faults, f"{len(lines)} looks at ledgers; "
                                  f"{len(twice)} slots leased by two copies; ")


def wire(paths):
    frames = list(frames_of(paths))
    return report(frames, reuse_faults(frames, False)[0])


def main(arguments):
    options = {a for a in arguments if a.startswith("--")}
    words = [a for a in arguments if a not in options]
    match words:
        case ["keep", evidence, _, *_]:
            keep(evidence, words[2:])
        case ["look", evidence, life, folder] if options <= {"--running"}:
            look(evidence, life, folder, bool(options))
        case ["audit", evidence] if options <= {"--clones"}:
            return audit(evidence, bool(options))
        case ["wire", _, *_] if not options:
            return wire(words[1:])
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
