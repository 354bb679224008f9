# SPDX-License-Identifier: Apache-2.0
"""moved: what the auditor knows of tables that were made of another one's rest (doc/pskm-format.md, references).

Their bytes are the source's, in the order of the ranges that the PSKM names; so these are used up there, by the move
and by nothing else, and no second move has any of them.
"""
import hashlib
import json
import os

MOVED = 6  # state of a source


def reference(path):
    """What a PSKM of kind 2 says: {"table", "source", "up", "down"}."""
    with open(path, "rb") as file:
        data = file.read()
    at = 16 + int.from_bytes(data[12:16], "big")
    if data[:8] != b"DSKEREFS" or hashlib.sha256(data[:at + 56]).digest() != data[at + 56:at + 88] or data[at] != 2:
        raise ValueError(f"{path} names no rest of a table")
    up, down = ([int.from_bytes(data[i:i + 8], "big") for i in (j, j + 8)] for j in (at + 24, at + 40))
    table = data[16:at].split(b"\x50", 1)[1][:16]  # version, then the table's ID, a byte string of 16
    return {"table": table.hex(), "source": data[at + 8:at + 24].hex(), "up": up, "down": down}


def record(evidence, path):
    with open(os.path.join(evidence, "moved"), "a", encoding="ascii") as out:
        out.write(json.dumps(reference(path)) + "\n")


class Owner:
    """Stands in for a message where bytes were used by a move."""
    kind = offset = None

    def __init__(self, move):
        self.table = move["table"]

    def __str__(self):
        return f"the move to table {self.table[:8]}"


class Moves:
    """Read on from where the last reading ended."""

    def __init__(self, evidence):
        self.path, self.at, self.known = os.path.join(evidence, "moved"), 0, []

    def more(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="ascii") as file:
            file.seek(self.at)
            fresh = [json.loads(line) for line in file.readlines()]
            self.at = file.tell()
        self.known += fresh
        return fresh

    def use_faults(self, move, ranges):
        """ranges: those of one table's messages and moves."""
        return [f"table {move['source'][:8]}: bytes from {max(start, other[0])} used by {other[2] or 'a message'}, and by "
                f"{Owner(move)}"
                for start, end in (move["up"], move["down"]) if start < end
                for other in ranges.add(start, end, Owner(move))]

    @staticmethod
    def truth_faults(move, truth):
        for name in ("table", "source"):
            if move[name] not in truth:
                return [f"{Owner(move)}: table {move[name][:8]} was never kept"]
        header, made = truth[move["table"]]
        source = truth[move["source"]][1]
        whole = b"".join(source[start:end] for start, end in (move["up"], move["down"]))
        keys_end = header.region["container"][1]  # erased before it could be kept
        if len(whole) == len(made) and whole[keys_end:] == made[keys_end:]:
            return []
        return [f"{Owner(move)}: its bytes are not those that were moved"]

    def ledger_faults(self, high, truth):
        """Who has the new table has recorded that the old one is used to its ends."""
        faults = []
        for move in self.known:
            if move["source"] not in truth:
                continue
            region = truth[move["source"]][0].region
            for side in ("client", "hub"):
                marks = high.get((move["source"], side))
                if marks is None or (move["table"], side) not in high:
                    continue
                if marks["state"] < MOVED or any(marks[n + "_high"] != region[n][1] for n in ("up", "down")):
                    faults.append(f"{Owner(move)}: table {move['source'][:8]} is not used up by the {side}'s ledger")
        return faults
