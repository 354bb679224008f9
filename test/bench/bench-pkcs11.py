#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench-pkcs11.py [KEYS]: calls a second of this module and of SoftHSM in one run, in rows that say "full" with KEYS token
keys each (10000).  Beside them what is bare: for single messages libcrypto's EVP with a fresh IV for each, for changes
of the token 8 bytes written over and fdatasync; and `openssl speed`.  All come in turn, round by round: a row's figures
are medians of the rounds, its ratios medians of each round's.  Rows without a disk are of processor time, as `openssl
speed` has it, the others by the clock.  Tokens lie below TMPDIR.  BENCH_CSV=FILE has every single figure.

SoftHSM writes a file for each object and syncs none; ours is durable when the call returns.  SoftHSM makes a twentieth of
its keys; the others are copies of one key's file, since it takes half an hour to make them all.  `openssl speed` has
AES-GCM run without an IV and a tag for each message, which nobody may use so.

make bench-pkcs11 runs it; it says what is below whom, and passes all the same."""
import collections
import csv
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid

BUILD = pathlib.Path(os.environ.get("top_builddir", "."))
MODULE = BUILD / "test/pkcs11/.libs/dske-fake.so"
PIN, SO_PIN = "123456", "87654321"
SOFTHSM = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"]
SIDES = ["SoftHSM", "bare", "openssl speed"]


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def client(folder, *cost):
    """A client's folder with a token; its configuration."""
    folder.mkdir()
    conf = folder / "dske.conf"
    conf.write_text(f"[client]\nname = alice\nid = {'0a' * 16}\nlog = {folder}/log\n")
    (folder / "peers").write_text("")
    run(BUILD / "test/pkcs11/make-token", folder, "alice", SO_PIN, PIN, *cost)
    return str(conf)


def ours(folder):
    os.environ["DSKE_CONF"] = client(folder / "dske")
    os.environ["BENCH_COSTLY"] = client(folder / "costly", "costly")


def softhsm(folder):
    """Its module, or nothing."""
    module = next((m for m in SOFTHSM if os.path.exists(m)), None)
    if module is None or shutil.which("softhsm2-util") is None:
        return []
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    run("softhsm2-util", "--init-token", "--free", "--label", "reference", "--so-pin", SO_PIN, "--pin", PIN)
    return [module]


def keys_of(folder):
    return [p for p in folder.glob("tokens/*/*.object") if p.name != "token.object"]


def copies(seed, count):
    for _ in range(count):
        shutil.copy(seed, seed.with_name(f"{uuid.uuid4()}.object"))


def part(name, keys, modules, found):
    for line in run(BUILD / "test/bench/bench-pkcs11", name, MODULE, keys, *modules).splitlines():
        row, side, number = line.split("\t")
        found[row][side].append(float(number))


def measure(folder, keys):
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    ours(folder)
    other = softhsm(folder)
    part("seed", keys, other, found)
    seed = keys_of(folder)
    part("empty", keys, other, found)
    if seed:
        copies(seed[0], keys - len(keys_of(folder)))
    part("full", keys, other, found)
    return found


def ratio(sides, other):
    """Ours to the other's, the median of the rounds; None where there is no other."""
    pairs = [a / b for a, b in zip(sides["dske"], sides.get(other, []))]
    return statistics.median(pairs) if pairs else None


def table(found):
    print(f"{'calls a second':<58} {'dske':>10}" + "".join(f" {side:>13} {'ratio':>7}" for side in SIDES))
    for row, sides in found.items():
        line = f"{row:<58} {statistics.median(sides['dske']):>10.0f}"
        for side in SIDES:
            there = side in sides
            line += f" {statistics.median(sides[side]):>13.0f} {ratio(sides, side):>7.2f}" if there else " " * 22
        print(line.rstrip())


def verdicts(found):
    below = [row for row, sides in found.items() if (ratio(sides, "SoftHSM") or 1) < 1]
    far = [row for row, sides in found.items() if (ratio(sides, "openssl speed") or 1) < 0.5]
    print(f"# below SoftHSM: {'; '.join(below) or 'none'}")
    print(f"# below half of openssl speed: {'; '.join(far) or 'none'}")


def main():
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    if keys < 100:
        sys.exit("at least 100 keys")
    print(f"# commit    {os.environ.get('DSKE_BENCH_COMMIT', 'unknown')}")
    print(f"# full      {keys} token keys on either side")
    print(f"# load      {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(pathlib.Path(scratch), keys)
    table(found)
    verdicts(found)
    if "BENCH_CSV" in os.environ:
        with open(os.environ["BENCH_CSV"], "w", newline="") as out:
            sheet = csv.writer(out)
            sheet.writerow(["row", "side", "round", "calls a second"])
            sheet.writerows((row, side, n + 1, value) for row, sides in found.items() for side, values in sides.items()
                            for n, value in enumerate(values))


if __name__ == "__main__":
    main()
