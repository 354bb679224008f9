# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# net.bash: three network namespaces for tests of tunnels, made by the test and gone with it.
#
#	alice 10.77.1.2 ---- hubs 10.77.0.1 (this shell) ---- 10.77.2.2 bob
#	      10.77.9.1 ------------------------------------- 10.77.9.2
#
declare -A net_pid tunnel_pid

# Why there can be none; or nothing.
net_missing() {
	if [ "$(id -u)" -ne 0 ]; then
		echo 'network namespaces want root'
	elif ! unshare --net true 2>/dev/null; then
		echo 'no network namespaces here'
	elif [ ! -c /dev/net/tun ]; then
		echo 'there is no /dev/net/tun'
	fi
}

# A test calls it first, with "$@": it begins anew in a namespace of its own, or is passed over.
net_alone() {
	local why
	[ "${DSKE_NET-}" != own ] || return 0
	why=$(net_missing)
	[ -z "$why" ] || { echo "1..0 # SKIP $why"; exit 0; }
	DSKE_NET=own exec unshare --net --mount --kill-child --fork bash "$0" "$@"
}

net_in() { # WHO COMMAND...: in alice's or bob's namespace
	local who=$1
	shift
	nsenter --net="/proc/${net_pid[$who]}/ns/net" "$@"
}

net_start() { # WHO COMMAND...: the same in the background; the process is $!
	local who=$1
	shift
	nsenter --net="/proc/${net_pid[$who]}/ns/net" "$@" &
}

# A namespace that lives as long as its sleeper, who goes by the name of $net_name.
net_make() { # WHO
	# shellcheck disable=SC2016 # expanded by the inner shell
	setsid unshare --net bash -c 'exec -a "$0" sleep infinity' "${net_name-net}-$1" </dev/null >/dev/null 2>&1 &
	net_pid[$1]=$!
	disown
	until [ "$(readlink "/proc/${net_pid[$1]}/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
	net_in "$1" ip link set lo up
}

# The links of the picture; this shell's own loopback has the hubs' address.
net_links() {
	local who i=0
	for who in alice bob; do
		i=$((i + 1))
		net_make $who
		ip link add "h$i" type veth peer name hubs netns "${net_pid[$who]}" &&
			ip addr add "10.77.$i.1/24" dev "h$i" &&
			ip link set "h$i" up &&
			net_in $who ip addr add "10.77.$i.2/24" dev hubs &&
			net_in $who ip link set hubs up &&
			net_in $who ip route add default via "10.77.$i.1" || return 1
	done
	ip link add direct netns "${net_pid[alice]}" type veth peer name direct netns "${net_pid[bob]}" || return 1
	i=0
	for who in alice bob; do
		i=$((i + 1))
		net_in $who ip addr add "10.77.9.$i/24" dev direct &&
			net_in $who ip -6 addr add "fd77:9::$i/64" dev direct nodad &&
			net_in $who ip link set direct up || return 1
	done
}

net_up() {
	ip link set lo up
	ip addr add 10.77.0.1/32 dev lo
	net_links
}

net_down() {
	local who
	for who in "${!net_pid[@]}"; do kill "${net_pid[$who]}" 2>/dev/null; done
}

# dske-vpn of one end: tunnel_conf WHO PEER NUMBER MORE..., then tunnel_start WHO
tunnel_conf() {
	local who=$1 peer=$2 i=$3
	shift 3
	{
		printf '[tunnel]\npeer = %s\ndevice = tun-%s\naddress = 10.99.0.%d/24\naddress = fd99::%d/64\n' "$peer" "$who" "$i" "$i"
		printf 'listen = :51821\nstatus = %s/%s/vpn.sock\n' "$DEMO_DIR" "$who"
		printf '%s\n' "$@"
		printf '[token]\nmodule = %s\npin_file = %s/%s/pin\n' "$demo_module" "$DEMO_DIR" "$who"
	} >"$DEMO_DIR/$who/vpn.conf"
}
tunnel_start() { # WHO
	net_start "$1" "$DEMO_DIR/as" "$1" "$DEMO_BUILD/vpn/dske-vpn" --config "$DEMO_DIR/$1/vpn.conf" >>"$DEMO_DIR/$1/vpn.log" 2>&1
	tunnel_pid[$1]=$!
}
tunnel_stop() { # WHO [SIGNAL]
	kill "-${2:-TERM}" "${tunnel_pid[$1]}"
	wait "${tunnel_pid[$1]}"
}
tunnel_status() { # WHO: JSON
	python3 -c 'import socket,sys
s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
while True:
    b=s.recv(65536)
    if not b: break
    sys.stdout.write(b.decode())' "$DEMO_DIR/$1/vpn.sock"
}

# Until ping gets through, at most that many seconds.
tunnel_await() { # WHO ADDRESS SECONDS
	local until=$((SECONDS + $3))
	until net_in "$1" ping -c 1 -W 0.3 -q "$2" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
	done
}
