# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# workloads-refill.bash: more of workloads.bash, which reads it: tables of a QKD link's keys, and of another's rest.
# For carol, of hub3, as creating and importing there.
workloads+=(refill_hub refill move_hub move)

# ---- of a link's keys: a key that was fetched is gone ------------------------------------------------

kmes() { [ -e "$DEMO_DIR/kme/ports" ] || { demo_kme_start && demo_kme_link 3 carol; }; }
refill_create() {
	"$@" "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol \
		--client-id "$(demo_client_id carol)" --size 64K --qkd carol --output "$(post qkd)"
}
refill_import() { kept && as carol "$@" "$demo_dske" pskm import "$(post qkd)"; }
refill_anew() { kmes && carol_anew && rm -f "$(post qkd)"; }
refill_use() { activate && carol_is_well; }

refill_hub_before() { refill_anew; }
refill_hub_struck() { refill_create struck; }
# What was cut short is thrown away and made anew, of other keys.
refill_hub_after() {
	[ "$status" -eq 0 ] || { rm -f "$(post qkd)" && refill_create; } || return 1
	refill_import && refill_use
}

refill_before() { refill_anew && refill_create; }
refill_struck() { refill_import struck; }
# Either the table was there already, or nothing was fetched yet, or it is lost, and that is said.
refill_after() {
	if [ "$status" -ne 0 ] && ! says 'imported|is there already' refill_import; then
		says 'hands out each key once' refill_import && rm -f "$(post qkd)" && refill_create && refill_import || return 1
	fi
	refill_use
}

# ---- of a table's rest: what was taken is gone -------------------------------------------------------

source_table() { as carol "$demo_dske" pskm list --json | sed -n 's/.*"table": *"\([0-9a-f]*\)".*/\1/p' | head -n 1; }
move_create() {
	"$@" "$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol \
		--client-id "$(demo_client_id carol)" --from-table "$source" --output "$(post rest)"
}
move_import() { kept && as carol "$@" "$demo_dske" pskm import "$(post rest)"; }
# The hub has its tables open: it is away while one is taken from.
move_ready() {
	carol_anew && rm -f "$(post rest)"
	"$demo_maker" pskm create --hub-conf "$DEMO_DIR/hub3/hubd.conf" --client carol --client-id "$(demo_client_id carol)" \
		--size 320K --output "$(post pskm)" --passphrase-file "$(post pass)" &&
		import && activate && carol_is_well && source=$(source_table) && demo_hub_stop 3
}
move_known() { [ ! -e "$(post rest)" ] || ask moved "$(post rest)"; }
move_lost() { carol_anew && made && import && activate && carol_is_well; }

move_hub_before() { move_ready; }
move_hub_struck() { move_create struck; }
move_hub_after() {
	if [ "$status" -ne 0 ]; then
		# nothing was taken yet, or it is gone
		rm -f "$(post rest)"
		says 'no passphrase|went into another table' move_create || return 1
	fi
	demo_hub_start 3 || return 1
	[ -e "$(post rest)" ] || { move_lost; return; }
	move_known && move_import && activate && carol_is_well
}

move_before() { move_ready && move_create && move_known && demo_hub_start 3; }
move_struck() { move_import struck; }
move_after() {
	[ "$status" -eq 0 ] || says 'imported|is there already|went into another table' move_import || return 1
	if as carol "$demo_dske" pskm list | grep -q inactive; then
		activate && carol_is_well
	else
		move_lost
	fi
}
