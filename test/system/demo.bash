# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# demo.bash: the demonstration's steps, one function each; ./quickstart walks through them, and the
# system tests use the same functions.
#
# Before sourcing this a caller may set
#   DEMO_TOP    the source tree (default: the current folder)
#   DEMO_BUILD  where it was built (default: $DEMO_TOP/build)
#   DEMO_DIR    where hubs and clients live (default: $DEMO_TOP/demo)
#   DSKE_DEMO_PORT  the first of 12 ports (default 7101)

DEMO_TOP=${DEMO_TOP:-$PWD}
DEMO_BUILD=${DEMO_BUILD:-$DEMO_TOP/build}
DEMO_DIR=${DEMO_DIR:-$DEMO_TOP/demo}
DEMO_PORT=${DSKE_DEMO_PORT:-7101}
DEMO_HOST=${DEMO_HOST:-127.0.0.1} # where hubs listen
DEMO_HUBS=${DEMO_HUBS:-5}
DEMO_TABLE=${DEMO_TABLE:-1M}

demo_dske=$DEMO_BUILD/tools/dske
demo_maker=$demo_dske # of PSKMs
demo_hubd=$DEMO_BUILD/hub/dske-hubd
demo_module=$DEMO_BUILD/pkcs11/.libs/dske-pkcs11.so

# ---- telling -------------------------------------------------------------------------------------

demo_title() { printf '\n== %s\n' "$*"; }
demo_say() { printf '   %s\n' "$*"; }
demo_die() {
	printf 'quickstart: %s\n' "$*" >&2
	return 1
}

# Shows a command as one would type it, then runs it as that client.
demo_run() { # CLIENT COMMAND...
	printf '   $ demo/as %s\n' "$*"
	demo_as "$@" | sed 's/^/   /'
	return "${PIPESTATUS[0]}"
}

# ---- processes -----------------------------------------------------------------------------------

demo_port() { echo $((DEMO_PORT + $1 - 1)); }

demo_port_is_free() { ! (exec 3<>"/dev/tcp/$DEMO_HOST/$1") 2>/dev/null; }

demo_check_ports() {
	local i port
	[[ $DEMO_PORT =~ ^[1-9][0-9]{0,4}$ ]] && [ "$DEMO_PORT" -le 65524 ] || {
		demo_die "DSKE_DEMO_PORT=$DEMO_PORT: the first of 12 ports, from 1 to 65524"
		return 1
	}
	for i in $(seq 1 $((DEMO_HUBS > 12 ? DEMO_HUBS : 12))); do
		port=$(demo_port "$i")
		demo_port_is_free "$port" || {
			demo_die "port $port on $DEMO_HOST is in use; choose others, for example: DSKE_DEMO_PORT=$((DEMO_PORT + 200)) ./quickstart"
			return 1
		}
	done
}

# Waits until something listens on a port, or the process that should do so is gone.
demo_await() { # PORT PID
	local tries
	for tries in $(seq 1 100); do
		demo_port_is_free "$1" || return 0
		kill -0 "$2" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# Is this process one that the demonstration started?  A number may have been given away since.
demo_is_ours() { # PID
	local what
	what=$( { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) || return 1
	case $what in *"$DEMO_DIR/"*) return 0 ;; *) return 1 ;; esac
}

demo_end() { # PIDFILE
	local pid tries
	[ -f "$1" ] || return 0
	pid=$(cat "$1")
	if demo_is_ours "$pid"; then
		kill "$pid" 2>/dev/null
		for tries in $(seq 1 100); do
			demo_is_ours "$pid" || break
			sleep 0.05
		done
		demo_is_ours "$pid" && kill -9 "$pid" 2>/dev/null
	fi
	rm -f "$1"
}

