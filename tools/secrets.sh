# secrets — the keys of a home, each a file that only its owner reads.

random_letters() {
    head -c 25 /dev/urandom | base32 | tr -d '=\n' | tr '[:upper:]' '[:lower:]'
}

# secret_keep FILE: standard input, unless the file is there already. Never a moment readable for others.
secret_keep() {
    [ ! -s "$1" ] || return 0
    (umask 077 && cat >"$1.new")
    mv "$1.new" "$1"
}

secrets_make() {
    install -d -m 0700 "$EVENPOST_HOME/secrets"
    head -c 32 /dev/urandom | secret_keep "$EVENPOST_MASTER_KEY_FILE"
    printf 'ep_op_%s\n' "$(random_letters)" | secret_keep "$EVENPOST_OPERATOR_KEY_FILE"
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
