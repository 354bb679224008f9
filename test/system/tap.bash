# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# tap.bash: what the system tests share: TAP lines, a scratch demonstration on free ports, its end.

tap_count=0
tap_failed=0
tap_scratch=$(mktemp -d "${TMPDIR:-/tmp}/dske-test.XXXXXX")

tap_done() { # as the EXIT trap: everything ends, whatever happened
	local status=$?
	declare -F tap_more_cleanup >/dev/null && tap_more_cleanup
	wiretap_end
	DEMO_DIR=$tap_scratch/demo demo_down
	rm -rf "$tap_scratch"
	[ $status -eq 0 ] && [ $tap_failed -eq 0 ] || exit 1
}

tap_plan_end() { printf '1..%d\n' $tap_count; }

# ok NAME COMMAND...: passes if the command succeeds; its output is shown as a comment if not
ok() {
	local name=$1
	shift
	tap_count=$((tap_count + 1))
	if "$@" >"$tap_scratch/ok.out" 2>&1; then
		printf 'ok %d - %s\n' $tap_count "$name"
	else
		tap_failed=$((tap_failed + 1))
		sed 's/^/# /' "$tap_scratch/ok.out"
		printf 'not ok %d - %s\n' $tap_count "$name"
	fi
}

# not COMMAND...: succeeds if the command fails in the ordinary way, not by a signal
not() {
	"$@"
	local status=$?
	[ $status -ne 0 ] && [ $status -lt 124 ]
}

# says TEXT COMMAND...: the command's output (whatever its status) matches the extended expression
says() {
	local text=$1 out
	shift
	out=$("$@" 2>&1)
	printf '%s\n' "$out"
	grep -qE -e "$text" <<<"$out"
}

# exits CODE COMMAND...: with exactly that exit code
exits() {
	local want=$1 got
	shift
	"$@"
	got=$?
	[ "$got" -eq "$want" ] || { echo "exit code $got, not $want"; return 1; }
}

# json EXPRESSION COMMAND...: standard output is one JSON value, of which the Python expression holds
json() {
	local what=$1
	shift
	"$@" 2>/dev/null >"$tap_scratch/json.out"
	python3 - "$what" "$tap_scratch/json.out" <<'PY'
import json, sys
value = json.load(open(sys.argv[2]))
if not eval(f"({sys.argv[1]})", {"v": value}):
    sys.exit(f"{sys.argv[1]} does not hold of {json.dumps(value)}")
PY
}

tap_skip_all() {
	[ -n "$(trap -p EXIT)" ] || rm -rf "$tap_scratch" # before tap_start nothing else removes it
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

# Takes a port as long as this shell lives; fails if somebody else has it.  No child of ours, so that `wait` knows nothing of it.
tap_hold() { # PORT
	local held
	read -r held < <(setsid -f python3 -c '
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("held", flush=True)
while os.path.exists("/proc/" + sys.argv[2]):
    time.sleep(0.2)' "$1" $$ </dev/null 2>/dev/null)
	[ "$held" = held ]
}

# Chooses twenty free ports, away from those that the kernel gives out.  What listens on them comes and goes during a
# test, so a 21st says that they are taken: other tests that run beside this one choose in the same way.
tap_ports() {
	local base try
	for try in $(seq 1 50); do
		base=$((12000 + (RANDOM % 850) * 21))
		DEMO_PORT=$base
		demo_check_ports 2>/dev/null && tap_hold $((base + 20)) && return 0
	done
	echo "Bail out! no free ports after $try tries"
	exit 1
}

# wiretap_start FILE CLIENT...: from here on these clients speak to the hubs through the tap, which records what it
# hears: hub i listens on port i, the tap on port i + 5.  Its process is $wiretap; tap_done ends it.
wiretap_start() {
	local file=$1
	shift
	between "$top_srcdir/test/system/wiretap.py" record "$file" -- "$@"
}
# between COMMAND... -- CLIENT...: the same with another command, which is told the pairs of ports.
between() {
	local i who pairs=() command=()
	while [ "$1" != -- ]; do command+=("$1"); shift; done
	shift
	for i in $(seq 1 "$DEMO_HUBS"); do pairs+=("$(demo_port $((i + 5)))=$(demo_port "$i")"); done
	"${command[@]}" "${pairs[@]}" 2>/dev/null &
	wiretap=$!
	demo_await "$(demo_port $((DEMO_HUBS + 5)))" $wiretap || return 1
	for who in "$@"; do
		for i in $(seq 1 "$DEMO_HUBS"); do
			printf '\n[hub hub%d]\naddress = %s:%d\n' "$i" "$DEMO_HOST" "$(demo_port $((i + 5)))"
		done >>"$DEMO_DIR/$who/dske.conf"
	done
}
wiretap_end() {
	[ -z "${wiretap-}" ] || { kill "$wiretap" && wait "$wiretap"; } 2>/dev/null
	wiretap=
}

tap_start() {
	DEMO_TOP=$top_srcdir
	DEMO_BUILD=$top_builddir
	DEMO_DIR=$tap_scratch/demo
	# shellcheck source=test/system/demo.bash
	. "$top_srcdir/test/system/demo.bash"
	demo_maker=$top_builddir/test/system/dske-cheap # where it was built: PSKMs whose passphrase costs next to nothing
	[ -x "$demo_maker" ] || demo_maker=$demo_dske
	tap_ports
	trap tap_done EXIT
	trap 'exit 130' INT TERM HUP
}
