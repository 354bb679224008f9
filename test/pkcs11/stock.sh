# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the scripts beside it: TAP, two clients without a network, and how foreign programs load the module.
set -u
: "${top_builddir:?}" "${top_srcdir:?}"
here=$top_builddir/test/pkcs11
module=$here/.libs/dske-fake.so
dir=$(mktemp -d "${TMPDIR:-/tmp}/dske-stock.XXXXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
count=0

# result NAME STATUS: one line of TAP; what $dir/out holds explains a failure.
result() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		sed 's/^/# /' "$dir/out"
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

finish() { echo "1..$count"; }

hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }

# client NAME ID PEER PEER-ID
client() {
	mkdir "$dir/$1"
	printf '[client]\nname = %s\nid = %s\nlog = %s/log\n[peer %s]\nextract = yes\n' \
		"$1" "$2" "$dir/$1" "$3" >"$dir/$1/dske.conf"
	printf '[peer %s]\nid = %s\nhubs_agreed = 3\nhubs_asked = 3\n[peer carol]\nid = %s\nhubs_agreed = 3\nhubs_asked = 3\n' \
		"$3" "$4" 0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c >"$dir/$1/peers"
}
client alice 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a bob 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b
client bob 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b alice 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
export DSKE_CONF=$dir/alice/dske.conf DSKE_PIN=123456

# A program that was not built with a sanitizer gets its run-time library from our own programs.
sanitizer=$(ldd "$here/.libs/p11test" 2>/dev/null || ldd "$here/p11test")
sanitizer=$(printf '%s\n' "$sanitizer" | awk '/libasan/ { print $3 }')
foreign_fails=
if [ -z "$sanitizer" ] && nm -D "$module" | grep -qE '__(a|m)san_init'; then
	foreign_fails="programs that are not built with this sanitizer cannot load the module"
fi

# foreign COMMAND: at most half a minute, all output to $dir/out.
foreign() {
	if [ -n "$sanitizer" ]; then
		LD_PRELOAD=$sanitizer ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
			timeout 30 "$@" >"$dir/out" 2>&1 </dev/null
	else
		timeout 30 "$@" >"$dir/out" 2>&1 </dev/null
	fi
}

# ---- p11-kit, which is shown our module and no other -------------------------------------------------------------------

# $proxy, the module that stands for all; $how it is shown, empty where it cannot be.
kit_begin() {
	mkdir "$dir/modules"
	echo "module: $module" >"$dir/modules/dske.module"
	proxy=$(pkg-config --variable=proxy_module p11-kit-1 2>/dev/null)
	[ -e "$proxy" ] || proxy=$(echo /usr/lib/*/p11-kit-proxy.so)
	how=
	if [ "$(id -u)" -ne 0 ]; then
		mkdir -p "$dir/config/pkcs11" && mv "$dir/modules" "$dir/config/pkcs11/modules"
		echo 'user-config: only' >"$dir/config/pkcs11/pkcs11.conf"
		export XDG_CONFIG_HOME=$dir/config
		how=user
	elif unshare --mount true 2>/dev/null; then
		how=root
	fi
}

# kit COMMAND: as foreign.
kit() {
	if [ "$how" = root ]; then
		foreign unshare --mount sh -c 'mount --bind "$0" /usr/share/p11-kit/modules && exec "$@"' "$dir/modules" "$@"
	else
		foreign "$@"
	fi
}
