# SPDX-License-Identifier: Apache-2.0
"""disk: the auditor's eye on table files, ledgers and headers; written from doc/pskm-format.md."""
import hashlib
import hmac
import json
import mmap
import os
import re
import shutil
import struct
import time

import cbor2
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY = 32
SLOT = 4 * KEY
ACTIVE, RETIRED = 2, 5  # of a table's states
RETIRING_AT = 3 * KEY  # in the activation region, where it has room: the keys of RETIRE and RETIRED
CHUNK = 65536  # bytes of a table under one salt
SALTS_AT, SALT = 4096, 32
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


# ---- the cover ---------------------------------------------------------------------------------------

def table_key(path):
    """Of a table's folder STATE/tables/ID: what the configuration in STATE names; None if it names nothing."""
    state = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    for name in ("hubd.conf", "dske.conf", "distributor.conf"):
        conf = os.path.join(state, name)
        found = re.search(r"^table_key = (\S+)", read(conf).decode(), re.M) if os.path.exists(conf) else None
        if found:
            return hmac.digest(b"DSKE table key 1", read(os.path.join(state, found[1])), "sha256")
    return None


def chunk_key(key, table, number, salt):
    return hmac.digest(key, bytes.fromhex(table) + struct.pack(">Q", number) + salt, "sha256")


class Cover:
    """The file `keys`: its salts, and the table's bytes as they would be read with them."""

    def __init__(self, table, data, key):
        self.table = table
        self.fault, self.key = self.head_fault(data[:SALTS_AT], key)
        self.salts = [data[at:at + SALT] for at in range(SALTS_AT, len(data), SALT)]

    def head_fault(self, head, key):
        if head[:8] != b"DSKEKEYS" or hashlib.sha256(head[:4064]).digest() != head[4064:]:
            return "the head of keys does not verify", None
        if head[8:32] != struct.pack(">II", 1, CHUNK) + bytes.fromhex(self.table) or head[32] > 1:
            return "the head of keys is another table's", None
        key = key if head[32] else bytes(32)
        if key is None or chunk_key(key, self.table, 2**64 - 1, bytes(SALT))[:16] != head[40:56]:
            return "keys is under another table key", None
        return None, key

    def plain(self, stored):
        """Of a chunk whose salt is destroyed, what is stored."""
        out = bytearray(stored)
        for number, salt in enumerate(self.salts):
            at = number * CHUNK
            if any(salt):
                key = chunk_key(self.key, self.table, number, salt)
                cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
                out[at:at + CHUNK] = cipher.update(stored[at:at + CHUNK])
        return bytes(out)


def cover_of(path):
    return Cover(os.path.basename(path), read(os.path.join(path, "keys")), table_key(path))


def tables_below(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if not name.startswith(".") and os.path.exists(os.path.join(folder, name, "table"))]


def keep(evidence, folders):
    os.makedirs(os.path.join(evidence, "truth"), exist_ok=True)
    for path in (p for folder in folders for p in tables_below(folder)):
        to = os.path.join(evidence, "truth", os.path.basename(path))
        if not os.path.exists(to):
            os.makedirs(to)
            shutil.copyfile(os.path.join(path, "header"), os.path.join(to, "header"))
            with open(os.path.join(to, "table"), "wb") as out:
                out.write(cover_of(path).plain(read(os.path.join(path, "table"))))


class Truth:
    def __init__(self, evidence):
        self.folder, self.known = os.path.join(evidence, "truth"), {}

    def __getitem__(self, table):
        """(header, bytes) of a table as it was made."""
        if table not in self.known:
            where = os.path.join(self.folder, table)
            with open(os.path.join(where, "table"), "rb") as file:
                made = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # there are many, and they are large
            self.known[table] = (Header(read(os.path.join(where, "header"))), made)
        return self.known[table]

    def __contains__(self, table):
        return os.path.exists(os.path.join(self.folder, table))

    def forget(self, table):
        """It is gone, and all of it was judged: what it is seen in from here on is a fault."""
        if table in self.known:
            self.known.pop(table)[1].close()
        shutil.rmtree(os.path.join(self.folder, table))


# ---- a table file beside its ledger and the truth ----------------------------------------------------

def erased_fault(data, plain, truth, start, end, what):
    """Used bytes must be gone: neither as they were made, nor anything else that might be secret."""
    if data[start:end] == bytes(max(0, end - start)):
        return []
    left = [i for i in range(start, end) if data[i] and plain[i] == truth[i]]
    other = sum(1 for i in range(start, end) if data[i] and plain[i] != truth[i])
    if left:
        return [f"{len(left)} used bytes of {what} are still in the file, from {left[0]} to {left[-1]}"]
    return [f"{other} used bytes of {what} were overwritten with something, not erased"]


