/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/format.h - the bytes on disk.  doc/pskm-format.md tells the reasons.
 *
 * Integers are unsigned and big-endian.  A table is a folder (0700) named by the 32 hexadecimal digits
 * of its ID; its files are 0600.  A folder named ".new-ID" is one being made, and no table.
 *
 * table     layout.len bytes: the table's, covered.  Byte n is the table's, XOR byte n mod 65536 of AES-256
 *           in counter mode (16 bytes, big-endian, from zero) under the key of chunk floor(n / 65536).  Bytes
 *           that are used up are zero, or a hole.
 *
 * keys      offset  length
 *                0       8  "DSKEKEYS"
 *                8       4  version, 1
 *               12       4  bytes of table in a chunk, 65536
 *               16      16  table ID
 *               32       1  mode: 0 no outer key, K is 32 zero bytes; 1 K is the table key of this side
 *               33       7  zero
 *               40      16  check value: the first 16 bytes of the key that chunk 2^64 - 1 would have with
 *                           a salt of zeros
 *               56      32  random: no other folder has this one, whatever its header says
 *               88    3976  zero
 *             4064      32  SHA-256 of the 4064 bytes before
 *           4096+32i    32  salt of chunk i, for each chunk; zeros: destroyed, and the chunk with it
 *           The key of chunk i is HMAC-SHA256(K, table ID || i in 8 bytes || salt i).
 *
 * making    only in a ".new-ID" whose making can be resumed
 *                0       8  "DSKEMAKE"
 *                8       4  version, 1
 *               12       4  bytes of the container's head, which
 *               16          is here, then zeros
 *             2048    1024  entropy sources, zero-padded
 *             3072    4096  absolute path of the container, zero-padded
 *             7168      32  salt
 *             7200      64  content key and the 16 bytes of the passphrase, under AES-256-GCM: key
 *                           HMAC-SHA256(K, "DSKE making 1" || salt), nonce zero, associated data all before the salt
 *             7264     928  zero
 *             8192   2*512  two marks, written by turns; the higher number whose sum holds counts:
 *                           number (8), chunks filled (8), chunks sealed (8; one more: the end too), the first 16
 *                           bytes of SHA-256 of these 24, zeros
 *
 * header    offset  length
 *                0       8  "DSKEHEAD"
 *                8       4  H, bytes of the header, at most PSKM_HEADER_MAX
 *               12       H  header (CBOR, doc/dske.cddl pskm-header)
 *             12+H      32  SHA-256 of all that precedes
 *
 * ledger    two slots of 4096 bytes; record number N lies in slot N mod 2.  The record with the higher
 *           number is the ledger, among those whose checksum holds.  A slot:
 *                0       8  "DSKELEDG"
 *                8       8  N, the record's number, from 1
 *               16      16  table ID
 *               32       1  side: 0 client, 1 hub
 *               33       1  state: enum table_state
 *               34       6  zero
 *               40      16  nonce of ACTIVATE; zero: none yet
 *               56       8  lease_next: client, its next slot; hub, the slot after the highest taken
 *               64       8  lease_taken (hub): bit s mod 64 tells whether slot s was taken, for the 64
 *                           slots below lease_next; slots below those count as taken
 *               72       8  up_high: every byte of the up region below this offset is used
 *               80       8  down_high: the same of the down region
 *               88       8  erased_lease (client): slots below this one are erased in the table, durably
 *               96       8  erased_up: bytes of the up region below this offset are
 *              104       8  erased_down: the same of the down region
 *              112       8  clone_alarms
 *              120    1024  digest (hub): of the LEASE on slot s, 16 bytes at 16 * (s mod 64); zero
 *                           where the slot was not taken
 *             1144       1  retired: why (enum retire_reason); zero unless the state says so
 *             1145       1  bits: 1, the other side's word was recorded; 2, ours repeats it; 4, it repeats ours;
 *                           8, the client's operator has let the hub go
 *             1146       6  zero
 *             1152       8  the time of our word, in seconds since the epoch
 *             1160       8  when the other side's word was recorded, by our clock
 *             1168    1024  usage history: up to 32 samples, oldest first, of
 *                             0   8  when, in seconds since the epoch; zero: no more samples
 *                             8   8  bytes of the up region that were left
 *                            16   8  the same of the down region
 *                            24   8  lease slots that were left
 *             2192     248  of a stock alone (pskm/stock.h), else zero:
 *               2192   8  portions in the file `log` that count
 *               2200   8  portions settled: distributor, in a report; hub, moved to a table of its own
 *               2208   8  distributor: the first portion of the last report
 *               2216   8  number of the last report
 *               2224   8  zero
 *               2232  16  digest of the last report
 *               2248  16  digest of the one before it
 *               2264   1  1 while a portion is being cut (distributor)
 *               2265   1  1 when it is retired
 *               2266   6  zero
 *               2272 160  the portion that is being cut, as in `log`
 *               2432   8  zero
 *             2440    1640  zero
 *             4080      16  the first 16 bytes of SHA-256 of the 4080 bytes before
 *
 * log, of a stock alone: its portions in the order in which they were cut; those behind the number in the
 * ledger do not count.  Record i is at 192 * i:
 *                0       8  i
 *                8       8  hub: number of the report that it came in
 *               16     160  the portion:
 *                 16    8  where it starts in the stock
 *                 24   40  its table's region ends; the last is its length
 *                 64   16  its table's ID
 *                 80   16  its client's ID
 *                 96    8  when it was cut
 *                104    1  1 when it is wasted
 *                105    7  zero
 *                112   64  its client's name, then zeros
 *              176      16  the first 16 bytes of SHA-256 of the stock's ID and the 176 bytes before
 * report-N, of a stock alone: its report number N (CBOR, doc/dske.cddl stock-report).
 *
 * container, one file:
 *   head         0       8  "DSKEPSKM"
 *                8       4  version, 1
 *               12       4  H, bytes of the header, at most PSKM_HEADER_MAX
 *               16       H  header, as above
 *             16+H      16  Argon2id (version 0x13): salt
 *             32+H       4  its passes
 *             36+H       4  its memory in KiB
 *             40+H       4  its lanes
 *             44+H      12  AES-256-GCM of the content key under Argon2id's 32 bytes: nonce
 *             56+H      32  the wrapped content key
 *             88+H      16  its tag; associated data: the head up to the nonce
 *            104+H      32  SHA-256 of all that precedes: it finds accidents, the tags find intent
 *   then, for each chunk i = 0, 1, .. of TABLE_CHUNK_LEN bytes of the table (the last may be shorter),
 *   AES-256-GCM under the content key, nonce i (12 bytes), associated data: the whole head, of
 *                0       L  the chunk
 *                L      16  h' of (chunk, i in 8 bytes) with key i + 1 of the container region
 *             L+16      16  tag of AES-256-GCM
 *   and at last, as chunk number 2^64 - 1, of
 *                0      16  h' of the whole head with key 0 of the container region
 *               16      16  tag of AES-256-GCM
 * Key j of the container region is its 48 bytes from 48*j on.  It lies in the table itself, in a chunk
 * no later than the one it authenticates.
 *
 * reference, a PSKM without bytes of the table, one file:
 *   head         0       8  "DSKEREFS"
 *                8       4  version, 1
 *               12       4  H, bytes of the header, at most PSKM_HEADER_MAX
 *               16       H  header, as above
 *             16+H       1  kind: 1 the table is keys of a QKD link, one behind the other; 2 the rest of another
 *             17+H       7  zero
 *             24+H      48  kind 1:  0   4  L, bytes of a key, 8 to 8192
 *                                    4   4  zero
 *                                    8   8  N, number of keys: layout.len / L, rounded up
 *                                   16  32  zero
 *                           kind 2:  0  16  ID of the other table; the bytes are, one behind the other, its
 *                                   16  16  [from, to) in its up region
 *                                   32  16  [from, to) in its down region
 *             72+H      32  SHA-256 of all that precedes: it finds accidents, the tags find intent
 *   then, for each chunk i as above:
 *                0    16*n  kind 1: the IDs (UUIDs) of the n keys whose first byte lies in the chunk
 *             16*n      16  h' of (chunk, these IDs, i in 8 bytes) with key i + 1 of the container region
 *   and at last 16 bytes, h' of the whole head with key 0 of the container region.
 */
