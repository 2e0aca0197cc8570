#!/bin/bash
# up — everything on this machine: packages, build, database, programs, a sandbox to send to.
#
#   ./evenpost up [--clock START,RATE] [--no-demo]
#
#   --clock START,RATE   the home's clock begins at START (RFC 3339, 2026-11-24T08:55:00Z) and runs RATE times as fast.
#                        Without it the clock is the real one, until the first `./evenpost clock jump`.
#   --no-demo            leaves out the demonstration at the end.
#
# Safe to run again: what is there is kept, what is missing is made, what crashed or changed is started anew.
# EVENPOST_HOME=PATH puts everything elsewhere than ./var; EVENPOST_PORT_BASE=N moves the ports to N ... N+99.
# DATABASE_URL=URI uses that PostgreSQL instead of a private one; the URI's user must be allowed to migrate.

set -euo pipefail
cd "$EVENPOST_ROOT"
# shellcheck source=tools/home.sh
. tools/home.sh
# shellcheck source=tools/steps.sh
. tools/steps.sh
# shellcheck source=tools/checks.sh
. tools/checks.sh
# shellcheck source=tools/packages.sh
. tools/packages.sh
# shellcheck source=tools/build.sh
. tools/build.sh
# shellcheck source=tools/services.sh
. tools/services.sh
# shellcheck source=tools/cluster.sh
. tools/cluster.sh
# shellcheck source=tools/programs.sh
. tools/programs.sh
# shellcheck source=tools/secrets.sh
. tools/secrets.sh

clock=
demo=yes

arguments_read() {
    while [ $# -gt 0 ]; do
        case $1 in
        --clock) clock=${2:-}; shift ;;
        --clock=*) clock=${1#*=} ;;
        --no-demo) demo=no ;;
        *) printf 'up: %s is unknown. ./evenpost up --help\n' "$1" >&2; exit 2 ;;
        esac
        shift
    done
    [ -z "$clock" ] || [[ $clock =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z,[0-9]+(\.[0-9]+)?$ ]] ||
        { printf 'up: --clock wants START,RATE, as in 2026-11-24T08:55:00Z,60; it got %s.\n' "$clock" >&2; exit 2; }
}

check_machine() {
    check_distribution
    check_disk
    if supervisor_alive; then check_port_base; else check_ports; fi
}

# One `up` at a time; the lock ends with the process.
home_take() {
    mkdir -p "$EVENPOST_HOME/log" "$services"
    chmod 0700 "$EVENPOST_HOME/log" "$services"
    exec {home_lock}>"$EVENPOST_HOME/lock"
    flock --nonblock "$home_lock" || refuse "another ./evenpost up works on $EVENPOST_HOME at this moment."
    printf '%d\n' "$EVENPOST_PORT_BASE" >"$EVENPOST_HOME/port-base"
}

build_release() {
    build_into "$EVENPOST_BUILD" -DCMAKE_BUILD_TYPE=Release
}

services_write() {
    if cluster_private; then cluster_write; fi
    programs_write
}

database_bring() {
    if cluster_private; then
        step "PostgreSQL 15, on a Unix socket in $EVENPOST_SOCKETS" cluster_bring
    fi
    step "database migrated" sh tools/migrate.sh --database-url "$EVENPOST_MIGRATE_URL"
}

cluster_bring() {
    cluster_make
    cluster_configure
    cluster_start
}

next_steps() {
    cat <<-NEXT

	Evenpost is up. API http://$EVENPOST_API_ADDRESS · inbox http://$EVENPOST_INBOX_ADDRESS/ · clock $(bash tools/clock.sh now)

	Send a message as the sandbox customer Demo:

	  curl -H "Authorization: Bearer \$(cat $(short "$EVENPOST_DEMO_KEY_FILE"))" http://$EVENPOST_API_ADDRESS/v1/messages \\
	    --json '{"to": {"address": "bo@example.com"}, "subject": "Hello", "text": "A first message."}'

	It waits for its second of the day. Go there:     $EVENPOST_CALL clock next
	See it arrive:                                    http://$EVENPOST_INBOX_ADDRESS/
	NEXT
}

# A path as the person would type it.
short() {
    printf '%q\n' "$(realpath --relative-base="$EVENPOST_ROOT" "$1")"
}

main() {
    arguments_read "$@"
    check_machine
    home_take
    steps_begin
    step_retry="$EVENPOST_CALL up${clock:+ --clock $clock}$([ "$demo" = yes ] || printf ' --no-demo')"
    packages_need "${packages_build[@]}" "${packages_run[@]}"
    [ -n "${EVENPOST_BUILD_READY:-}" ] || step "programs built" build_release
    step "secrets made" secrets_make
    step "services written" services_write
    step "supervisor started" supervisor_start
    database_bring
    step "operator's key known" operator_key_register
    step "clock set" bash tools/clock.sh make "$clock"
    local program
    for program in sandbox server jobs worker; do
        step "$program started" program_start "$program"
    done
    step "route * and the customer Demo" /usr/bin/python3 -B tools/demo_customer.py
    step "clock runs" bash tools/clock.sh run
    local status=0
    if [ "$demo" = yes ]; then
        /usr/bin/python3 -B tools/demo.py || status=$?
    fi
    next_steps
    return "$status"
}

main "$@"
