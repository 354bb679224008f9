# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# page.bash: runs the commands of a page of doc/integrations as they stand there, in a demonstration of three hubs.
#
# A page's commands are its indented lines; those below one heading are one script.
. "${top_srcdir:?}/test/system/tap.bash"

page_played=

declare -A page_package=([pkcs11-tool]=opensc [p11tool]=gnutls-bin [gnutls-serv]=gnutls-bin [java]=openjdk-17-jdk-headless
	[swanctl]=strongswan-swanctl [cryptsetup]=cryptsetup-bin [stunnel]=stunnel4)

# Before page_start: a program that does not run with AddressSanitizer's run-time library, which a module that is built
# with it needs.
page_unsanitized() { # WHY
	! ldd "$top_builddir/pkcs11/.libs/dske-pkcs11.so" | grep -q libasan || tap_skip_all "$1"
}

# page_start PAGE [COMMAND...]: begins, in a folder with demo/ and build/; skips all where a command is missing.
page_start() {
	local command
	page=$top_srcdir/doc/integrations/$1.md
	shift
	for command; do
		command -v "$command" >/dev/null || tap_skip_all "$command is not installed: apt-get install ${page_package[$command]-$command}"
	done
	[ "$(id -u)" -ne 0 ] || unshare --mount true 2>/dev/null ||
		tap_skip_all 'p11-kit cannot be shown the module: root may not make a mount namespace here'
	tap_start
	DEMO_HUBS=3
	ok 'three hubs, two clients who know each other' demo_set_up
	cd "$tap_scratch" || exit 1
	ln -s "$top_builddir" build
}

# The commands below a heading.
page_block() { # HEADING
	awk -v heading="$1" '
		/^#/ { inside = $0 == "## " heading || $0 == "### " heading; next }
		inside && /^    / { print substr($0, 5) }
		inside && /^$/ { print "" }' "$page"
}

page_play() { # HEADING [NAME=VALUE...]
	local heading=$1
	shift
	page_played+="$heading"$'\n'
	page_block "$heading" >"$tap_scratch/block"
	grep -q . "$tap_scratch/block" || { echo "no commands below \"$heading\""; return 1; }
	env "$@" DSKE_DEMO_PORT="$DEMO_PORT" timeout 120 bash -e -o pipefail "$tap_scratch/block"
}

# Every heading that has commands was played.
page_covered() {
	local heading bad=0
	while read -r heading; do
		page_block "$heading" | grep -q . || continue
		grep -qFx "$heading" <<<"$page_played" || { echo "not played: $heading"; bad=1; }
	done < <(sed -n 's/^###* //p' "$page")
	return $bad
}

page_end() {
	ok 'every command of the page was run' page_covered
	tap_plan_end
}