#ifndef DSKE_PSKM_FORMAT_H
#define DSKE_PSKM_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_FILE_HEADER "header"
#define TABLE_FILE_TABLE "table"
#define TABLE_FILE_KEYS "keys"
#define TABLE_FILE_MAKING "making"
#define TABLE_FILE_LEDGER "ledger"
#define TABLE_NEW_PREFIX ".new-"

#define PSKM_HEADER_MAX 1024

#define HEADER_MAGIC "DSKEHEAD"
#define HEADER_AT_LEN 8
#define HEADER_AT_CBOR 12
#define HEADER_SUM_LEN 32

#define COVER_CHUNK_LEN (UINT64_C(64) << 10)
#define COVER_KEY_LEN 32
#define COVER_SALT_LEN 32
#define KEYS_MAGIC "DSKEKEYS"
#define KEYS_VERSION 1
#define KEYS_HEAD_LEN 4096
#define KEYS_CHECK_LEN 16
#define KEYS_RANDOM_LEN 32
enum keys_at {
	KEYS_AT_VERSION = 8,
	KEYS_AT_CHUNK_LEN = 12,
	KEYS_AT_TABLE = 16,
	KEYS_AT_MODE = 32,
	KEYS_AT_CHECK = 40,
	KEYS_AT_RANDOM = 56,
	KEYS_AT_ZERO = 88,
	KEYS_AT_SUM = 4064,
};
enum keys_mode { KEYS_MODE_OPEN, KEYS_MODE_KEY };

