# build — the programs, compiled into a folder of the home.
#
# build_into FOLDER [-DCMAKE_ARGUMENT...] [TARGET...]
# shellcheck shell=bash

build_into() {
    local folder=$1 options=()
    shift
    while [[ ${1:-} == -D* ]]; do options+=("$1"); shift; done
    cmake -S "$EVENPOST_ROOT" -B "$folder" -G Ninja "${options[@]}"
    nice ninja -C "$folder" "$@"
}
