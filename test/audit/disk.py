# SPDX-License-Identifier: Apache-2.0
"""disk: the auditor's eye on table files, ledgers and headers; written from doc/pskm-format.md."""
import hashlib
import json
import os
import shutil
import struct
import time

import cbor2

KEY = 32
SLOT = 4 * KEY
ACTIVE = 2  # the third of a table's states
SETTLED_NS = 100_000_000  # longer than a file system's clock stands still
REGIONS = ["container", "activation", "lease", "up", "down"]
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
        erased = start + SLOT * record["erased_lease"] if running else next_slot
        faults += erased_fault(data, truth, start, erased, "lease")
        faults += intact_fault(data, truth, next_slot, end, "lease")
        if record["state"] == ACTIVE and not running:
            at = region["activation"][0]
            faults += erased_fault(data, truth, at, at + 2 * KEY, "activation")
    return faults


def stamp(path):
    """What tells whether a table was touched; None while a write may not show in its times yet."""
    found = [os.stat(os.path.join(path, name)) for name in ("table", "ledger")]
    if time.time_ns() - max(st.st_ctime_ns for st in found) < SETTLED_NS:
        return None
    return [(st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns) for st in found]


def look_at(truth, life, path, running):
    table, record = os.path.basename(path), ledger_read(os.path.join(path, "ledger"))
    line = {"life": life, "table": table, "ledger": record, "faults": []}
    if record is None:
        line["faults"].append("no record of the ledger verifies")
    elif record["table"] != table or table not in truth:
        line["faults"].append("the ledger is another table's, or the table was never kept")
    else:
        header, made = truth[table]
        line["faults"] += file_faults(header, made, read(os.path.join(path, "table")), record, running)
    return line


def look(evidence, life, folder, running, truth=None, seen=None):
    """seen: (life, path, running) -> stamp, of what need not be read again; kept by who looks often."""
    truth, lines = truth or Truth(evidence), []
    for path in tables_below(folder):
        now, key = stamp(path), (life, path, running)
        if seen is not None and now is not None and seen.get(key) == now:
            continue
        lines.append(look_at(truth, life, path, running))
        if seen is not None:
            seen[key] = now
    with open(os.path.join(evidence, "lives"), "a", encoding="ascii") as out:
        for line in lines:
            out.write(json.dumps(line) + "\n")