#define MAKING_MAGIC "DSKEMAKE"
#define MAKING_VERSION 1
#define MAKING_MARK_LEN 512
#define MAKING_SUM_LEN 16
enum making_at {
	MAKING_AT_VERSION = 8,
	MAKING_AT_HEAD_LEN = 12,
	MAKING_AT_HEAD = 16,
	MAKING_AT_SOURCES = 2048,
	MAKING_AT_OUTPUT = 3072,
	MAKING_AT_SALT = 7168,
	MAKING_AT_SEALED = 7200,
	MAKING_AT_MARKS = 8192,
	MAKING_LEN = MAKING_AT_MARKS + 2 * MAKING_MARK_LEN,
};

#define LEDGER_MAGIC "DSKELEDG"
#define LEDGER_SLOT_LEN 4096
#define LEDGER_SUM_LEN 16
enum ledger_at {
	LEDGER_AT_SEQ = 8,
	LEDGER_AT_TABLE = 16,
	LEDGER_AT_SIDE = 32,
	LEDGER_AT_STATE = 33,
	LEDGER_AT_NONCE = 40,
	LEDGER_AT_LEASE_NEXT = 56,
	LEDGER_AT_LEASE_TAKEN = 64,
	LEDGER_AT_UP_HIGH = 72,
	LEDGER_AT_DOWN_HIGH = 80,
	LEDGER_AT_ERASED_LEASE = 88,
	LEDGER_AT_ERASED_UP = 96,
	LEDGER_AT_ERASED_DOWN = 104,
	LEDGER_AT_CLONE_ALARMS = 112,
	LEDGER_AT_DIGESTS = 120,
	LEDGER_AT_RETIRE_REASON = 1144,
	LEDGER_AT_RETIRE_BITS = 1145,
	LEDGER_AT_RETIRE_TIME = 1152,
	LEDGER_AT_RETIRE_SEEN = 1160,
	LEDGER_AT_HISTORY = 1168,
	LEDGER_AT_HISTORY_END = 2192,
	LEDGER_AT_STOCK = 2192,
	LEDGER_AT_SUM = LEDGER_SLOT_LEN - LEDGER_SUM_LEN,
};

