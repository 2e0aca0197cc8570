# secrets — the keys of a home, each a file that only its owner reads.
# shellcheck shell=bash

# secret_keep FILE COMMAND...: the command's words, unless the file is there already. Never a moment readable for others.
secret_keep() {
    local file=$1
    shift
    [ ! -s "$file" ] || return 0
    (umask 077 && "$@" >"$file.new")
    mv "$file.new" "$file"
}

master_key() {
    head -c 32 /dev/urandom
}

operator_key() {
    printf 'ep_op_%s\n' "$(head -c 25 /dev/urandom | base32 | tr '[:upper:]' '[:lower:]')"
}

secrets_make() {
    install -d -m 0700 "$EVENPOST_HOME/secrets"
    secret_keep "$EVENPOST_MASTER_KEY_FILE" master_key
    secret_keep "$EVENPOST_OPERATOR_KEY_FILE" operator_key
}

# The server knows a key by its hash only.
operator_key_register() {
    local key hash
    key=$(cat "$EVENPOST_OPERATOR_KEY_FILE")
    hash=$(printf '%s' "$key" | sha256sum | cut -d' ' -f1)
    statement operator_key_register key_id="$(uuid7)" prefix="${key:0:10}" hash="$hash" now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

# A UUIDv7: milliseconds since 1970, then randomness, with the version and the variant in their places.
uuid7() {
    local time random
    time=$(printf '%012x' "$(date +%s%3N)")
    random=$(head -c 10 /dev/urandom | od -An -tx1 | tr -d ' \n')
    printf '%s-%s-7%s-8%s-%s\n' "${time:0:8}" "${time:8:4}" "${random:0:3}" "${random:3:3}" "${random:6:12}"
}
