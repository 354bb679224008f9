# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# kme.bash: the mock pair of KMEs for shell tests.  Needs tap.bash (tap_start) before it.

# Starts it in a folder; kme_a and kme_b are the ports.  More options go to mock-kme.py.  Its process ends with the
# shell that started it.
kme_start() { # FOLDER [OPTION...]
	local folder=$1 tries
	shift
	mkdir -p "$folder"
	rm -f "$folder/ports"
	python3 "$top_srcdir/test/qkd/mock-kme.py" "$folder" "$@" &
	kme_pid=$!
	for tries in $(seq 1 200); do
		[ -f "$folder/ports" ] && break
		sleep 0.05
	done
	read -r kme_a kme_b <"$folder/ports"
}

kme_stop() {
	kill "$kme_pid" 2>/dev/null
	wait "$kme_pid" 2>/dev/null
}

# A section for a configuration file.
kme_section() { # NAME PORT PEER [LINE...]
	printf '\n[qkd %s]\nurl = http://127.0.0.1:%s\npeer = %s\n' "$1" "$2" "$3"
	shift 3
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# A certificate authority, the KMEs' certificate, and one for each SAE: FOLDER/{ca,kme,NAME}.{pem,key}.
kme_certificates() { # FOLDER SAE...
	local folder=$1 name
	shift
	mkdir -p "$folder"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test CA' \
		-keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null || return 1
	for name in kme "$@"; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout "$folder/$name.key" -out "$folder/$name.csr" 2>/dev/null &&
			openssl x509 -req -in "$folder/$name.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -days 2 \
				-extfile <(printf 'subjectAltName = IP:127.0.0.1') -out "$folder/$name.pem" 2>/dev/null || return 1
	done
}

# The same section with certificates.
kme_section_tls() { # NAME PORT PEER FOLDER SAE [LINE...]
	printf '\n[qkd %s]\nurl = https://127.0.0.1:%s\npeer = %s\n' "$1" "$2" "$3"
	printf 'ca = %s/ca.pem\ncertificate = %s/%s.pem\nkey = %s/%s.key\n' "$4" "$4" "$5" "$4" "$5"
	shift 5
	[ $# -eq 0 ] || printf '%s\n' "$@"
}
