# services — the programs under runit's supervisor: a crashed one comes back.
#
# One life: service_write for each, supervisor_start, service_up, ..., service_down, supervisor_stop.
# A service is a folder of $services; its words go to log/NAME/current, which svlogd keeps small.
# shellcheck shell=bash

services=$EVENPOST_HOME/services
supervisor_file=$EVENPOST_HOME/supervisor.pid

supervisor_alive() {
    local pid
    pid=$(cat "$supervisor_file" 2>/dev/null) || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "runsvdir -P $services"
}

# The supervisor keeps none of the caller's descriptors: a reader of our output must see its end.
supervisor_launch() {
    local descriptor
    for descriptor in /proc/self/fd/*; do
        descriptor=${descriptor##*/}
        [ "$descriptor" -le 2 ] || eval "exec $descriptor>&-" 2>/dev/null || true
    done
    cd /
    exec setsid env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 runsvdir -P "$services" \
        </dev/null >>"$EVENPOST_HOME/log/supervisor.log" 2>&1
}

supervisor_start() {
    supervisor_alive && return
    (supervisor_launch) &
    printf '%d\n' "$!" >"$supervisor_file"
    local folder
    for folder in "$services"/*/; do
        wait_until 20 test -p "$folder/supervise/ok"
    done
}

# HUP ends each runsv, which ends its program.
supervisor_stop() {
    supervisor_alive || return 0
    local pid
    pid=$(cat "$supervisor_file")
    kill -HUP "$pid"
    wait_until 20 test ! -e "/proc/$pid"
    rm -f "$supervisor_file"
}

# put MODE FILE: standard input becomes the file, whole or not at all; untouched when it is the same.
put() {
    local fresh=$2.new
    cat >"$fresh"
    chmod "$1" "$fresh"
    if cmp -s "$fresh" "$2"; then rm "$fresh"; else mv "$fresh" "$2"; fi
}

# service_write NAME: its run script comes on standard input. It stays down until service_up.
service_write() {
    local folder=$services/$1
    mkdir -p "$folder/log" "$EVENPOST_HOME/log/$1"
    touch "$folder/down"
    put 0700 "$folder/run"
    printf '#!/bin/sh\nexec svlogd %q\n' "$EVENPOST_HOME/log/$1" | put 0700 "$folder/log/run"
}

service_runs() {
    sv status "$services/$1" 2>/dev/null | grep -q '^run:'
}

# What a running service was started from; another fingerprint means another program.
service_fingerprint() {
    local folder=$services/$1 program
    program=$(sed -n 's/^exec .*\(\/evenpost-[a-z]*\).*/\1/p' "$folder/run")
    sha256sum "$folder/run" ${program:+"$EVENPOST_BUILD$program"} | sha256sum
}

# Starts it, or starts it again when it is not what runs; one that is what it should be is left alone.
service_up() {
    local folder=$services/$1 fingerprint
    fingerprint=$(service_fingerprint "$1")
    if ! service_runs "$1"; then
        sv up "$folder"
    elif [ "$fingerprint" != "$(cat "$folder/started" 2>/dev/null)" ]; then
        sv -w 60 restart "$folder"
    fi
    printf '%s\n' "$fingerprint" >"$folder/started"
}

# service_down NAME SECONDS: asks it to end, and insists when the time is over.
service_down() {
    [ -p "$services/$1/supervise/ok" ] || return 0
    sv -w "$2" force-stop "$services/$1" || true
}

service_tail() {
    tail -n 15 "$EVENPOST_HOME/log/$1/current" 2>/dev/null
}
