# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# workloads-keys.bash: more of workloads.bash, which reads it: keys that travel in parts, keys that are confirmed, and a
# client's limits, which hubs hold.  Between alice and bob.
workloads_keys=(parts pieces relay_parts deliver_pieces ready muster confirm policy limits)

# ---- long keys: two parts, which the receiver keeps in files without names -----------------------------------------

# DSKE_PART_LEN: of programs that were built with another KEY_PART_LEN.
part_len=${DSKE_PART_LEN:-1048576}
long_key=(--length $((part_len + 17)))
long_room=$((part_len * 7 / 2)) # bytes of a table that two of them take, the one that is struck and the one that comes after

left() { # WHO HUB up|down
	as "$1" "$demo_dske" pskm list --json | python3 -c '
import json, sys
hub, side = sys.argv[1:]
print(max([t[side + "_left"] for t in json.load(sys.stdin)["tables"] if t["hub"] == hub], default=0))' "hub$2" "$3"
}
# Larger tables for both at this hub.  Those before were judged, and go: there would be many.
larger() { # HUB
	local who table DEMO_TABLE=16M
	looked && { [ ! -s "$evidence/wire" ] || ask audit; } && demo_hub_stop "$1" || return 1
	for who in alice bob; do
		for table in "$DEMO_DIR/$who"/tables/*/; do
			table=$(basename "$table")
			[ -d "$DEMO_DIR/hub$1/tables/$table" ] || continue
			ask forget "$table" && rm -rf "$DEMO_DIR"/{"$who",hub"$1"}/tables/"$table" || return 1
		done
	done
	demo_hub_start "$1" || return 1
	for who in alice bob; do
		demo_pskm_create "$1" $who && kept && demo_pskm_import "$1" $who && as $who "$demo_dske" pskm activate --all || return 1
	done
}
roomy() {
	local i
	for i in 1 2 3; do
		[ "$(left alice $i up)" -gt $long_room ] && [ "$(left bob $i down)" -gt $long_room ] || larger $i || return 1
	done
}

parts_before() { roomy; }
parts_struck() { local need=("${long_key[@]}"); initiator_struck; }
parts_after() { local need=("${long_key[@]}"); initiator_after; }

pieces_before() { local need=("${long_key[@]}"); roomy && receiver_before; }
pieces_struck() { local need=("${long_key[@]}"); receiver_struck; }
pieces_after() { local need=("${long_key[@]}"); receiver_after; }

relay_parts_before() { roomy && hub_gone hub1; }
relay_parts_struck() { local need=(--k 3 "${long_key[@]}"); relay_struck; }
relay_parts_after() { local need=(--k 3 "${long_key[@]}"); relay_after; }

deliver_pieces_before() { local need=(--k 3 "${long_key[@]}"); roomy && send && hub_gone hub1; }
deliver_pieces_struck() { local need=("${long_key[@]}"); deliver_struck; }
deliver_pieces_after() { local need=("${long_key[@]}"); deliver_after; }

# ---- confirmed keys: both ends at once ------------------------------------------------------------------------------

# What the one that is not struck says is not the other's.
meanwhile() { # send|fetch
	"$1" exec >"$tap_scratch/meanwhile" 2>&1 &
	other=$!
}
# Whoever waits for one that is gone waits in vain: not until the end of its patience.
not_in_vain() { # STATUS
	! was_struck || [ "$1" -eq 0 ] || kill "$other" 2>/dev/null
	wait "$other"
	return "$1"
}
# The receiver first: what an attempt before this one left at the hubs must not keep the key from it.
together() {
	local got
	meanwhile fetch
	sleep 0.3
	send
	got=$?
	wait "$other" && return $got
}
# What both have of the first attempt is one key.  A second one may have been too early for a hub that comes back.
confirmed_after() {
	local need=(--confirm)
	if [ -e "$(key a)" ] && [ -e "$(key b)" ]; then
		same_key
		return
	fi
	for _ in 1 2; do
		rm -f "$(key a)" "$(key b)"
		together && same_key && return
		cat "$tap_scratch/meanwhile"
	done
	return 1
}

ready_before() { :; }
ready_struck() { local need=(--confirm); meanwhile send; fetch struck; not_in_vain $?; }
ready_after() { confirmed_after; }

muster_before() { :; }
muster_struck() { local need=(--confirm); meanwhile fetch; send struck; not_in_vain $?; }
muster_after() { confirmed_after; }

confirm_before() { hub_gone hub1; }
confirm_struck() { local need=(--k 3 --confirm); hub_struck together; }
confirm_after() { hub_back && confirmed_after; }

# ---- limits: a version is one policy, and each hub has the newest -----------------------------------------------------

waiting=1000
other_limits() {
	sed -i '/^waiting/d' "$DEMO_DIR/bob/dske.conf" &&
		sed -i "s/^\[agreement\]/&\nwaiting = $((++waiting))/" "$DEMO_DIR/bob/dske.conf"
}
tell_limits() { as bob "$@" "$demo_dske" hub status; }
held_by_all() {
	local i version
	version=$(od -An -tu8 -N8 "$DEMO_DIR/bob/policy" | tr -d ' ')
	for i in 1 2 3; do
		says "bob: .*by version $version of its own limits: $waiting keys" \
			"$demo_dske" hub tables --hub-conf "$DEMO_DIR/hub$i/hubd.conf" || return 1
	done
}

policy_before() { other_limits; }
policy_struck() { tell_limits struck; }
policy_after() { tell_limits && held_by_all && send && fetch && same_key; }

limits_before() { other_limits && hub_gone hub1; }
limits_struck() { hub_struck tell_limits; }
limits_after() { hub_back && policy_after; }
