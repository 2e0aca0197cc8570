#!/bin/bash
# logs — what the programs said.
#
#   ./evenpost logs [-f] [-n LINES] [PROGRAM...]
#
#   -f        goes on as they speak.
#   PROGRAM   server, jobs, worker, sandbox, postgresql; without it, all but postgresql.

set -euo pipefail
cd "$EVENPOST_HOME" 2>/dev/null || { printf 'Nothing is up in %s.\n' "$EVENPOST_HOME" >&2; exit 1; }

options=()
lines=40
programs=()

arguments_read() {
    while [ $# -gt 0 ]; do
        case $1 in
        -f) options+=(--follow=name --retry) ;;
        -n) lines=${2:-40}; shift ;;
        server | jobs | worker | sandbox | postgresql) programs+=("$1") ;;
        *) printf 'logs: %s is unknown. ./evenpost logs --help\n' "$1" >&2; exit 2 ;;
        esac
        shift
    done
    [ "${#programs[@]}" -gt 0 ] || programs=(sandbox server jobs worker)
}

files_of() {
    local name
    for name in "$@"; do
        [ ! -f "log/$name/current" ] || printf 'log/%s/current\n' "$name"
    done
}

arguments_read "$@"
mapfile -t files < <(files_of "${programs[@]}")
[ "${#files[@]}" -gt 0 ] || { printf 'There are no logs yet.\n'; exit 0; }
exec tail -n "$lines" "${options[@]}" "${files[@]}"
