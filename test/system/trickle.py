#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""trickle: a way to a hub that lets one byte a second through, in its direction to the client.

  trickle.py LISTEN TARGET    ports on 127.0.0.1
"""
import asyncio
import sys


async def pass_on(reader, writer, most, pause):
    try:
        while data := await reader.read(most):
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        pass
    writer.close()


async def main(listen, target):
    async def accepted(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pass_on(reader, far_writer, 65536, 0), pass_on(far_reader, writer, 1, 1))

    server = await asyncio.start_server(accepted, "127.0.0.1", listen)
    await server.serve_forever()


if len(sys.argv) != 3:
    sys.exit(__doc__)
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
