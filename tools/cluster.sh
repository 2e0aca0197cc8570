# cluster — the private PostgreSQL 15 of a home: a Unix socket, no TCP.
#
# PostgreSQL refuses to run as root, so root's cluster belongs to the user postgres. Who may come in is decided by
# the kernel: the socket's folder is closed to others, and only the user who called `up` may take the programs' roles.
# shellcheck shell=bash disable=SC2154

postgres_programs=/usr/lib/postgresql/15/bin
database_roles=(
    postgres evenpost_owner evenpost_server evenpost_operator evenpost_worker evenpost_due evenpost_jobs evenpost_smtpd
)
cluster_pointer=$EVENPOST_HOME/postgresql

cluster_private() {
    [ -z "${DATABASE_URL:-}" ]
}

cluster_user() {
    if [ "$(id -u)" -eq 0 ]; then printf 'postgres\n'; else id -un; fi
}

# as_cluster_user COMMAND...: execs, so that the process keeps its number.
as_cluster_user() {
    if [ "$(id -u)" -ne 0 ]; then "$@"; return; fi
    setpriv --reuid=postgres --regid=postgres --init-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"
}

# Where the data lies: in the home; elsewhere, with a link from the home, when a folder above it is closed to postgres.
cluster_place() {
    if [ -e "$cluster_pointer" ]; then
        readlink -f "$cluster_pointer"
    elif [ "$(id -u)" -ne 0 ] || as_cluster_user test -x "$EVENPOST_HOME" 2>/dev/null; then
        printf '%s\n' "$cluster_pointer"
    else
        printf '/var/lib/evenpost/%s\n' "$(printf '%s' "$EVENPOST_HOME" | sha256sum | cut -c1-12)"
    fi
}

cluster_hba() {
    printf '# Written by evenpost up. No TCP; the kernel says who is asking.\nlocal all all peer map=evenpost\n'
}

cluster_ident() {
    local user role
    for user in "$(id -un)" "$(cluster_user)"; do
        for role in "${database_roles[@]}"; do
            printf 'evenpost %s %s\n' "$user" "$role"
        done
    done | sort -u
}

cluster_settings() {
    cat <<-SETTINGS
	# Written by evenpost up. fsync, full_page_writes and synchronous_commit stay on: an answer means a commit on the disk.
	listen_addresses = ''
	unix_socket_directories = '$EVENPOST_SOCKETS'
	unix_socket_permissions = 0700
	max_connections = 200
	timezone = 'UTC'
	log_timezone = 'UTC'
	log_line_prefix = '%m [%p] %q%u '
	SETTINGS
}

# A half-made folder from a broken-off try is made anew: only a finished one has this mark.
cluster_make() {
    local data fresh
    data=$(cluster_place)
    [ ! -e "$data/PG_VERSION" ] || return 0
    mkdir -p "$(dirname "$data")"
    fresh=$data.new
    rm -rf "$fresh"
    install -d -m 0700 -o "$(cluster_user)" "$fresh"
    (cd / && as_cluster_user "$postgres_programs/initdb" --pgdata="$fresh" --username=postgres \
        --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=reject)
    mv "$fresh" "$data"
    [ "$data" = "$cluster_pointer" ] || ln -sfn "$data" "$cluster_pointer"
}

cluster_configure() {
    local data
    data=$(cluster_place)
    cluster_settings | tee "$data/evenpost.conf" >/dev/null
    grep -q '^include = .evenpost.conf' "$data/postgresql.conf" ||
        printf "include = 'evenpost.conf'\n" >>"$data/postgresql.conf"
    cluster_hba >"$data/pg_hba.conf"
    cluster_ident >"$data/pg_ident.conf"
    chown "$(cluster_user)" "$data/evenpost.conf" "$data/pg_hba.conf" "$data/pg_ident.conf"
}

# The supervisor's script. A machine that was started anew has an empty /run.
cluster_service() {
    cat <<-RUN
	#!/bin/sh
	set -e
	exec 2>&1
	install -d -m 0700 -o $(cluster_user) '$EVENPOST_SOCKETS'
	cd /
	RUN
    if [ "$(id -u)" -eq 0 ]; then
        printf 'exec setpriv --reuid=postgres --regid=postgres --init-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 '
    else
        printf 'exec '
    fi
    printf "%s/postgres -D '%s'\n" "$postgres_programs" "$(cluster_place)"
}

# Its SIGTERM would wait for the clients to leave; SIGINT does not.
cluster_stop_control() {
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nkill -INT "$(cat supervise/pid)"\n'
}

cluster_write() {
    cluster_service | service_write postgresql
    mkdir -p "$services/postgresql/control"
    cluster_stop_control | put 0700 "$services/postgresql/control/t"
}

cluster_answers() {
    psql -X -q "$(database_url postgres | sed 's#/evenpost?#/postgres?#')" -c 'select 1'
}

cluster_start() {
    service_up postgresql
    wait_until 60 cluster_answers || { service_tail postgresql; return 1; }
    cluster_database
}

cluster_database() {
    local url
    url=$(database_url postgres | sed 's#/evenpost?#/postgres?#')
    [ "$(psql -X -qAt "$url" -c "select count(*) from pg_database where datname = 'evenpost'")" = 1 ] ||
        psql -X -q "$url" -c 'create database evenpost'
}

# statement NAME VARIABLE=VALUE...: one statement of tools/sql, by whoever may migrate.
statement() {
    local name=$1 variable options=()
    shift
    for variable in "$@"; do options+=(-v "$variable"); done
    psql -X -qAt -v ON_ERROR_STOP=1 "${options[@]}" "$EVENPOST_MIGRATE_URL" -f "$EVENPOST_ROOT/tools/sql/$name.sql"
}
