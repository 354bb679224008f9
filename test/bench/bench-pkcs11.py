#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench-pkcs11.py [KEYS [SOFTHSM-KEYS]]: calls a second of this module and of SoftHSM in one run, in rows that say "full"
with so many token keys (10000, and 500 in SoftHSM, which slows down with each); and where it helps what `openssl
speed` says of the same machine.  Both tokens lie below TMPDIR.

SoftHSM writes a file for each object and syncs none; ours is durable when the call returns.  PINs of the token are of
the cheapest Argon2id (what a test takes), so that `login` is the store's work; at its default one takes 0.15 s by
intent.  make bench-pkcs11 runs it; no row passes or fails."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("top_builddir", "."))
PIN, SO_PIN = "123456", "87654321"
SOFTHSM = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"]


def run(*command, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def rows(module, label, keys, env):
    said = run(BUILD / "test/bench/bench-pkcs11", module, label, PIN, keys, env=env)
    return {name: float(number) for name, number in (line.split("\t") for line in said.splitlines())}


def ours(folder, keys):
    folder.mkdir()
    conf = folder / "dske.conf"
    conf.write_text(f"[client]\nname = alice\nid = {'0a' * 16}\nlog = {folder}/log\n")
    (folder / "peers").write_text("")
    run(BUILD / "test/pkcs11/make-token", folder, "alice", SO_PIN, PIN)
    return rows(BUILD / "test/pkcs11/.libs/dske-fake.so", "alice", keys, {"DSKE_CONF": str(conf)})


def softhsm(folder, keys):
    module = next((m for m in SOFTHSM if os.path.exists(m)), None)
    if module is None or shutil.which("softhsm2-util") is None:
        return {}
    (folder / "tokens").mkdir(parents=True)
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": str(conf)}
    run("softhsm2-util", "--init-token", "--free", "--label", "reference", "--so-pin", SO_PIN, "--pin", PIN, env=env)
    return rows(module, "reference", keys, env)


def speed(option, size):
    """Calls a second of openssl speed, or None."""
    if shutil.which("openssl") is None:
        return None
    said = run("openssl", "speed", *option, "-bytes", size, "-seconds", 1, "-mr")
    return float(said.strip().splitlines()[-1].split(":")[-1]) / size


def openssl():
    return {"AES-GCM, 64 bytes": speed(["-evp", "aes-256-gcm"], 64), "AES-GCM, 1 KiB": speed(["-evp", "aes-256-gcm"], 1024),
            "HMAC-SHA256, 64 bytes": speed(["-hmac", "sha256"], 64), "HMAC-SHA256, 1 KiB": speed(["-hmac", "sha256"], 1024),
            "SHA-256, 1 KiB": speed(["-evp", "sha256"], 1024)}


def main():
    keys, their_keys = ([int(n) for n in sys.argv[1:]] + [10000, 500][len(sys.argv) - 1:])[:2]
    print(f"# commit    {os.environ.get('DSKE_BENCH_COMMIT', 'unknown')}")
    print(f"# full     {keys} token keys, in SoftHSM {their_keys}")
    print(f"# load      {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        mine = ours(pathlib.Path(scratch) / "dske", keys)
        theirs = softhsm(pathlib.Path(scratch) / "softhsm", their_keys)
    bare = openssl()
    print(f"{'calls a second':<42} {'dske':>10} {'SoftHSM':>10} {'ratio':>7} {'openssl':>10} {'ratio':>7}")
    for name, number in mine.items():
        line = f"{name:<42} {number:>10.0f}"
        other, plain = theirs.get(name), bare.get(name)
        line += f" {other:>10.0f} {number / other:>7.2f}" if other else f" {'-':>10} {'-':>7}"
        print(line + (f" {plain:>10.0f} {number / plain:>7.2f}" if plain else ""))


if __name__ == "__main__":
    main()
