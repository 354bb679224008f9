# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# workloads.bash: the scene that is struck, the work that is done in it, and the auditor who sees all of it.
# For test-calls, which kills, and test-faults, which lets calls fail.
#
# Three hubs; alice and bob, who agree; carol, for whom PSKMs of hub3 are made, brought and thrown away.
# A workload W is three functions: W_before (once a call), W_struck (with the strike in it), W_after (the
# work is finished by somebody else, and the result looked at; $status is what W_struck returned).
# shellcheck source=test/system/tap.bash
. "$top_srcdir/test/system/tap.bash"
strike=$top_builddir/test/kill/strike
report=$tap_scratch/report
evidence=$tap_scratch/evidence
workloads=(create resume import activate initiator receiver lease peer erase bind relay deliver acknowledge answer retire revoke)

# choose WORKLOAD...: as they are; "all" and "keys" are several, and without a word it is those of this file and of
# workloads-refill.bash.  Into $chosen.
choose() {
	case ${1-} in
	'') chosen=("${workloads[@]}") ;;
	keys) chosen=("${workloads_keys[@]}") ;;
	all) chosen=("${workloads[@]}" "${workloads_keys[@]}") ;;
	*) chosen=("$@") ;;
	esac
}

# Ends the test here when there can be no strike.
strike_or_skip() {
	"$strike" -- true
	case $? in
	0) ;;
	77) tap_skip_all 'ptrace(2) is not allowed here, or this is no x86-64' ;;
	*) echo 'Bail out! strike does not work'; exit 1 ;;
	esac
	# the leak checker cannot work in a process that is traced already
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

# ---- the scene -----------------------------------------------------------------------------------

# Called by demo_set_up between the making of tables and their activation.
demo_tables_made() { kept; }

scene() {
	mkdir -p "$evidence"
	auditor_start && demo_set_up && demo_client_make carol &&
		wiretap_start "$evidence/wire" alice bob carol && mkdir -p "$DEMO_DIR/carol/tables" && looked
}

tap_more_cleanup() {
	local pid
	for pid in "${struck_hub-}" "${auditor_pid-}"; do
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
	done
}

# ---- the auditor, one process for many questions ---------------------------------------------------

auditor_start() {
	mkfifo "$tap_scratch/asked" "$tap_scratch/answered"
	"$top_srcdir/test/audit/auditor.py" serve "$evidence" <"$tap_scratch/asked" >"$tap_scratch/answered" &
	auditor_pid=$!
	exec {asked}>"$tap_scratch/asked" {answered}<"$tap_scratch/answered"
}

ask() {
	local line
	echo "$*" >&"$asked"
	while read -r line <&"$answered"; do
		case $line in '= '*) return "${line#= }" ;; esac
		echo "$line"
	done
	return 99 # it is gone
}

# The ground truth of tables that are new at a hub.
kept() {
	local i
	for i in 1 2 3; do [ ! -d "$DEMO_DIR/hub$i/tables" ] || ask keep "$DEMO_DIR/hub$i/tables" || return 1; done
}

# Looks at ledgers and table files of both sides.  --running: somebody was killed and has not come back.
looked() { # [--running]
	local i who
	kept || return 1
	for who in alice bob carol; do ask look $who "$DEMO_DIR/$who/tables" "$@" || return 1; done
	for i in 1 2 3; do
		[ "hub$i" = "${away-}" ] || ask look "hub$i" "$DEMO_DIR/hub$i/tables" --running || return 1
	done
}

