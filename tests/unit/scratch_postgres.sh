#!/bin/sh
# scratch_postgres: a PostgreSQL of a test's own, on a Unix socket in a folder under /tmp.
#
#   scratch_postgres.sh start FOLDER      makes it if it is new; returns when it takes connections
#   scratch_postgres.sh stop FOLDER       at once, without waiting for clients
#   scratch_postgres.sh remove FOLDER     stops it and removes the folder
#   scratch_postgres.sh sql FOLDER SQL    runs that as its superuser, prints bare rows
#
# A killed process loses nothing by fsync=off, only a killed machine would: right for tests, never elsewhere.
set -eu

command=$1
folder=$2
programs=/usr/lib/postgresql/15/bin

as_owner() { # PostgreSQL does not run as root
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env -i PATH=/usr/bin:/bin "$@"
    else
        env -i PATH=/usr/bin:/bin "$@"
    fi
}

make() {
    install -d -m 0700 "$folder"
    if [ "$(id -u)" = 0 ]; then
        chown postgres:postgres "$folder"
    fi
    as_owner "$programs/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 \
        --locale C.UTF-8 --no-sync >/dev/null
}

start() {
    [ -d "$folder/data" ] || make
    as_owner "$programs/pg_ctl" --pgdata "$folder/data" --log "$folder/log" --wait --silent start \
        --options "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c max_connections=200"
}

stop() {
    as_owner "$programs/pg_ctl" --pgdata "$folder/data" --wait --silent --mode immediate stop
}

case $command in
start) start ;;
stop) stop ;;
remove)
    stop || true
    rm -rf "$folder"
    ;;
sql) as_owner "$programs/psql" --host "$folder" --username postgres --dbname postgres --no-psqlrc --quiet \
    --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$3" ;;
*)
    echo "scratch_postgres.sh: start, stop, remove or sql, not $command" >&2
    exit 2
    ;;
esac
