#!/usr/bin/env bash
# Runs the examples that serve, or ask, against programs that know nothing of corio: curl, wrk, openssl, nc, socat, and
# Python with its asyncio (tests/ci/peers.py).
#
#     tests/ci/peers.sh
#
# Where a program is missing, the others are run, and the status is 2 in the end: that is no silent success.

set -euo pipefail
cd "$(dirname "$0")/../.."

examples=(echo_server chat_server tcp_proxy tls_echo http_server http_client graceful_shutdown tour)
cargo build --release -p corio-examples "${examples[@]/#/--example=}"
programs="${CARGO_TARGET_DIR:-target}/release/examples"
scratch=$(mktemp -d)
missing=()

# Whoever is left when something fails is ended.
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT

fail() {
    echo "peers: $*" >&2
    exit 1
}

# There are several programs of the name nc, and not all can end only their half of a connection.
nc_can_end_its_half() {
    [[ $(nc -h 2>&1) == *'Shutdown the network socket'* ]]
}

# Says what follows, and whether there is the program for it.
with() {
    if command -v "$1" >/dev/null && { [ "$1" != nc ] || nc_can_end_its_half; }; then
        printf 'peers: %s, %s\n' "$1" "$2"
    else
        missing+=("$1")
        false
    fi
}

# Starts "$@", a server, and waits until it says where it listens: sets `address`, `host` and `port`, `server`, which is
# its process, and `preface`, what it has said before.
start() {
    local output="$scratch/output-${#servers[@]}" line
    mkfifo "$output"
    # In the foreground, or it would send each signal twice.
    timeout --foreground 300 "$@" >"$output" 2>"$scratch/errors" &
    server=$!
    servers+=("$server")
    exec {said}<"$output"
    address='' preface=''
    while [ -z "$address" ] && read -r line <&"$said"; do
        if [[ $line =~ (127\.0\.0\.1[: ][port ]*[0-9]+) ]]; then
            address=127.0.0.1:${BASH_REMATCH[1]##*[: ]}
        else
            preface+=$line$'\n'
        fi
    done
    [ -n "$address" ] || fail "$1 does not listen: $(cat "$scratch/errors")"
    host=${address%:*} port=${address##*:}
    cat <&"$said" >/dev/null &
    exec {said}<&-
}

# Tells a server to stop. Its status must be $2, or that of a process which that signal ends.
stop() {
    local status=0
    kill -TERM "$1"
    wait "$1" || status=$?
    [ "$status" = "${2:-143}" ] || fail "a server has ended with status $status"
}

expect() {
    [ "$1" = "$2" ] || fail "expected '$2', got '$1'"
}

same() {
    cmp "$1" "$2" || fail "other bytes have come back than were sent"
}

head -c 3000000 /dev/urandom >"$scratch/sent"

# --- echo_server, and tcp_proxy in front of it
start "$programs/echo_server" 127.0.0.1:0
echo_server=$server echo_address=$address
start "$programs/tcp_proxy" 127.0.0.1:0 "$echo_address"
for way in "$echo_address" "$address"; do
    host=${way%:*} port=${way##*:}
    if with nc "a few words to $way and back"; then
        expect "$(printf 'to be\nor not\n' | timeout 60 nc -N "$host" "$port")" $'to be\nor not'
    fi
    if with socat "three megabytes to $way and back"; then
        timeout 60 socat -t 60 - "TCP:$way" <"$scratch/sent" >"$scratch/back"
        same "$scratch/sent" "$scratch/back"
    fi
    if with python3 "fifty clients at once of $way"; then
        timeout 120 python3 tests/ci/peers.py echo "$host" "$port"
    fi
done
stop "$server"
stop "$echo_server"

# --- chat_server
start "$programs/chat_server" 127.0.0.1:0
if with python3 'a chat'; then
    timeout 120 python3 tests/ci/peers.py chat "$host" "$port"
fi
stop "$server"

# --- tls_echo
start "$programs/tls_echo" 127.0.0.1:0
printf '%s' "$preface" >"$scratch/ca.pem"
for version in tls1_2 tls1_3; do
    if with openssl "a line by $version and back"; then
        coproc client {
            timeout 60 openssl s_client -connect "$address" -servername localhost -CAfile "$scratch/ca.pem" \
                -verify_return_error -verify_hostname localhost "-$version" -quiet 2>"$scratch/errors"
        }
        exec {to}>&"${client[1]}" {from}<&"${client[0]}"
        talker=$client_PID
        echo 'words, words, words' >&"$to"
        read -r line <&"$from" || fail "openssl: $(cat "$scratch/errors")"
        expect "$line" 'words, words, words'
        exec {to}>&- {from}<&-
        kill "$talker" 2>/dev/null || true
        wait "$talker" 2>/dev/null || true
    fi
done
if with python3 'fifty clients at once by TLS'; then
    timeout 120 python3 tests/ci/peers.py tls "$host" "$port" "$scratch/ca.pem"
fi
stop "$server"

# --- http_server
start "$programs/http_server" 127.0.0.1:0
http_server=$server http_address=$address
ask() { timeout 60 curl -sS --noproxy '*' -o "$scratch/page" -w '%{http_code}' "$@"; }
if with curl 'requests good and bad'; then
    expect "$(ask "http://$address/")" 200
    expect "$(cat "$scratch/page")" hello
    expect "$(ask "http://$address/nowhere")" 404
    expect "$(ask -X DELETE "http://$address/")" 405
    expect "$(ask -H "X: $(printf '%20000s' x)" "http://$address/")" 431
    expect "$(ask --data-binary "@$scratch/sent" -H 'Expect:' "http://$address/")" 413
    expect "$(ask -H 'Transfer-Encoding: chunked' -d x "http://$address/")" 411
    head -c 500000 "$scratch/sent" >"$scratch/half"
    expect "$(ask --data-binary "@$scratch/half" "http://$address/")" 200
    same "$scratch/half" "$scratch/page"
    connects=$(timeout 60 curl -sS --noproxy '*' -w '%{num_connects}\n' "http://$address/" "http://$address/")
    expect "$connects" $'hello\n1\nhello\n0'
fi
if with nc 'what is no request'; then
    answer=$(printf 'how do you do?\r\n\r\n' | timeout 60 nc -N "$host" "$port")
    expect "${answer%%$'\r'*}" 'HTTP/1.1 400 Bad Request'
fi
if with python3 'requests in pieces'; then
    timeout 120 python3 tests/ci/peers.py http "$host" "$port"
fi
load() {
    timeout 60 wrk -t1 -c50 -d1s "$1" >"$scratch/load"
    grep Requests/sec "$scratch/load" || fail "wrk has no figure"
    ! grep -E 'Non-2xx|Socket errors' "$scratch/load" || fail "wrk has met errors"
}
if with wrk 'fifty connections'; then
    load "http://$address/"
fi

# --- tour
start "$programs/tour" --serve 127.0.0.1:0
if with curl 'files, and what is none'; then
    expect "$(ask "http://$address/README.md")" 200
    same README.md "$scratch/page"
    expect "$(ask "http://$address/no/such/file")" 404
    expect "$(ask --path-as-is "http://$address/../")" 403
fi
if with wrk 'fifty connections'; then
    load "http://$address/README.md"
fi

# --- http_client: of ours, of Python's server, and of openssl's
timeout 60 "$programs/http_client" "http://$http_address/" "http://$address/README.md"
stop "$server"
if with python3 'a server for our client'; then
    start python3 -u -m http.server 0 --bind 127.0.0.1
    timeout 60 "$programs/http_client" "http://$address/README.md" "http://$address/"
    stop "$server"
fi
if with openssl 'a server of TLS for our client'; then
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -addext basicConstraints=critical,CA:FALSE -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
    start openssl s_server -accept 127.0.0.1:0 -www -cert "$scratch/cert.pem" -key "$scratch/key.pem"
    timeout 60 "$programs/http_client" --ca "$scratch/cert.pem" "https://localhost:$port/" "https://$address/"
    if timeout 60 "$programs/http_client" --ca "$scratch/ca.pem" "https://$address/"; then
        fail "a certificate that nobody vouches for was taken"
    fi
    stop "$server"
fi

# --- a signal ends it in good order
stop "$http_server" 0

# --- graceful_shutdown
start "$programs/graceful_shutdown" 127.0.0.1:0
if with nc 'a client that stays when its server is told to stop'; then
    coproc client { timeout 60 nc -N "$host" "$port"; }
    exec {to}>&"${client[1]}" {from}<&"${client[0]}"
    echo 'to be' >&"$to"
    read -r line <&"$from"
    expect "$line" 'TO BE'
    stop "$server" 0
    ! read -r line <&"$from" || fail "there is more than was said: $line"
    exec {to}>&- {from}<&-
else
    stop "$server" 0
fi

if [ "${#missing[@]}" -gt 0 ]; then
    echo "peers: missing: $(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')" >&2
    exit 2
fi
echo 'peers: all of them get on with corio'