# What runs belongs to somebody: it is not for another run to remove.
demo_check_idle() {
	local file
	for file in "$DEMO_DIR"/run/*.pid; do
		[ -f "$file" ] && demo_is_ours "$(cat "$file")" || continue
		demo_die 'a demonstration is running in demo/; if it is not needed any more: ./quickstart down, then this again'
		return 1
	done
}

demo_down() {
	local file
	for file in "$DEMO_DIR"/run/*.pid; do
		[ -e "$file" ] && demo_end "$file"
	done
	rm -rf "$DEMO_DIR"
}

# ---- hubs ----------------------------------------------------------------------------------------

demo_hub_make() { # NUMBER
	local dir=$DEMO_DIR/hub$1
	"$demo_dske" hub init --name "hub$1" --listen "$DEMO_HOST:$(demo_port "$1")" \
		--state "$dir" --conf "$dir/hubd.conf" >/dev/null
	printf '\n[group demo]\nmembers = alice, bob\n' >>"$dir/hubd.conf"
}

demo_hub_start() { # NUMBER
	local dir=$DEMO_DIR/hub$1 pid
	setsid "$demo_hubd" --config "$dir/hubd.conf" </dev/null >>"$dir/hubd.log" 2>&1 &
	pid=$!
	echo "$pid" >"$DEMO_DIR/run/hub$1.pid"
	demo_await "$(demo_port "$1")" "$pid" || {
		demo_die "hub$1 did not start: $(tail -n 1 "$dir/hubd.log")"
		return 1
	}
}

demo_hub_stop() { demo_end "$DEMO_DIR/run/hub$1.pid"; }

# ---- clients -------------------------------------------------------------------------------------

demo_secret() { # FILE: a random PIN, 0600
	od -An -N6 -tx1 /dev/urandom | tr -d ' \n' >"$1"
}

demo_client_make() { # NAME
	local dir=$DEMO_DIR/$1
	mkdir -p "$dir"
	demo_secret "$dir/pin"
	demo_secret "$dir/so-pin"
	demo_as "$1" "$demo_dske" init --name "$1" --conf "$dir/dske.conf" \
		--pin "file:$dir/pin" --so-pin "file:$dir/so-pin" >/dev/null || return 1
	# the module says why it refuses, beside the tool's own error code
	sed -i 's/^\[client\]$/&\nlog = stderr/' "$dir/dske.conf"
}

demo_client_id() { sed -n 's/^ *id *= *//p' "$DEMO_DIR/$1/dske.conf" | head -n 1; }

# The peer whose keys stock tools may read in clear (pkcs11-tool writes them to a file).
demo_client_allow() { # NAME PEER
	printf '\n[peer %s]\nextract = yes\n' "$2" >>"$DEMO_DIR/$1/dske.conf"
}

# Makes a PSKM for a client at a hub; passphrase in a file of its own, as on a second channel.
demo_pskm_create() { # HUB CLIENT
	"$demo_maker" pskm create --hub-conf "$DEMO_DIR/hub$1/hubd.conf" --client "$2" \
		--client-id "$(demo_client_id "$2")" --size "$DEMO_TABLE" \
		--output "$DEMO_DIR/post/hub$1-$2.pskm" \
		--passphrase-file "$DEMO_DIR/post/hub$1-$2.passphrase" >/dev/null
}

demo_pskm_import() { # HUB CLIENT
	demo_as "$2" "$demo_dske" pskm import "$DEMO_DIR/post/hub$1-$2.pskm" \
		--passphrase-file "$DEMO_DIR/post/hub$1-$2.passphrase" >/dev/null
	rm -f "$DEMO_DIR/post/hub$1-$2".*
}

# ---- refilling over a QKD link -------------------------------------------------------------------
#
# A mock pair of KMEs stands in for the link (test/qkd/mock-kme.py; its faults: $DEMO_DIR/kme/fault).

demo_kme_start() { # [OPTION...]
	local dir=$DEMO_DIR/kme tries
	mkdir -p "$dir"
	rm -f "$dir/ports"
	setsid python3 "$DEMO_TOP/test/qkd/mock-kme.py" "$dir" "$@" </dev/null >/dev/null 2>&1 &
	echo $! >"$DEMO_DIR/run/kme.pid"
	for tries in $(seq 1 200); do
		[ -f "$dir/ports" ] && break
		sleep 0.05
	done
	[ -f "$dir/ports" ] || demo_die 'the mock KMEs did not start'
}

# Names the link at both ends.
demo_kme_link() { # HUB CLIENT
	local a b
	read -r a b <"$DEMO_DIR/kme/ports"
	printf '\n[qkd %s]\nurl = http://127.0.0.1:%s\npeer = sae-b\n' "$2" "$a" >>"$DEMO_DIR/hub$1/hubd.conf"
	printf '\n[qkd hub%s]\nurl = http://127.0.0.1:%s\npeer = sae-a\n' "$1" "$b" >>"$DEMO_DIR/$2/dske.conf"
}

# Another table for a client at a hub, out of the link's keys.
demo_refill_create() { # HUB CLIENT
	"$demo_dske" pskm create --hub-conf "$DEMO_DIR/hub$1/hubd.conf" --client "$2" \
		--client-id "$(demo_client_id "$2")" --size "$DEMO_TABLE" --qkd "$2" \
		--output "$DEMO_DIR/post/hub$1-$2.qkd" >/dev/null
}

demo_refill_import() { # HUB CLIENT
	demo_as "$2" "$demo_dske" pskm import "$DEMO_DIR/post/hub$1-$2.qkd" --qkd "hub$1" >/dev/null &&
		rm -f "$DEMO_DIR/post/hub$1-$2.qkd"
}

# ---- through p11-kit, without touching the system ------------------------------------------------
#
# p11-kit reads its modules' list from fixed folders.  root: a private mount namespace shows it ours.
# A user: the user's configuration, which p11-kit ignores for root.  Where neither works (some
# containers) the module is loaded directly.

demo_p11_setup() {
	local dir=$DEMO_DIR/p11
	mkdir -p "$dir/modules" "$dir/xdg/pkcs11/modules"
	# p11-kit runs as whoever calls, and reads these as such
	chmod 755 "$dir" "$dir/modules"
	printf 'module: %s\n' "$demo_module" | tee "$dir/modules/dske.module" >"$dir/xdg/pkcs11/modules/dske.module"
	printf 'user-config: only\n' >"$dir/xdg/pkcs11/pkcs11.conf"
	demo_proxy=$(find /usr/lib -name p11-kit-proxy.so -print -quit 2>/dev/null)
	if [ -z "$demo_proxy" ]; then
		demo_how=direct
	elif [ "$(id -u)" -eq 0 ]; then
		demo_how=direct
		unshare --mount true 2>/dev/null && [ -d /usr/share/p11-kit/modules ] && demo_how=namespace
	else
		demo_how=user
	fi
	[ $demo_how = direct ] && demo_proxy=$demo_module
	# A module built with a sanitizer needs its runtime in the host that loads it.
	demo_preload=$(ldd "$demo_module" 2>/dev/null | sed -n 's/.*=> \(.*libasan[^ ]*\) .*/\1/p')
	# One small program that does the same from a terminal.
	cat >"$DEMO_DIR/as" <<AS
#!/bin/sh
# as CLIENT COMMAND...: runs a command as that client of the demonstration, with p11-kit seeing the
# DSKE module alone.
[ \$# -ge 2 ] || { echo "usage: demo/as alice|bob COMMAND..." >&2; exit 2; }
dir='$DEMO_DIR'; who=\$1; shift
[ -d "\$dir/\$who/." ] || { echo "as: no client \$who here" >&2; exit 2; }
export DSKE_CONF="\$dir/\$who/dske.conf" DSKE_MODULE='$demo_module' P11_PROXY='$demo_proxy'
[ -f "\$dir/\$who/pin" ] && DSKE_PIN=\$(cat "\$dir/\$who/pin") && export DSKE_PIN
PATH='$DEMO_BUILD/tools':\$PATH
preload='$demo_preload'
[ -z "\$preload" ] || export LD_PRELOAD="\$preload" ASAN_OPTIONS=detect_leaks=0
case $demo_how in
namespace) exec unshare --mount sh -c 'mount --bind "\$0" /usr/share/p11-kit/modules && exec "\$@"' "\$dir/p11/modules" "\$@" ;;
user) XDG_CONFIG_HOME="\$dir/p11/xdg" exec "\$@" ;;
*) exec "\$@" ;;
esac
AS
	chmod 700 "$DEMO_DIR/as"
}

