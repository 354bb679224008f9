#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wiretap: forwards TCP between clients and hubs, and records what it saw.

  wiretap.py record FILE LISTEN=TARGET...   ports on 127.0.0.1, or on DEMO_HOST; appends a line a frame to FILE

A line is JSON: the whole item in hexadecimal, and its type and range for whoever reads along.
test/audit/auditor.py judges it.  Shares no code with the programs: frames are cut by their length and
decoded by cbor2.
"""
import asyncio
import json
import os
import sys

import cbor2

HOST = os.environ.get("DEMO_HOST", "127.0.0.1")


def describe(item):
    fields = cbor2.loads(item)
    if len(fields) == 6:  # of a direct link between two clients
        return {"direct": fields[1], "item": item.hex()}
    _, kind, _, table, offset, length, _, _ = fields
    return {"kind": kind, "table": table.hex(), "offset": offset, "length": length, "item": item.hex()}


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
            await passed_on(writer, data)
    except ConnectionError:
        pass
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


async def passed_on(writer, data):
    """Who has left hears nothing more, but what was said to him still counts: it goes on being recorded."""
    try:
        if not writer.is_closing():
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass


async def serve(port, target, pump):
    """Takes connections for target; pump(reader, writer, (target, "up" or "down")) passes each direction on."""
    async def accepted(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, target)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(pump(reader, far_writer, (target, "up")), pump(far_reader, writer, (target, "down")))
        finally:
            writer.close()
            far_writer.close()

    return await asyncio.start_server(accepted, HOST, port)


async def record(path, pairs):
    with open(path, "a", encoding="ascii") as out:
        def tapped(reader, writer, _side):
            return pump(reader, writer, out)

        servers = [await serve(*map(int, pair.split("=")), tapped) for pair in pairs]
        await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    if len(sys.argv) >= 4 and sys.argv[1] == "record":
        try:
            asyncio.run(record(sys.argv[2], sys.argv[3:]))
        except KeyboardInterrupt:
            pass
    else:
        sys.exit(__doc__)
