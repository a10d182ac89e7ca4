#!/bin/sh
# curl --http2: it offers HTTP/2 with its first request on a connection.
# client_curl.sh URL TOKEN SIZE COUNT
set -e
url=$1 token=$2 size=$3 count=$4

send() {
    curl --http2 -sS -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@" "$url"
}

grant() {
    printf '{"command_id":"%s","type":"grant_player_progression_experience","amount":1}' "$1"
}

command=$(send -o /dev/null -w '%{http_code}' -d "$(grant curl)")
list=$(send -d "[$(grant curl-1),$(grant curl-2),$(grant curl-3)]" | grep -o '"replayed"' | wc -l)
too_large=$(head -c "$size" /dev/zero | tr '\0' ' ' |
    send -o /dev/null -w '%{http_code}' --data-binary @-)
kept=$(
    number=0
    while [ "$number" -lt "$count" ]; do
        [ "$number" -eq 0 ] || echo next
        echo http2
        echo silent
        echo "url = \"$url\""
        echo "header = \"Authorization: Bearer $token\""
        echo 'header = "Content-Type: application/json"'
        echo "data = \"$(grant "curl-kept-$number" | sed 's/"/\\"/g')\""
        echo 'output = /dev/null'
        echo 'write-out = "%{http_code}\n"'
        number=$((number + 1))
    done | curl -K - | grep -c '^200$'
)
printf '{"command": %d, "list": %d, "too_large": %d, "kept": %d}\n' \
    "$command" "$list" "$too_large" "$kept"