demo_as() { "$DEMO_DIR/as" "$@"; }

# ---- agreeing ------------------------------------------------------------------------------------

# pkcs11-tool can only say "ECDH": the key's name travels as the object ID, "peer/name" in hexadecimal,
# and the public key that it insists on is a stand-in (doc/token.md, route A).
demo_stand_in() {
	local file=$DEMO_DIR/stand-in.der
	[ -f "$file" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
		openssl pkey -pubout -outform DER >"$file"
	echo "$file"
}

demo_hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }

demo_derive() { # CLIENT PEER KEYNAME
	local out=$DEMO_DIR/$1/$3.key
	rm -f "$out"
	demo_as "$1" pkcs11-tool --module "$demo_proxy" --token-label "$1" --login --pin env:DSKE_PIN \
		--derive -m ECDH1-DERIVE --id "$(demo_hex "$2/$3")" -i "$(demo_stand_in)" -o "$out" \
		>"$DEMO_DIR/$1/$3.out" 2>&1
	[ -s "$out" ] # pkcs11-tool warns and exits 0 when it may not read the key
}

# Both ends at once, as two people would; true if both got a key.
demo_agree() { # KEYNAME
	local alice ok=0
	demo_derive alice bob "$1" &
	alice=$!
	demo_derive bob alice "$1" || ok=1
	wait "$alice" || ok=1
	return $ok
}

