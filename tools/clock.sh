#!/bin/bash
# clock — shows and moves the home's time.
#
#   ./evenpost clock [show [--json]]     the time now, and how fast it runs
#   ./evenpost clock next                goes to the next booked slot
#   ./evenpost clock jump DURATION       goes ahead: 90s, 15m, 6h, 2d
#   ./evenpost clock rate N              N times as fast as the real time; 0 stands still
#
# It only goes forward. While a live customer exists it stays the real one.

set -euo pipefail
# shellcheck source=tools/home.sh
. "$EVENPOST_ROOT/tools/home.sh"
# shellcheck source=tools/steps.sh
. "$EVENPOST_ROOT/tools/steps.sh"
# shellcheck source=tools/services.sh
. "$EVENPOST_ROOT/tools/services.sh"
# shellcheck source=tools/cluster.sh
. "$EVENPOST_ROOT/tools/cluster.sh"

clock_tool() {
    "$EVENPOST_BUILD/evenpost-clock" "$EVENPOST_CLOCK_FILE" "$@"
}

clock_value() {
    clock_tool show | sed -n 's/.*"'"$1"'": "\{0,1\}\([^",}]*\).*/\1/p'
}

clock_wanted() {
    [ -f "$EVENPOST_CLOCK_FILE" ] || refuse "$EVENPOST_HOME has no clock yet. ./evenpost up"
}

show() {
    clock_wanted
    if [ "${1:-}" = --json ]; then clock_tool show; return; fi
    printf '%s, rate %s\n' "$(now)" "$(clock_value rate)"
}

now() {
    local at
    at=$(clock_value now)
    printf '%sZ\n' "${at:0:19}"
}

# No mail of a live customer may go at another time than the real one.
movable() {
    local live
    clock_wanted
    live=$(statement customers_live 2>/dev/null) || refuse "the database does not answer, and a live customer would forbid this. ./evenpost up"
    [ "$live" = 0 ] || refuse "$live live customer(s): the clock stays the real one."
}

# Partitions must lie ahead of the time that comes.
history_lay() {
    statement history_ahead now="$(clock_value now)" months=$((3 + $1 / 28)) >/dev/null
}

days_of() {
    case $1 in
    *d) printf '%d\n' "${1%d}" ;;
    *h) printf '%d\n' $((${1%h} / 24 + 1)) ;;
    *) printf '1\n' ;;
    esac
}

jump() {
    [[ ${1:-} =~ ^[0-9]{1,6}(ms|s|m|h|d)$ ]] || refuse "a duration is a number and s, m, h or d: ./evenpost clock jump 6h"
    movable
    history_lay "$(days_of "$1")"
    clock_tool jump "$1"
    show
}

next() {
    local at
    movable
    at=$(statement slot_next now="$(clock_value now)")
    if [ -z "$at" ]; then
        printf 'Nothing is booked after %s. ./evenpost message why ID says why a message waits.\n' "$(now)"
        return
    fi
    history_lay 100
    clock_tool to "$at"
    show
}

rate() {
    [[ ${1:-} =~ ^[0-9]+(\.[0-9]+)?$ ]] || refuse "a rate is a number: ./evenpost clock rate 60"
    movable
    clock_tool rate "$1"
    show
}

# For `up`: START,RATE or nothing. A clock that is there is kept; it may be sent ahead, never back.
make() {
    local start=${1%,*} rate=${1#*,}
    if [ ! -f "$EVENPOST_CLOCK_FILE" ]; then
        if [ -n "$1" ]; then clock_tool create "$start" "$rate"; else clock_tool create; fi
    elif [ -n "$1" ]; then
        movable
        [[ $(now) < $start ]] || refuse "the clock shows $(now) already, and it does not go back to $start. ./evenpost down --purge begins anew."
        clock_tool to "$start"
        clock_tool rate "$rate"
    fi
}

case ${1:-show} in
show) show "${2:-}" ;;
next) next ;;
jump) jump "${2:-}" ;;
rate) rate "${2:-}" ;;
now) now ;;
make) make "${2:-}" ;;
run) clock_tool run ;;
*) printf 'clock: %s is unknown. ./evenpost clock --help\n' "$1" >&2; exit 2 ;;
esac