# All of it, with the wire, against the ground truth.
judged() {
	[ $# -eq 0 ] || sleep 0.02 # the tap records what was still on its way
	looked "$@" && ask audit
}

# As judged, when a hub has died and may be back already: its folder and the wire as they were then.
died_judged() {
	[ -e "$tap_scratch/died" ] || {
		echo "what $struck left was not put aside"
		return 1
	}
	local status=0 away=$struck
	{
		ask look "$struck" "$tap_scratch/died/tables" --running && looked --running &&
			ask audit "$(cat "$tap_scratch/died/wire")"
	} || status=1
	rm -rf "$tap_scratch/died"
	return $status
}

# What helps whoever looks for the reason of a failure.
told() { # FILE
	cat "$1"
	tail -n 5 "$DEMO_DIR"/hub?/hubd.log
	return 1
}

# ---- under strike --------------------------------------------------------------------------------

# as CLIENT COMMAND...: without the shells of demo/as in between
as() {
	local who=$1
	shift
	DSKE_CONF=$DEMO_DIR/$who/dske.conf DSKE_PIN=$(cat "$DEMO_DIR/$who/pin") "$@"
}

# struck COMMAND...: the command under strike, as $how says
limit=() # a command before it, to end what does not end
struck() {
	rm -f "$report"
	"${limit[@]}" "$strike" --report "$report" "${how[@]}" -- "$@"
}
was_struck() { grep -q ^struck "$report"; }

# What a hub left that was killed (or ended by itself, if $hub_ended_is_kept), and how long the wire was.
put_aside() { # by itself?
	grep -qsx 'ended signal 9' "$report" || [ -n "${1:+${hub_ended_is_kept-}}" ] || return 0
	sleep 0.02 # the tap records what was still on its way
	cp -a "$DEMO_DIR/$struck" "$tap_scratch/dying"
	stat -c %s "$evidence/wire" >"$tap_scratch/dying/wire"
	mv "$tap_scratch/dying" "$tap_scratch/died"
}

# A hub is struck somewhere between its start and its end, and started again when it is gone, as an init
# would; what it left is put aside first.  Meanwhile the command runs.
hub_struck() { # COMMAND...
	rm -rf "$report" "$tap_scratch/died"
	(
		# deaf at once, or the second signal ends the wait for who got the first
		trap 'trap "" TERM; kill $child; wait $child; put_aside; exit' TERM
		# not by a function: $! has to be the one who passes the signal on
		"${limit[@]}" "$strike" --report "$report" "${how[@]}" -- "$demo_hubd" --config "$DEMO_DIR/$struck/hubd.conf" &
		child=$!
		wait $child
		trap '' TERM # not before it is all put aside: whoever means it says it again
		put_aside itself
		trap - TERM
		exec "$demo_hubd" --config "$DEMO_DIR/$struck/hubd.conf"
	) </dev/null >>"$DEMO_DIR/$struck/hubd.log" 2>&1 &
	struck_hub=$!
	demo_await "$(demo_port "${struck#hub}")" $struck_hub
	"$@"
	local got=$?
	# said until it is heard: the shell may be busy, or just between its last trap and its exec
	while kill $struck_hub 2>/dev/null; do sleep 0.05; done
	wait $struck_hub 2>/dev/null
	struck_hub=
	return $got
}
hub_back() { ! demo_port_is_free "$(demo_port "${struck#hub}")" || demo_hub_start "${struck#hub}"; }
hub_gone() { struck=$1 && demo_hub_stop "${1#hub}"; }

# ---- alice and bob -------------------------------------------------------------------------------

need=() # more options, for both ends
key() { echo "$tap_scratch/$1-$context"; }
send() { as alice "$@" "$demo_dske" key agree bob --role initiator --timeout 4s --context "$context" --output "$(key a)" "${need[@]}"; }
fetch() { as bob "$@" "$demo_dske" key agree alice --role receiver --timeout 4s --context "$context" --output "$(key b)" "${need[@]}"; }
# A file that was cut in the writing is in the way: whoever finishes the work removes it.
again() { # a|b send|fetch
	rm -f "$(key "$1")"
	"$2"
}
same_key() { cmp "$(key a)" "$(key b)" && rm "$(key a)" "$(key b)"; }

initiator_before() { :; }
initiator_struck() { send struck; }
initiator_after() {
	[ "$status" -eq 0 ] || again a send || return 1
	fetch && same_key
}

receiver_before() { send; }
receiver_struck() { fetch struck; }
# Either the killed process has kept the key, whole, or another one gets it.
receiver_after() {
	cmp -s "$(key a)" "$(key b)" || again b fetch || return 1
	same_key
}

lease_before() { :; }
lease_struck() { as alice struck "$demo_dske" hub status; }
lease_after() { as alice "$demo_dske" hub status && send && fetch && same_key; }

peer_before() { as alice "$demo_dske" peer remove bob; }
peer_struck() { as alice struck "$demo_dske" peer add bob; }
peer_after() { as alice "$demo_dske" peer add bob && send && fetch && same_key; }

# Alice died after she had recorded a window, and before she had erased it: whoever opens the table sweeps.
erase_before() {
	as alice "$strike" --report "$report" --do kill --at 1 --calls pwrite64 --file '*/tables/*/table' -- "$demo_dske" hub status
	[ $? -eq 137 ]
}
erase_struck() { as alice struck "$demo_dske" pskm list; }
erase_after() { as alice "$demo_dske" pskm list && send && fetch && same_key; }

# ---- hubs ----------------------------------------------------------------------------------------

# All three hubs' shares are needed.
relay_before() { need=(--k 3) && hub_gone hub1; }
relay_struck() { hub_struck send; }
relay_after() {
	hub_back || return 1
	[ -s "$(key a)" ] || again a send || return 1
	fetch && same_key && need=()
}

deliver_before() { need=(--k 3) && send && hub_gone hub1; }
deliver_struck() { hub_struck fetch; }
deliver_after() {
	hub_back || return 1
	cmp -s "$(key a)" "$(key b)" || again b fetch || return 1
	same_key && need=()
}

bind_before() { carol_anew && made && import && hub_gone hub3; }
bind_struck() { hub_struck activate; }
bind_after() { hub_back && activate_after; }

# ---- carol ---------------------------------------------------------------------------------------

post() { echo "$DEMO_DIR/post/carol.$1"; }
create() {
	"$@" "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol \
		--client-id "$(demo_client_id carol)" --size 64K --output "$(post pskm)" --passphrase-file "$(post pass)"
}
# One that is not struck, neither in the making nor in the import.
made() { local demo_dske=$demo_maker && create; }
import() { kept && as carol "$@" "$demo_dske" pskm import "$(post pskm)" --passphrase-file "$(post pass)"; }
activate() { as carol "$@" "$demo_dske" pskm activate --all; }
carol_anew() {
	rm -rf "$(post pskm)" "$(post pass)" "$DEMO_DIR"/carol/tables/{*,.new-*}
	while "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --discard "$(post pskm)" 2>/dev/null; do :; done
}
carol_is_well() { as carol "$demo_dske" hub status; }

create_before() { carol_anew; }
create_struck() { create struck; }
# What was cut short is thrown away and made anew.
create_after() {
	[ "$status" -eq 0 ] || { rm -f "$(post pskm)" "$(post pass)" && create; } || return 1
	import && activate && carol_is_well
}

# One that was killed when all of the table was safe and nothing of the container.
resumed() {
	"$@" "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --resume "$(post pskm)" --passphrase-file "$(post pass)"
}
resume_before() {
	carol_anew
	create "$strike" --calls fdatasync --at 4 --
	says 'an unfinished PSKM for carol' "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol \
		--client-id "$(demo_client_id carol)" --size 64K --output "$(post pskm)" --passphrase-file "$(post pass)"
	[ ! -e "$(post pass)" ]
}
resume_struck() { resumed struck; }
# Killed between the end of the work and the passphrase, it is made anew.
resume_after() {
	[ "$status" -eq 0 ] || { rm -f "$(post pass)" && resumed; } || { rm -f "$(post pskm)" "$(post pass)" && create; } || return 1
	import && activate && carol_is_well
}

import_before() { carol_anew && create; }
import_struck() { import struck; }
import_after() {
	[ "$status" -eq 0 ] || says 'imported|already' import || return 1
	activate && carol_is_well
}

activate_before() { carol_anew && made && import; }
activate_struck() { activate struck; }
activate_after() {
	[ "$status" -eq 0 ] || says 'activated|already|no table waits' activate || return 1
	carol_is_well
}

# By telephone: the hub's operator types the codes in while no hub runs, carol the answer.
hub3_takes() { "$@" "$demo_dske" hub acknowledge --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol "${codes[@]}"; }
called() {
	carol_anew && made && import || return 1
	mapfile -t codes < <(as carol "$demo_dske" pskm activate hub3 --by-telephone | sed -n 's/.* code  *//p')
	[ ${#codes[@]} -eq 2 ] && demo_hub_stop 3
}
answered() { answer=$(hub3_takes | sed -n 's/^read this answer back: //p') && [ -n "$answer" ]; }
typed_in() { as carol "$@" "$demo_dske" pskm activate hub3 --answer "$answer"; }

acknowledge_before() { called; }
acknowledge_struck() { hub3_takes struck; }
acknowledge_after() { answered && demo_hub_start 3 && typed_in && carol_is_well; }

answer_before() { called && answered && demo_hub_start 3; }
answer_struck() { typed_in struck; }
answer_after() {
	[ "$status" -eq 0 ] || says 'activated|no table of hub3 waits' typed_in || return 1
	carol_is_well
}

# Both ends destroy what is left of a table, and have it from the other that it did.
active() { carol_anew && made && import && activate; }
receipted() { "$demo_dske" hub tables --hub-conf "$DEMO_DIR/hub3/hubd.conf" | grep -c "own came on" >"$tap_scratch/receipts"; }
one_more() { [ "$(cat "$tap_scratch/receipts")" -eq $((receipts + 1)) ] || { echo 'no receipt at the hub'; return 1; }; }

retire_before() { receipted; receipts=$(cat "$tap_scratch/receipts") && active; }
retire_struck() { as carol struck "$demo_dske" pskm retire hub3 --yes; }
retire_after() {
	[ "$status" -eq 0 ] || says 'retired' as carol "$demo_dske" pskm retire hub3 --yes || return 1
	receipted && one_more
}

hub3_revokes() { "$@" "$demo_dske" hub revoke --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol --yes; }
revoke_before() { retire_before && demo_hub_stop 3; }
revoke_struck() { hub3_revokes struck; }
# Her next call is answered by the hub's word alone; it has what hers says.
revoke_after() {
	[ "$status" -eq 0 ] || says "is retired|no PSKM for a client 'carol'" hub3_revokes || return 1
	demo_hub_start 3 || return 1
	says 'retired' as carol "$demo_dske" hub status
	receipted && one_more
}

# shellcheck source=test/kill/workloads-refill.bash
. "$top_srcdir/test/kill/workloads-refill.bash"
# shellcheck source=test/kill/workloads-keys.bash
. "$top_srcdir/test/kill/workloads-keys.bash"