demo_kcv() { sha1sum "$1" | cut -c1-6; }

demo_compare() { # KEYNAME
	local a b
	a=$(demo_kcv "$DEMO_DIR/alice/$1.key")
	b=$(demo_kcv "$DEMO_DIR/bob/$1.key")
	printf '   key check value   alice %s   bob %s   (%d bytes)\n' "$a" "$b" "$(stat -c %s "$DEMO_DIR/alice/$1.key")"
	cmp -s "$DEMO_DIR/alice/$1.key" "$DEMO_DIR/bob/$1.key" || {
		demo_die 'the two keys differ'
		return 1
	}
}

# ---- using a key ---------------------------------------------------------------------------------

demo_export() { # CLIENT KEYNAME FORMAT OUT [MORE...]
	local client=$1 key=$2 format=$3 out=$4
	shift 4
	rm -f "$out"
	demo_as "$client" "$demo_dske" key export --from "$DEMO_DIR/$client/$key.key" \
		--format "$format" --output "$out" "$@" >/dev/null
}

# Sends one line over TLS 1.3; the server is bob's, the client alice's.
demo_tls_openssl() { # KEYNAME MESSAGE
	local port suite=TLS_AES_256_GCM_SHA384 pid got side
	port=$(demo_port 11)
	for side in alice bob; do
		demo_export "$side" "$1" tls-session "$DEMO_DIR/$side/tls.pem" --cipher $suite
	done
	mkfifo "$DEMO_DIR/run/tls-in"
	openssl s_server -accept "127.0.0.1:$port" -nocert -tls1_3 -ciphersuites $suite -quiet -no_ign_eof \
		-psk_session "$DEMO_DIR/bob/tls.pem" -psk_identity dske \
		<>"$DEMO_DIR/run/tls-in" >"$DEMO_DIR/run/tls-out" 2>&1 &
	pid=$!
	echo $pid >"$DEMO_DIR/run/s_server.pid"
	demo_await_listen "$port" || return 1
	{
		printf '%s\n' "$2"
		demo_await_line "$DEMO_DIR/run/tls-out" "$2"
	} | timeout 10 openssl s_client -connect "127.0.0.1:$port" -tls1_3 -ciphersuites $suite -quiet -no_ign_eof \
		-psk_session "$DEMO_DIR/alice/tls.pem" -psk_identity dske >"$DEMO_DIR/run/tls-client" 2>&1
	got=$(grep -Fx "$2" "$DEMO_DIR/run/tls-out")
	demo_end "$DEMO_DIR/run/s_server.pid"
	wait "$pid" 2>/dev/null
	rm -f "$DEMO_DIR/run/tls-in"
	[ "$got" = "$2" ]
}

