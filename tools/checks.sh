# checks — what would stop `up` later, said at once and plainly.
# shellcheck shell=bash

check_distribution() {
    local id version
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && printf '%s' "${ID:-unknown}")
    # shellcheck source=/dev/null
    version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
    [ "$id $version" = "debian 12" ] ||
        refuse "this is $id $version; the launcher knows Debian 12 (bookworm) only. CONTRIBUTING.md says how to build by hand."
}

nearest_folder() {
    local path=$1
    until [ -d "$path" ]; do path=$(dirname "$path"); done
    printf '%s\n' "$path"
}

check_disk() {
    local folder free_mib wanted_mib=1500
    folder=$(nearest_folder "$EVENPOST_HOME")
    [ -w "$folder" ] || refuse "$folder cannot be written by $(id -un). EVENPOST_HOME=PATH puts everything elsewhere."
    free_mib=$(($(df -Pk "$folder" | awk 'NR == 2 { print $4 }') / 1024))
    [ "$free_mib" -ge "$wanted_mib" ] ||
        refuse "$folder has $free_mib MiB free; $wanted_mib MiB are needed. EVENPOST_HOME=PATH puts everything elsewhere."
}

# port_listener PORT [ADDRESS IN HEX]: succeeds when something listens there. Read from the kernel, without a connection.
port_listens() {
    awk -v port="$(printf '%04X' "$1")" '
        FNR > 1 && $4 == "0A" { n = split($2, local, ":"); if (local[n] == port) found = 1 }
        END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

check_ports() {
    local address port
    for address in "$EVENPOST_API_ADDRESS" "$EVENPOST_INBOX_ADDRESS" "$EVENPOST_SMTP_ADDRESS"; do
        port=${address##*:}
        ! port_listens "$port" ||
            refuse "port $port is in use by another program. Another hundred: EVENPOST_PORT_BASE=$((EVENPOST_PORT_BASE + 100)) ./evenpost up"
    done
    ! port_listens 25025 ||
        refuse "a program listens on port 25025, with which workers lock an IP address for this host. Stop it first."
}

check_port_base() {
    local saved
    saved=$(cat "$EVENPOST_HOME/port-base" 2>/dev/null || printf '%s' "$EVENPOST_PORT_BASE")
    [ "$saved" = "$EVENPOST_PORT_BASE" ] ||
        refuse "$EVENPOST_HOME is running on ports from $saved, not $EVENPOST_PORT_BASE. First: EVENPOST_PORT_BASE=$saved ./evenpost down"
}
