# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# group.bash: more clients than two, who all know each other.  The caller sets `members`, an array whose first are alice
# and bob, and has demo_set_up done.

joined() { # hubs join them all in one group
	local i all
	printf -v all ', %s' "${members[@]}"
	for i in $(seq 1 "$DEMO_HUBS"); do
		printf '\n[group board]\nmembers = %s\n' "${all#, }" >>"$DEMO_DIR/hub$i/hubd.conf"
		demo_hub_stop "$i" && demo_hub_start "$i" || return 1
	done
}

members_join() {
	local who peer i
	for who in "${members[@]:2}"; do
		demo_client_make "$who" || return 1
		for i in $(seq 1 "$DEMO_HUBS"); do demo_pskm_create "$i" "$who" && demo_pskm_import "$i" "$who" || return 1; done
		demo_as "$who" dske pskm activate --all || return 1
	done
	joined || return 1
	for who in "${members[@]}"; do
		for peer in "${members[@]}"; do
			[ "$who" = "$peer" ] || { demo_client_allow "$who" "$peer" && demo_as "$who" dske peer add "$peer"; } || return 1
		done
	done
}

others() { # WHO: all but this one
	local who
	for who in "${members[@]}"; do [ "$who" = "$1" ] || echo "$who"; done
}