# gnutls-serv echoes; it listens on every address for as long as this takes, so it is given a network
# namespace of its own where that can be had.
demo_tls_gnutls() { # KEYNAME MESSAGE
	local port suite=TLS_AES_128_GCM_SHA256 own=()
	port=$(demo_port 12)
	demo_export alice "$1" tls-session "$DEMO_DIR/alice/tls-gnutls.pem" --cipher $suite
	demo_export bob "$1" psk-file "$DEMO_DIR/bob/psk.txt" --identity dske
	if [ "$(id -u)" -eq 0 ] && command -v ip >/dev/null && unshare --net true 2>/dev/null; then
		own=(unshare --net)
	fi
	# shellcheck disable=SC2016 # expanded by the inner shell
	PORT=$port DIR=$DEMO_DIR SUITE=$suite MESSAGE=$2 "${own[@]}" bash -c '
		[ -z "$0" ] || ip link set lo up
		gnutls-serv --pskpasswd "$DIR/bob/psk.txt" --port "$PORT" --echo \
			--priority "NORMAL:-KX-ALL:+PSK:+DHE-PSK:+ECDHE-PSK:-VERS-ALL:+VERS-TLS1.3" \
			</dev/null >"$DIR/run/gnutls-out" 2>&1 &
		echo $! >"$DIR/run/gnutls-serv.pid"
		for i in $(seq 1 100); do
			ss -Hltn "sport = :$PORT" | grep -q . && break
			sleep 0.05
		done
		{
			printf "%s\n" "$MESSAGE"
			for i in $(seq 1 100); do
				grep -qF "$MESSAGE" "$DIR/run/gnutls-client" 2>/dev/null && break
				sleep 0.05
			done
		} | timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -ciphersuites "$SUITE" -quiet -no_ign_eof \
			-psk_session "$DIR/alice/tls-gnutls.pem" -psk_identity dske >"$DIR/run/gnutls-client" 2>&1
		kill "$(cat "$DIR/run/gnutls-serv.pid")"
	' "${own[*]-}"
	demo_end "$DEMO_DIR/run/gnutls-serv.pid"
	grep -qFx "$2" "$DEMO_DIR/run/gnutls-client"
}

# Does anything listen there?  Without connecting: s_server serves one client at a time.
demo_await_listen() { # PORT
	local tries
	for tries in $(seq 1 100); do
		ss -Hltn "sport = :$1" | grep -q . && return 0
		sleep 0.05
	done
	return 1
}

demo_await_line() { # FILE TEXT
	local tries=0
	until grep -qFx "$2" "$1" 2>/dev/null; do
		[ $((tries += 1)) -le 100 ] || return 1
		sleep 0.05
	done
}

# ---- the walk ------------------------------------------------------------------------------------

demo_set_up() {
	local i who
	demo_down
	demo_check_ports || return 1
	mkdir -p "$DEMO_DIR/run" "$DEMO_DIR/post" || return 1
	demo_p11_setup

	demo_title "five Security Hubs on $DEMO_HOST:$(demo_port 1)-$(demo_port $DEMO_HUBS)"
	for i in $(seq 1 $DEMO_HUBS); do
		demo_hub_make "$i" && demo_hub_start "$i" || return 1
		demo_say "hub$i  process $(cat "$DEMO_DIR/run/hub$i.pid")"
	done

	demo_title 'two clients, who have never met'
	for who in alice bob; do
		demo_client_make $who || return 1
		demo_say "$who  $(demo_client_id $who)"
	done
	demo_client_allow alice bob
	demo_client_allow bob alice

	demo_title "a PSKM for each client from each hub: $DEMO_TABLE of random bytes, carried by hand"
	for who in alice bob; do
		for i in $(seq 1 $DEMO_HUBS); do
			demo_pskm_create "$i" $who && demo_pskm_import "$i" $who || return 1
		done
		! declare -F demo_tables_made >/dev/null || demo_tables_made || return 1
		demo_run $who dske pskm activate --all || return 1
	done

	demo_title 'who is who: each client asks every hub about the other'
	demo_run alice dske peer add bob || return 1
	demo_run bob dske peer add alice || return 1
}

