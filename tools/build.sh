# build — the programs, compiled into a folder of the home.
#
# build_into FOLDER [CMAKE ARGUMENT...]
# shellcheck shell=bash

build_into() {
    local folder=$1
    shift
    cmake -S "$EVENPOST_ROOT" -B "$folder" -G Ninja "$@"
    nice ninja -C "$folder"
}
