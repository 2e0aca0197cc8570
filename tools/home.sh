# home — where this instance lives and which ports are its own.
#
# Sourced by ./evenpost before every command, and exported, so that commands in bash and in Python read the same.
# A home remembers its port base; EVENPOST_PORT_BASE in the environment wins.
# shellcheck shell=bash disable=SC2034

home_default() {
    printf '%s\n' "$EVENPOST_ROOT/var"
}

port_base_default() {
    cat "$EVENPOST_HOME/port-base" 2>/dev/null || printf '8000\n'
}

# The sandbox of the default instance has the port that people know; any other stays inside its own hundred.
smtp_port() {
    if [ "$EVENPOST_PORT_BASE" -eq 8000 ]; then printf '2525\n'; else printf '%d\n' $((EVENPOST_PORT_BASE + 27)); fi
}

# A path for Unix sockets has 107 bytes: it cannot lie below a home of any length.
socket_folder() {
    if [ "$(id -u)" -eq 0 ]; then
        printf '/run/evenpost-%d\n' "$EVENPOST_PORT_BASE"
    else
        printf '%s/evenpost-%d-%d\n' "${XDG_RUNTIME_DIR:-/tmp}" "$(id -u)" "$EVENPOST_PORT_BASE"
    fi
}

# The launcher as the person called it: a home of their own must be named again.
call_again() {
    [ -z "${EVENPOST_HOME:-}" ] || printf 'EVENPOST_HOME=%q ' "$EVENPOST_HOME"
    printf './evenpost\n'
}

EVENPOST_CALL=${EVENPOST_CALL:-$(call_again)}
EVENPOST_HOME=$(readlink -m "${EVENPOST_HOME:-$(home_default)}")
EVENPOST_PORT_BASE=${EVENPOST_PORT_BASE:-$(port_base_default)}
if ! [[ $EVENPOST_PORT_BASE =~ ^[0-9]{4,5}$ ]] || [ "$EVENPOST_PORT_BASE" -lt 1024 ] || [ "$EVENPOST_PORT_BASE" -gt 65400 ]; then
    printf 'evenpost: EVENPOST_PORT_BASE is %s; it must be a number from 1024 to 65400.\n' "$EVENPOST_PORT_BASE" >&2
    exit 2
fi
EVENPOST_BUILD=${EVENPOST_BUILD:-$EVENPOST_HOME/build}
EVENPOST_API_ADDRESS=127.0.0.1:$((EVENPOST_PORT_BASE + 25))
EVENPOST_INBOX_ADDRESS=127.0.0.1:$((EVENPOST_PORT_BASE + 26))
EVENPOST_SMTP_ADDRESS=127.0.0.1:$(smtp_port)
EVENPOST_DEMO_ADDRESS=127.$((EVENPOST_PORT_BASE / 256)).$((EVENPOST_PORT_BASE % 256)).1
EVENPOST_SOCKETS=$(socket_folder)
EVENPOST_SANDBOX_PROFILE=${EVENPOST_SANDBOX_PROFILE:-strict}
EVENPOST_SENDER_HOST=sender-1
EVENPOST_CLOCK_FILE=$EVENPOST_HOME/clock
EVENPOST_OPERATOR_KEY_FILE=$EVENPOST_HOME/secrets/operator.key
EVENPOST_DEMO_KEY_FILE=$EVENPOST_HOME/secrets/demo.key
EVENPOST_MASTER_KEY_FILE=$EVENPOST_HOME/secrets/master.key
export "${!EVENPOST_@}"

# database_url ROLE: the private cluster's, or DATABASE_URL with that role's name in it.
database_url() {
    local rest=${DATABASE_URL:-postgresql:///evenpost?host=$EVENPOST_SOCKETS}
    rest=${rest#*://}
    case ${rest%%/*} in
    *@*) rest=${rest#*@} ;;
    esac
    printf 'postgresql://%s@%s\n' "$1" "$rest"
}

# Who may migrate: the private cluster's superuser, or whoever DATABASE_URL names.
EVENPOST_MIGRATE_URL=${DATABASE_URL:-$(database_url postgres)}
export EVENPOST_MIGRATE_URL