demo_show() {
	local key=demo-1
	demo_title "a 256-bit key by Debian's pkcs11-tool, n = 5, k = 3, both sides at once"
	demo_say "\$ pkcs11-tool --module p11-kit-proxy.so --token-label alice --login --pin env:DSKE_PIN \\"
	demo_say "      --derive -m ECDH1-DERIVE --id $(demo_hex bob/$key) -i stand-in.der -o $key.key"
	demo_agree $key || {
		cat "$DEMO_DIR"/{alice,bob}/$key.out >&2
		demo_die 'no key was agreed'
		return 1
	}
	demo_compare $key || return 1

	demo_title 'two hubs stop; three remain, and k is 3'
	demo_hub_stop 4
	demo_hub_stop 5
	demo_agree demo-2 || {
		cat "$DEMO_DIR"/{alice,bob}/demo-2.out >&2
		demo_die 'no key was agreed with three hubs of five'
		return 1
	}
	demo_compare demo-2 || return 1

	demo_title 'a third stops; two remain: nobody gets a key, and both are told why'
	demo_hub_stop 3
	if demo_agree demo-3; then
		demo_die 'a key came from two hubs although k is 3'
		return 1
	fi
	demo_say 'alice, pkcs11-tool:'
	sed 's/^/      /' "$DEMO_DIR/alice/demo-3.out" | grep -v 'Using derive'
	demo_say 'alice, dske:'
	demo_as alice dske key agree bob --context demo-3 --timeout 5s 2>&1 | sed 's/^/      /'
	for i in 3 4 5; do demo_hub_start $i || return 1; done

	demo_title "TLS 1.3 with the agreed key: openssl s_server (bob) and openssl s_client (alice)"
	demo_tls_openssl $key 'hello bob, this is alice' || {
		cat "$DEMO_DIR"/run/tls-* >&2
		demo_die 'the TLS connection failed'
		return 1
	}
	demo_say "bob received: hello bob, this is alice"
	demo_title "TLS 1.3 with the agreed key: gnutls-serv (bob) and openssl s_client (alice)"
	demo_tls_gnutls $key 'hello again' || {
		cat "$DEMO_DIR"/run/gnutls-* >&2
		demo_die 'the TLS connection with gnutls-serv failed'
		return 1
	}
	demo_say "echoed by gnutls-serv: hello again"
}

demo_main() { # show | up
	trap 'demo_down; exit 130' INT TERM HUP
	if ! demo_set_up; then
		demo_down
		exit 1
	fi
	if [ "$1" = show ]; then
		if ! demo_show; then
			demo_down
			exit 1
		fi
		demo_title 'key check values, side by side'
		demo_compare demo-1
		demo_compare demo-2
		demo_down
		printf '\nEverything is stopped and removed.  To play on: ./quickstart up\n'
		return
	fi
	trap - INT TERM HUP
	cat <<'TEXT'

Five hubs and two clients are running.  Try:

  demo/as alice dske hub status
  demo/as alice dske key agree bob --context lunch --output demo/alice.key &
  demo/as bob dske key agree alice --context lunch --output demo/bob.key
  wait; cmp demo/alice.key demo/bob.key
  demo/as alice p11tool --list-all 'pkcs11:token=alice'
  demo/as alice dske doctor
  ./quickstart down
TEXT
}
