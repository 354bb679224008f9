#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""portions: holds a Local Distributor's stock to the one promise, that no byte of it is used twice.

  portions.py EVIDENCE STOCK...   judges the copies of stocks (folders STATE/stock/ID), at whichever side

EVIDENCE/truth has the stocks as they were made, and the tables as their clients got them (auditor.py keep).
Judged are: the ledger's part for stocks, each record of the log, that portions adjoin and lie in the body,
that each table is those bytes of the stock, that what is used is gone from the file and what is not is
there, and every report: its tag, its place in the chain, and that it tells what the log does.

Written from doc/pskm-format.md, pskm/format.h and doc/dske.cddl; shares no code with the programs.
"""
import hashlib
import os
import struct
import sys

import cbor2

sys.dont_write_bytecode = True  # the source tree may be somebody else's, and stays as it is
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spec"))
from disk import KEY, SLOT, Truth, cover_of, erased_fault, intact_fault, ledger_read, read  # noqa: E402
from model import message_tag  # noqa: E402  the second implementation of the tag

STOCK_AT, RECORD, PORTION = 2192, 192, 160
FIELDS = ("logged", "settled", "report_first", "reports")


class Portion:
    def __init__(self, data):
        self.start, *self.ends = struct.unpack_from(">6Q", data)
        self.table, self.client = data[48:64], data[64:80]
        self.cut, self.wasted = struct.unpack_from(">QB", data, 80)
        self.name = data[96:160].rstrip(b"\0").decode()
        self.end = self.start + self.ends[-1]

    def fields(self):
        """As a report has it."""
        return [self.start, self.ends, self.table, self.client, self.name, self.cut, self.wasted]

    def __str__(self):
        return f"portion [{self.start},{self.end}) of {self.name}"


class Stock:
    def __init__(self, path):
        self.path, self.id = path, os.path.basename(path)
        self.ledger = ledger_read(os.path.join(path, "ledger"))
        raw = read(os.path.join(path, "ledger"))
        at = 4096 * (self.ledger["seq"] % 2) + STOCK_AT
        self.numbers = dict(zip(FIELDS, struct.unpack_from(">4Q", raw, at)))
        self.digest, self.cutting, self.retired = raw[at + 40:at + 56], raw[at + 72], raw[at + 73]
        self.faults, self.portions, self.came = [], [], []
        for i in range(self.numbers["logged"]):
            self.take(i)

    def take(self, number):
        data = read(os.path.join(self.path, "log"))[RECORD * number:RECORD * (number + 1)]
        if (hashlib.sha256(bytes.fromhex(self.id) + data[:176]).digest()[:16] != data[176:]
                or int.from_bytes(data[:8], "big") != number):
            self.faults.append(f"record {number} of the log does not verify")
            return
        self.came.append(int.from_bytes(data[8:16], "big"))
        self.portions.append(Portion(data[16:16 + PORTION]))


def order_faults(stock, body):
    """Portions begin where the one before ended, and the ledger says where the last one does."""
    faults, at = [], body[0]
    for portion in stock.portions:
        if portion.start != at:
            faults.append(f"{portion} begins at another place than {at}")
        at = portion.end
    high = stock.ledger["up_high"]
    done = stock.ledger["side"] == "client" or stock.numbers["settled"] == stock.numbers["logged"]
    if at > body[1] or not stock.cutting and not stock.retired and done and at != high:
        faults.append(f"the last portion ends at {at}, and the ledger says {high}")
    return faults


def table_faults(stock, made, truth):
    """A table is its portion, but for the keys of its container, which nobody has any more."""
    faults = []
    for portion in stock.portions:
        name = portion.table.hex()
        if name not in truth or portion.wasted:
            continue
        header, table = truth[name]
        front = header.region["container"][1]
        if (header.client != portion.client or len(table) != portion.ends[-1]
                or table[front:] != made[portion.start + front:portion.end]):
            faults.append(f"table {name[:8]} is not the bytes of {portion}")
    return faults


def file_faults(stock, header, made):
    """Used bytes are gone, unused ones are there."""
    data, cover = read(os.path.join(stock.path, "table")), cover_of(stock.path)
    if cover.fault:
        return [cover.fault]
    plain, body, high = cover.plain(data), header.region["up"], stock.ledger["up_high"]
    faults = erased_fault(data, plain, made, body[0], stock.ledger["erased_up"], "the body")
    if stock.ledger["erased_up"] != high:
        faults.append("used bytes of the body wait to be erased")
    if not stock.retired:
        faults += intact_fault(plain, made, high, body[1], "the body")
    if stock.ledger["side"] == "client":
        start = header.region["lease"][0]
        faults += erased_fault(data, plain, made, start, start + SLOT * stock.numbers["reports"], "the reports' keys")
    return faults


def report_faults(stock, header, made):
    faults, before, told = [], bytes(16), []
    for number in range(1, stock.numbers["reports"] + 1):
        data = read(os.path.join(stock.path, f"report-{number}"))
        version, which, its_number, its_before, portions, tag = cbor2.loads(data)
        at = header.region["lease"][0] + SLOT * (number - 1)
        if message_tag(made[at:at + KEY], data[:-16]) != tag:
            faults.append(f"report {number}: its tag was not made with its key")
        if (version, which.hex(), its_number, its_before) != (1, stock.id, number, before):
            faults.append(f"report {number}: not that of this stock, number or history")
        before = hashlib.sha256(data[:-16]).digest()[:16]
        told += portions
    reported = stock.portions if stock.ledger["side"] == "hub" else stock.portions[:stock.numbers["settled"]]
    if stock.ledger["side"] == "hub":  # which may leave clients out
        told = [fields[:-1] + [fields[-1] or portion.wasted] for fields, portion in zip(told, reported)] + told[len(reported):]
    if told != [portion.fields() for portion in reported]:
        faults.append("the reports tell something else than the log")
    if before != stock.digest:
        faults.append("the ledger has another digest of the last report")
    return faults


def judge(path, truth):
    stock = Stock(path)
    header, made = truth[stock.id]
    faults = stock.faults or order_faults(stock, header.region["up"])
    if not faults:
        faults = table_faults(stock, made, truth) + file_faults(stock, header, made) + report_faults(stock, header, made)
    where = f"stock {stock.id[:8]} at the {stock.ledger['side']}"
    print(f"# {where}: {len(stock.portions)} portions, {stock.numbers['reports']} reports, {len(faults)} faults")
    return [f"{where}: {fault}" for fault in faults], stock


def twice_faults(stocks):
    """No byte of a stock is in two tables that a hub made."""
    faults, spans = [], sorted((s.id, p.start, p.end, p.table) for s in stocks if s.ledger["side"] == "hub"
                               for p in s.portions if not p.wasted)
    for one, other in zip(spans, spans[1:]):
        if one[0] == other[0] and other[1] < one[2] and one[3] != other[3]:
            faults.append(f"bytes from {other[1]} of stock {one[0][:8]} are in two tables")
    return faults


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    truth, faults, stocks = Truth(arguments[0]), [], []
    for path in arguments[1:]:
        found, stock = judge(os.path.abspath(path), truth)
        faults += found
        stocks.append(stock)
    faults += twice_faults(stocks)
    for fault in faults[:20]:
        print("# " + fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