#define LEDGER_STOCK_LEN 248
/* From LEDGER_AT_STOCK: */
enum ledger_stock_at {
	LEDGER_STOCK_AT_LOGGED = 0,
	LEDGER_STOCK_AT_SETTLED = 8,
	LEDGER_STOCK_AT_REPORT_FIRST = 16,
	LEDGER_STOCK_AT_REPORTS = 24,
	LEDGER_STOCK_AT_DIGEST = 40,
	LEDGER_STOCK_AT_BEFORE = 56,
	LEDGER_STOCK_AT_CUTTING = 72,
	LEDGER_STOCK_AT_RETIRED = 73,
	LEDGER_STOCK_AT_PORTION = 80,
};

#define STOCK_FILE_LOG "log"
#define STOCK_FILE_REPORT "report-" /* and its number */
#define STOCK_LOG_RECORD_LEN 192
#define STOCK_LOG_SUM_LEN 16
enum stock_log_at {
	STOCK_LOG_AT_REPORT = 8,
	STOCK_LOG_AT_PORTION = 16,
	STOCK_LOG_AT_SUM = STOCK_LOG_RECORD_LEN - STOCK_LOG_SUM_LEN,
};
enum portion_at {
	PORTION_AT_START = 0,
	PORTION_AT_ENDS = 8,
	PORTION_AT_TABLE = 48,
	PORTION_AT_CLIENT = 64,
	PORTION_AT_CUT = 80,
	PORTION_AT_WASTED = 88,
	PORTION_AT_NAME = 96,
};

#define CONTAINER_MAGIC "DSKEPSKM"
#define CONTAINER_VERSION 1
#define CONTAINER_AT_VERSION 8
#define CONTAINER_AT_HEADER_LEN 12
#define CONTAINER_AT_HEADER 16
/* From the header's end: */
enum container_after {
	CONTAINER_AFTER_SALT = 0,
	CONTAINER_AFTER_PASSES = 16,
	CONTAINER_AFTER_MEMORY = 20,
	CONTAINER_AFTER_LANES = 24,
	CONTAINER_AFTER_NONCE = 28,
	CONTAINER_AFTER_KEY = 40,
	CONTAINER_AFTER_KEY_TAG = 72,
	CONTAINER_AFTER_SUM = 88,
	CONTAINER_AFTER_END = 120,
};
#define CONTAINER_HEAD_MAX (CONTAINER_AT_HEADER + PSKM_HEADER_MAX + CONTAINER_AFTER_END)
#define CONTAINER_SALT_LEN 16
#define CONTAINER_END_CHUNK UINT64_MAX

#define REFERENCE_MAGIC "DSKEREFS"
#define REFERENCE_VERSION 1
#define REFERENCE_AT_VERSION 8
#define REFERENCE_AT_HEADER_LEN 12
#define REFERENCE_AT_HEADER 16
/* From the header's end: */
enum reference_after {
	REFERENCE_AFTER_KIND = 0,
	REFERENCE_AFTER_ZERO = 1,
	REFERENCE_AFTER_KEY_LEN = 8,
	REFERENCE_AFTER_KEYS = 16,
	REFERENCE_AFTER_SOURCE = 8,
	REFERENCE_AFTER_UP = 24,
	REFERENCE_AFTER_DOWN = 40,
	REFERENCE_AFTER_SUM = 56,
	REFERENCE_AFTER_END = 88,
};
#define REFERENCE_HEAD_MAX (REFERENCE_AT_HEADER + PSKM_HEADER_MAX + REFERENCE_AFTER_END)

static inline void be32_put(uint8_t *out, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

static inline uint32_t be32_get(const uint8_t *in)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | in[i];
	return v;
}

static inline void be64_put(uint8_t *out, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

static inline uint64_t be64_get(const uint8_t *in)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | in[i];
	return v;
}

#endif
