#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wiretap: forwards TCP between clients and hubs, and audits one-time use by what it saw.

  wiretap.py record FILE LISTEN=TARGET...   ports on 127.0.0.1; appends a line a frame to FILE
  wiretap.py audit FILE...                  exits 1 and says so if any table byte served twice

Shares no code with the project: frames are cut by their length and decoded by cbor2.

What the audit holds: two frames whose ranges of one table overlap must name exactly the same range;
and within a range each kind of frame has one content only.  So a range has one request and one
answer; repeating the same bytes is harmless.  (Notes carry no tag and use no pad.)
"""
import asyncio
import hashlib
import json
import sys

import cbor2

NOTE = 255
# kinds that belong to one range together: a request and what answers it
FAMILIES = [{1, 2, 3}, {4, 5, 6, 7}, {8, 9}, {10, 9}, {11, 12}, {13, 14}]


def describe(item):
    version, kind, sender, table, offset, length, body, tag = cbor2.loads(item)
    return {"kind": kind, "table": table.hex(), "offset": offset, "length": length,
            "digest": hashlib.sha256(item).hexdigest()}


async def pump(reader, writer, out):
    pending = b""
    try:
        while data := await reader.read(65536):
            pending += data
            while len(pending) >= 4:
                size = int.from_bytes(pending[:4], "big")
                if size > 1 << 22:
                    pending = b""
                    break
                if len(pending) < 4 + size:
                    break
                try:
                    out.write(json.dumps(describe(pending[4:4 + size])) + "\n")
                    out.flush()
                except (ValueError, TypeError, cbor2.CBORDecodeError):
                    out.write(json.dumps({"garbage": size}) + "\n")
                pending = pending[4 + size:]
            # recorded first, then passed on: what was not recorded was not sent
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(port, target, out):
    async def accepted(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pump(reader, far_writer, out), pump(far_reader, writer, out))

    return await asyncio.start_server(accepted, "127.0.0.1", port)


async def record(path, pairs):
    with open(path, "a", encoding="ascii") as out:
        servers = [await serve(*map(int, pair.split("=")), out) for pair in pairs]
        await asyncio.gather(*(server.serve_forever() for server in servers))


def related(a, b):
    return any(a in family and b in family for family in FAMILIES)


def audit(paths):
    seen = {}  # (table, offset, length) -> {kind: digest}
    faults, frames = [], 0
    for path in paths:
        with open(path, encoding="ascii") as lines:
            for line in lines:
                f = json.loads(line)
                if "garbage" in f or f["kind"] == NOTE or f["length"] == 0:
                    continue
                frames += 1
                kinds = seen.setdefault((f["table"], f["offset"], f["length"]), {})
                if kinds.setdefault(f["kind"], f["digest"]) != f["digest"]:
                    faults.append(f"two contents of kind {f['kind']} on one range: {f}")
                if not all(k == f["kind"] or related(k, f["kind"]) for k in kinds):
                    faults.append(f"kinds {sorted(kinds)} on one range: {f}")
    tables = {}
    for table, offset, length in seen:
        tables.setdefault(table, []).append((offset, offset + length))
    for table, spans in tables.items():
        spans.sort()
        for (a, b), (c, d) in zip(spans, spans[1:]):
            if c < b:
                faults.append(f"table {table}: [{a},{b}) and [{c},{d}) overlap")
    for fault in faults[:20]:
        print("# " + fault)
    print(f"# {frames} frames, {len(seen)} ranges of {len(tables)} tables, {len(faults)} faults")
    return 1 if faults or not frames else 0


if __name__ == "__main__":
    if len(sys.argv) >= 4 and sys.argv[1] == "record":
        try:
            asyncio.run(record(sys.argv[2], sys.argv[3:]))
        except KeyboardInterrupt:
            pass
    elif len(sys.argv) >= 3 and sys.argv[1] == "audit":
        sys.exit(audit(sys.argv[2:]))
    else:
        sys.exit(__doc__)
