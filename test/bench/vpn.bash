# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# vpn.bash: what the tunnels' benchmarks share, on test/vpn/net.bash and test/vpn/wireguard.bash.

vpn_header() { # COMMAND
	printf '# commit    %s\n' "${DSKE_BENCH_COMMIT:-unknown}"
	printf '# command   %s\n' "$1"
	printf '# machine   %s, %s cores, Linux %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
	printf '# load      %s\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
	printf '# date      %s\n' "$(date -u +%Y-%m-%dT%H:%MZ)"
}

# Everything before the measurement, into a file that is shown when it fails.
vpn_quietly() { # COMMAND...
	"$@" >"$tap_scratch/quietly" 2>&1 || { cat "$tap_scratch/quietly" >&2; echo "bench: $1 failed" >&2; exit 1; }
}

# Keys by the Simple DSKE Protocol, all three hubs, as in the paper's 5.2.
vpn_simple() {
	local who
	for who in alice bob; do sed -i '/^\[agreement\]/a scheme = xor' "$DEMO_DIR/$who/dske.conf"; done
}

# One stream from alice to bob's ADDRESS: Mbit/s as bob got them.  HOW: -t SECONDS or -n BYTES.
vpn_stream() { # ADDRESS HOW...
	local address=$1 server
	shift
	net_in bob iperf3 -s -1 -B "$address" >/dev/null 2>&1 &
	server=$!
	until net_in bob ss -Hltn "sport = :5201" | grep -q .; do sleep 0.05; done
	net_in alice timeout 900 iperf3 -J -c "$address" "$@" >"$tap_scratch/iperf.json" 2>&1
	kill $server 2>/dev/null
	wait $server 2>/dev/null
	python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
print("nan" if "error" in v else "%.1f" % (v["end"]["sum_received"]["bits_per_second"] / 1e6))' "$tap_scratch/iperf.json" 2>/dev/null || echo nan
}

# Mean round trip in ms, lost ones left out; each ping when the one before came back.
vpn_ping() { # ADDRESS COUNT
	net_in alice timeout 120 ping -A -q -c "$2" "$1" | sed -n 's|^rtt [^=]*= [^/]*/\([^/]*\)/.*|\1|p' | grep . || echo nan
}

vpn_field() { # WHO EXPRESSION: of dske-vpn's status v
	python3 -c 'import json,sys; v=json.load(sys.stdin); print(eval(sys.argv[1]))' "$2" < <(tunnel_status "$1")
}

# Until alice holds so many bytes to send under, which bob holds as well.
vpn_await_pad() { # BYTES SECONDS
	local until=$((SECONDS + $2))
	until [ "$(vpn_field alice "v['pads']['to_send_under'] >= $1" 2>/dev/null)" = True ]; do
		[ $SECONDS -lt $until ] || { tunnel_status alice >&2; tail -n 3 "$DEMO_DIR"/*/vpn.log >&2; return 1; }
		sleep 0.5
	done
}

# Hubs that stand still use no processor: what was agreed beforehand is all there is.
vpn_hubs() { # STOP | CONT
	local i
	for i in $(seq 1 "$DEMO_HUBS"); do kill "-$1" "$(cat "$DEMO_DIR/run/hub$i.pid")"; done
}

# NAME,VALUE lines: NAME, how many, median, least, most.
vpn_table() { # CSV UNIT
	python3 - "$1" "$2" <<'PY'
import csv, statistics, sys
rows = {}
for name, value in csv.reader(open(sys.argv[1])):
    rows.setdefault(name, []).append(float(value))
for name, values in rows.items():
    good = [v for v in values if v == v]
    if good:
        print(f"{name:<44} {statistics.median(good):>10.3f} {sys.argv[2]:<8} {min(good):.3f} to {max(good):.3f}, {len(good)} of {len(values)}")
    else:
        print(f"{name:<44}       none {sys.argv[2]}")
PY
}