def intact_fault(plain, truth, start, end, what):
    if plain[start:end] == truth[start:end]:
        return []
    return [f"unused bytes of {what} in [{start},{end}) are not those of the table as it was made"]


def used_below(region, record, running):
    """Per region, below which offset nothing may be left; and below which something may be gone."""
    marks, gone = {"container": region["container"][1]}, {"container": region["container"][1]}
    for name in ("up", "down"):
        marks[name], gone[name] = record["erased_" + name] if running else record[name + "_high"], record[name + "_high"]
    if record["side"] == "client":
        start = region["lease"][0]
        gone["lease"] = start + SLOT * record["lease_next"]
        marks["lease"] = start + SLOT * record["erased_lease"] if running else gone["lease"]
    return marks, gone


def all_within(region, marks, start, end):
    return all(end <= low or start >= high or min(end, high) <= marks.get(name, low)
               for name, (low, high) in region.items())


def salt_faults(region, salts, size, record, running):
    """A chunk of which all is used has no key any more; one with something left has its own."""
    marks, gone = used_below(region, record, running)
    faults = []
    for number, salt in enumerate(salts):
        chunk = number * CHUNK, min(size, (number + 1) * CHUNK)
        if any(salt) and all_within(region, marks, *chunk):
            faults.append(f"chunk {number} is all used, and its key was not destroyed")
        if not any(salt) and not all_within(region, gone, *chunk):
            faults.append(f"chunk {number} is not all used, and its key is destroyed")
    return faults


def retired_faults(header, truth, data, cover, record):
    """What the ledger calls erased is; once that is all, nothing is left but the keys of retiring."""
    region, plain, faults = header.region, cover.plain(data), []
    for name in ("up", "down"):
        faults += erased_fault(data, plain, truth, region[name][0], record["erased_" + name], name)
    if any(record["erased_" + name] != region[name][1] for name in ("up", "down")):
        return faults
    keys = [region["activation"][0] + RETIRING_AT, region["activation"][0] + RETIRING_AT + 2 * KEY]
    if keys[1] > region["activation"][1]:
        keys = [0, 0]
    faults += erased_fault(data, plain, truth, 0, keys[0], "a retired table")
    faults += erased_fault(data, plain, truth, keys[1], len(data), "a retired table")
    return faults + [f"chunk {number} of a retired table: its key was not destroyed"
                     for number, salt in enumerate(cover.salts)
                     if any(salt) and not (number * CHUNK < keys[1] and keys[0] < (number + 1) * CHUNK)]


def file_faults(header, truth, data, cover, record, running):
    """The table file and its keys against truth and ledger."""
    if len(data) != len(truth) or len(cover.salts) != (len(truth) + CHUNK - 1) // CHUNK:
        return ["the table file has another size than it was made with"]
    if cover.fault:
        return [cover.fault]
    if record["state"] == RETIRED:
        return retired_faults(header, truth, data, cover, record)
    region, plain = header.region, cover.plain(data)
    faults = salt_faults(region, cover.salts, len(data), record, running)
    faults += erased_fault(data, plain, truth, *region["container"], "container")
    for name in ("up", "down"):
        start, end = region[name]
        high = record[name + "_high"]
        if not start <= high <= end:
            return [f"{name}_high {high} lies outside of its region"]
        erased = record["erased_" + name] if running else high
        faults += erased_fault(data, plain, truth, start, erased, name)
        faults += intact_fault(plain, truth, high, end, name)
    if record["side"] == "client":
        start, end = region["lease"]
        next_slot = start + SLOT * record["lease_next"]
        erased = start + SLOT * record["erased_lease"] if running else next_slot
        faults += erased_fault(data, plain, truth, start, erased, "lease")
        faults += intact_fault(plain, truth, next_slot, end, "lease")
        if record["state"] == ACTIVE and not running:
            at = region["activation"][0]
            faults += erased_fault(data, plain, truth, at, at + 2 * KEY, "activation")
    return faults


def stamp(path):
    """What tells whether a table was touched; None while a write may not show in its times yet."""
    found = [os.stat(os.path.join(path, name)) for name in ("table", "keys", "ledger")]
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
        line["faults"] += file_faults(header, made, read(os.path.join(path, "table")), cover_of(path), record, running)
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
