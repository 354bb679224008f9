# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# wireguard.bash: WireGuard at both ends of net.bash's picture, and dske-wg beside it: wireguard-go, or with WG_KIND=kernel
# the kernel's.
declare -A wg_pid agent_pid public

number() { [ "$1" = alice ] && echo 1 || echo 2; }
other() { [ "$1" = alice ] && echo bob || echo alice; }

# Before the namespaces are made: its sockets are nobody else's.
wg_sockets() {
	mount -t tmpfs -o mode=755 none /run/wireguard 2>/dev/null || { mkdir -p /run/wireguard && mount -t tmpfs -o mode=755 none /run/wireguard; }
}

wg_keys() {
	local who
	for who in alice bob; do
		(umask 077; wg genkey >"$DEMO_DIR/$who/wg.key")
		public[$who]=$(wg pubkey <"$DEMO_DIR/$who/wg.key")
	done
}

# What is not here; or nothing.
wg_missing() {
	command -v wg >/dev/null || echo 'wg is not here'
	[ "${WG_KIND-}" = kernel ] || command -v wireguard-go >/dev/null || echo 'wireguard-go is not here'
}

wg_make() { # WHO [ENDPOINT]: its interface, with the peer and no pre-shared key
	local i
	i=$(number "$1")
	if [ "${WG_KIND-}" = kernel ]; then
		net_in "$1" ip link add "wg-$1" type wireguard
	else
		net_start "$1" wireguard-go -f "wg-$1" >/dev/null 2>&1
		wg_pid[$1]=$!
		until [ -S "/run/wireguard/wg-$1.sock" ]; do sleep 0.05; done
	fi
	net_in "$1" wg set "wg-$1" listen-port 51820 private-key "$DEMO_DIR/$1/wg.key" \
		peer "${public[$(other "$1")]}" endpoint "${2-10.77.9.$((3 - i)):51820}" allowed-ips 10.98.0.0/24
	net_in "$1" ip addr add "10.98.0.$i/24" dev "wg-$1"
	net_in "$1" ip link set "wg-$1" up
}
wg_kill() {
	if [ "${WG_KIND-}" = kernel ]; then
		net_in "$1" ip link del "wg-$1"
	else
		kill "${wg_pid[$1]}" && wait "${wg_pid[$1]}"
		unset "wg_pid[$1]"
	fi
} 2>/dev/null
psk() { net_in "$1" wg show "wg-$1" preshared-keys | cut -f 2; }

agent_conf() { # WHO INTERVAL MORE...: one link, "direct"
	cat >"$DEMO_DIR/$1/wg.conf" <<-CONF
		[wg]
		status = $DEMO_DIR/$1/wg.sock
		interval = $2
		timeout = 5s
		[link direct]
		peer = $(other "$1")
		interface = wg-$1
		public_key = ${public[$(other "$1")]}
		fail = ${3-closed}
		[token]
		module = $demo_module
		pin_file = $DEMO_DIR/$1/pin
	CONF
}
agent_start() {
	net_start "$1" "$DEMO_DIR/as" "$1" "$DEMO_BUILD/vpn/dske-wg" --config "$DEMO_DIR/$1/wg.conf" >>"$DEMO_DIR/$1/wg.log" 2>&1
	agent_pid[$1]=$!
}
agent_end() { kill "-${2:-TERM}" "${agent_pid[$1]}" && wait "${agent_pid[$1]}"; }
agent_status() { "$demo_dske" wg status --json --socket "$DEMO_DIR/$1/wg.sock"; }

# The cleanup: everything that is still there.
wireguard_down() {
	local pid
	for pid in "${agent_pid[@]}" "${wg_pid[@]}"; do kill "$pid" && wait "$pid"; done 2>/dev/null
}
