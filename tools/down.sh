#!/bin/bash
# down — ends what `up` started; everything is kept.
#
#   ./evenpost down [--purge]
#
#   --purge   then removes the home too: database, keys, logs, builds.

set -euo pipefail
cd "$EVENPOST_ROOT"
# shellcheck source=tools/home.sh
. tools/home.sh
# shellcheck source=tools/steps.sh
. tools/steps.sh
# shellcheck source=tools/services.sh
. tools/services.sh
# shellcheck source=tools/cluster.sh
. tools/cluster.sh

purge=no

arguments_read() {
    case "$*" in
    "") ;;
    --purge) purge=yes ;;
    *) printf 'down: %s is unknown. ./evenpost down --help\n' "$*" >&2; exit 2 ;;
    esac
}

# The worker first: it drains, and for that it needs the database.
programs_stop() {
    local name
    for name in worker jobs server sandbox postgresql; do
        [ -d "$services/$name" ] || continue
        step "$name stopped" service_down "$name" 150
    done
}

home_remove() {
    local data
    data=$(cluster_place)
    [ ! -e "$data/PG_VERSION" ] || rm -rf "$data"
    rm -rf "$EVENPOST_SOCKETS"
    find "$EVENPOST_HOME" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    rmdir "$EVENPOST_HOME" 2>/dev/null || true
}

# What removes a home must be sure that it is one.
home_known() {
    [ -f "$EVENPOST_HOME/port-base" ] && [ -d "$services" ]
}

main() {
    arguments_read "$@"
    home_known || { printf 'Nothing is up in %s.\n' "$EVENPOST_HOME"; return; }
    steps_begin
    step_retry="$EVENPOST_CALL down${*:+ $*}"
    if supervisor_alive; then
        programs_stop
        step "supervisor stopped" supervisor_stop
    fi
    [ "$purge" = no ] || { home_remove; printf '  removed   %s\n' "$EVENPOST_HOME"; }
}

main "$@"
