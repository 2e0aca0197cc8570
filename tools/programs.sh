# programs — server, jobs, worker and sandbox of this home: how each is started, and when it is ready.
# shellcheck shell=bash disable=SC2154

# program_write NAME ROLE ARGUMENT...: ROLE is the database role of its main pool; "-" for none.
program_write() {
    local name=$1 role=$2
    shift 2
    {
        printf '#!/bin/bash\nexec 2>&1\ncd /\n'
        printf 'export EVENPOST_CLOCK=%q EVENPOST_LOG=%q EVENPOST_TRACE=%q\n' \
            "$EVENPOST_CLOCK_FILE" "${EVENPOST_LOG:-info}" "${EVENPOST_TRACE:-}"
        [ "$role" = - ] || printf 'export DATABASE_URL=%q EVENPOST_SECRET_FILE=%q\n' \
            "$(database_url "$role")" "$EVENPOST_MASTER_KEY_FILE"
        printf 'exec'
        printf ' %q' "$EVENPOST_BUILD/evenpost-$name" "$@"
        printf '\n'
    } | service_write "$name"
}

programs_write() {
    program_write sandbox - --smtp "$EVENPOST_SMTP_ADDRESS" --http "$EVENPOST_INBOX_ADDRESS" --profile "$EVENPOST_SANDBOX_PROFILE"
    program_write server evenpost_server --listen "$EVENPOST_API_ADDRESS"
    program_write jobs evenpost_jobs
    program_write worker evenpost_worker --host "$EVENPOST_SENDER_HOST"
}

answers() {
    curl --silent --fail --max-time 2 --output /dev/null "$1"
}

# steady NAME: it has lived for two seconds, so it did not die of its settings.
steady() {
    local seconds
    seconds=$(sv status "$services/$1" | sed -n 's/^run: [^)]*) \([0-9]*\)s.*/\1/p')
    [ "${seconds:-0}" -ge 2 ]
}

program_ready() {
    case $1 in
    server) answers "http://$EVENPOST_API_ADDRESS/readyz" ;;
    sandbox) answers "http://$EVENPOST_INBOX_ADDRESS/healthz" ;;
    *) steady "$1" ;;
    esac
}

program_start() {
    service_up "$1"
    wait_until 30 program_ready "$1" || { service_tail "$1"; return 1; }
}
