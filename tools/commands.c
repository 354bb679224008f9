/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/commands.h"

const struct command commands[] = {
	{"", "init", "", "make a client: a configuration file with a fresh ID, and its state folder",
	 "  dske init --name alice\n"
	 "  dske init --name alice --conf alice/dske.conf --pin prompt --so-pin file:so-pin\n",
	 cmd_init},
	{"", "doctor", "", "find problems and say what to do about them",
	 "  dske doctor\n"
	 "  dske doctor --json\n",
	 cmd_doctor},
	{"", "status", "", "show the tables, what is left of each, how long it lasts, and what to do; asks no hub",
	 "  dske status\n"
	 "  dske status --json\n",
	 cmd_status},
	{"", "version", "", "tell the versions of this program, the wire and the module", "  dske version\n", cmd_version},

	{"hub", "init", "", "make a hub's configuration and state folder",
	 "  dske hub init --name hub1 --listen 127.0.0.1:7101 --state /var/lib/dske-hubd --conf hubd.conf\n",
	 cmd_hub_init},
	{"hub", "status", "", "ask every hub whether it knows us; show what is left of each table",
	 "  dske hub status\n"
	 "  dske hub status --timeout 2s --json\n",
	 cmd_hub_status},
	{"hub", "tables", "", "at a hub: show the tables of its clients, and what is left of each",
	 "  dske hub tables\n"
	 "  dske hub tables --hub-conf hubd.conf --json\n",
	 cmd_hub_tables},
	{"hub", "acknowledge", "[CODE1 CODE2]", "at a hub: activate a PSKM by what its client reads out over the telephone",
	 "  dske hub acknowledge --client alice\n"
	 "  dske hub acknowledge --hub-conf hubd.conf --client alice \\\n"
	 "      Z2J0W-4G8QR-TM1XE-AAK3D-0VHVZ-9WB6S-5RPCH 7YQ2N-DZC1K-RB8MT-W3VH4-EJX0P-KD5GA-NS6FV\n",
	 cmd_hub_acknowledge},
	{"hub", "revoke", "", "at a hub: retire a table, or all of a client's, and destroy what is left",
	 "  dske hub revoke --client alice --reason stolen\n"
	 "  dske hub revoke --hub-conf hubd.conf --table 0f1e... --reason replaced --yes\n",
	 cmd_hub_revoke},

	{"pskm", "create", "", "at a hub: make a PSKM for a client, and the hub's own copy",
	 "  dske pskm create --client alice --client-id 7c... --size 16M --output alice.pskm\n"
	 "  dske pskm create --hub-conf hubd.conf --client alice --client-id 7c... --size 1G \\\n"
	 "      --output /media/stick/alice.pskm --passphrase-file alice.passphrase \\\n"
	 "      --entropy kernel+/dev/hwrng\n"
	 "  dske pskm create --client alice --client-id 7c... --size 1M --qkd link1 --output alice.qkd\n"
	 "  dske pskm create --client alice --client-id 7c... --from-table 5b0c... --output alice.rest\n",
	 cmd_pskm_create},
	{"pskm", "verify", "FILE", "check all of a PSKM, and change nothing",
	 "  dske pskm verify /media/stick/alice.pskm\n"
	 "  dske pskm verify alice.pskm --passphrase-file alice.passphrase\n",
	 cmd_pskm_verify},
	{"pskm", "import", "FILE", "at a client: verify a PSKM and take it in",
	 "  dske pskm import /media/stick/alice.pskm\n"
	 "  dske pskm import alice.pskm --passphrase-file alice.passphrase\n"
	 "  dske pskm import /media/stick/alice.pskm --in-place\n",
	 cmd_pskm_import},
	{"pskm", "accept", "TABLE|HUB", "use a table in place that lies on a medium already",
	 "  dske pskm accept hub1\n",
	 cmd_pskm_accept},
	{"pskm", "forget", "TABLE", "look no more for the medium of a table",
	 "  dske pskm forget 00112233445566778899aabbccddeeff\n",
	 cmd_pskm_forget},
	{"pskm", "activate", "[TABLE|HUB]", "tell the hub, once, that the PSKM has arrived",
	 "  dske pskm activate --all\n"
	 "  dske pskm activate hub1\n"
	 "  dske pskm activate hub1 --by-telephone\n"
	 "  dske pskm activate hub1 --answer Z2J0W-4G8QR-TM1XE-AAK3D-0VHVZ-9WB6S-5RPCH\n",
	 cmd_pskm_activate},
	{"pskm", "retire", "TABLE|HUB", "destroy what is left of a table, and have the hub do the same",
	 "  dske pskm retire hub1\n"
	 "  dske pskm retire 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --reason replaced --yes\n",
	 cmd_pskm_retire},
	{"pskm", "list", "", "show the tables that were imported",
	 "  dske pskm list\n"
	 "  dske pskm list --json\n",
	 cmd_pskm_list},

	{"qkd", "status", "", "ask the key management entities of the configured QKD links what they have",
	 "  dske qkd status\n"
	 "  dske qkd status --hub-conf hubd.conf --json\n",
	 cmd_qkd_status},

	{"stock", "create", "", "at a hub: make a stock of unallocated bytes for a distributor",
	 "  dske stock create --distributor north --size 10G --output north.stock\n",
	 cmd_stock_create},
	{"stock", "list", "[NAME|STOCK]", "at a hub: show its stocks, or who got what of one",
	 "  dske stock list\n"
	 "  dske stock list north --hub-conf hubd.conf --json\n",
	 cmd_stock_list},
	{"stock", "accept", "FILE", "at a hub: take a distributor's report, and serve what it tells of",
	 "  dske stock accept hub1-3.report\n"
	 "  dske stock accept hub1-3.report --leave-out mallory,7c1d6a0f3b2e4d5c8a9b0c1d2e3f4051\n",
	 cmd_stock_accept},
	{"stock", "retire", "STOCK", "at a hub: accept no further report of a stock, and destroy what is left",
	 "  dske stock retire 00112233445566778899aabbccddeeff\n",
	 cmd_stock_retire},

	{"distributor", "init", "", "make a Local Distributor's configuration and state folder",
	 "  dske distributor init --name north\n",
	 cmd_distributor_init},
	{"distributor", "import", "FILE", "at a distributor: verify a stock and take it in",
	 "  dske distributor import /media/stick/north.stock\n",
	 cmd_distributor_import},
	{"distributor", "list", "[HUB|STOCK]", "at a distributor: show its stocks, or what was cut of one",
	 "  dske distributor list\n"
	 "  dske distributor list hub1 --json\n",
	 cmd_distributor_list},
	{"distributor", "cut", "", "at a distributor: make a client's PSKM out of a stock",
	 "  dske distributor cut --hub hub1 --client alice --client-id 7c... --size 16M --output alice.pskm\n",
	 cmd_distributor_cut},
	{"distributor", "report", "", "at a distributor: write what the hub has to know of what was cut",
	 "  dske distributor report --hub hub1\n"
	 "  dske distributor report --hub hub1 --number 3 --output again.report\n",
	 cmd_distributor_report},
	{"distributor", "retire", "STOCK", "at a distributor: destroy what is left of a stock",
	 "  dske distributor retire 00112233445566778899aabbccddeeff\n",
	 cmd_distributor_retire},

	{"policy", "explain", "", "show what a choice of n, k and k_B is worth, and what a key costs",
	 "  dske policy explain\n"
	 "  dske policy explain --n 9 --k 5 --kb 5 --bad 1% --bytes 1M\n"
	 "  dske policy explain --n 9 --k 5 --kb 4 --accepted 12 --json\n",
	 cmd_policy_explain},
	{"policy", "suggest", "", "propose n, k and k_B, with the reasons",
	 "  dske policy suggest --hubs 9 --down 2 --collude 2\n",
	 cmd_policy_suggest},

	{"peer", "add", "NAME", "ask all hubs who that is, and record what they say alike",
	 "  dske peer add bob\n",
	 cmd_peer_add},
	{"peer", "verify", "NAME", "ask all hubs again, and hold what they say against the record",
	 "  dske peer verify bob\n"
	 "  dske peer verify bob --id 7c1d6a0f3b2e4d5c8a9b0c1d2e3f4051\n",
	 cmd_peer_verify},
	{"peer", "list", "", "show the recorded peers", "  dske peer list\n", cmd_peer_list},
	{"peer", "show", "NAME", "show one peer", "  dske peer show bob\n", cmd_peer_show},
	{"peer", "remove", "NAME", "forget a peer", "  dske peer remove bob\n", cmd_peer_remove},

	{"key", "agree", "PEER...", "agree on a key with a peer, who does the same at the other end; or with several",
	 "  dske key agree bob --context lunch --output lunch.key\n"
	 "  dske key agree bob --key-id 00112233445566778899aabbccddeeff --role initiator --label backup\n"
	 "  dske key agree bob carol dave --context board --output board.key\n",
	 cmd_key_agree},
	{"key", "list", "", "show the keys in the token",
	 "  dske key list\n"
	 "  dske key list --pin env:DSKE_PIN\n",
	 cmd_key_list},
	{"key", "export", "[LABEL]", "write a key in the form that a program wants",
	 "  dske key export --from lunch.key --format tls-session --output tls.pem\n"
	 "  dske key export backup --pin prompt --format hex --output backup.hex\n"
	 "  dske key export --from lunch.key --format psk-file --identity dske --output psk.txt\n"
	 "  dske key export backup --derive restic --format hex --output - | ...\n",
	 cmd_key_export},
	{"key", "check", "FILE", "show a key's check value (first three bytes of its SHA-1), to compare over the phone",
	 "  dske key check lunch.key\n",
	 cmd_key_check},

	{"ppk", "load", "LABEL", "give strongSwan a post-quantum pre-shared key (RFC 8784), derived from a key of the token",
	 "  dske ppk load vpn\n"
	 "  dske ppk load vpn --id office --socket /run/charon.vici\n",
	 cmd_ppk_load},
	{"ppk", "unload", "", "take it from strongSwan again",
	 "  dske ppk unload --id office\n",
	 cmd_ppk_unload},

	{"token", "status", "", "show whether the token has PINs, and what is left of the attempts at them",
	 "  dske token status\n"
	 "  dske token status --json\n",
	 cmd_token_status},
	{"token", "init", "", "give the token its PINs, so that it keeps keys",
	 "  dske token init\n"
	 "  dske token init --pin file:pin --so-pin file:so-pin --label alice\n",
	 cmd_token_init},
	{"token", "pin", "", "change the token's PIN; or have the security officer set a new one",
	 "  dske token pin\n"
	 "  dske token pin --pin env:DSKE_PIN --new-pin file:new-pin\n"
	 "  dske token pin --reset --so-pin prompt --new-pin prompt\n",
	 cmd_token_pin},
	{"token", "officer", "", "change the security officer's PIN",
	 "  dske token officer --so-pin file:so-pin --new-pin prompt\n",
	 cmd_token_officer},

	{"vpn", "status", "[TUNNEL]", "show how a tunnel of dske-vpn goes: state, pads, rates, traffic",
	 "  dske vpn status\n"
	 "  dske vpn status office --json\n"
	 "  dske vpn status /run/dske/vpn-office\n",
	 cmd_vpn_status},

	{"wg", "status", "", "show the links of dske-wg: how old their keys are, whether handshakes succeed",
	 "  dske wg status\n"
	 "  dske wg status --json\n",
	 cmd_wg_status},
	{0},
};
