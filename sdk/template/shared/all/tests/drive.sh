#!/bin/sh
# Drives every connector of a module through the C ABI, over places made for it.
#
#     tests/drive.sh DRIVE-PROGRAM MODULE.so
#
# drive.c is a host as small as it can be; it checks what <plakar/connector.h> promises. Connectors
# of places that are not directories of this machine are driven with the same locations: give them
# others below.
set -eu
drive=$1
module=$2

# Like mktemp says it, but without symbolic links in it.
scratch=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir -p "$tree/dir with space/deeper" "$tree/nothing"
: >"$tree/empty"
printf x >"$tree/one"
head -c 300000 /dev/urandom >"$tree/large"
printf deep >"$tree/dir with space/deeper/file"
chmod 4750 "$tree/dir with space/deeper/file"
ln -s ../nowhere "$tree/dangling"

"$drive" "$module" list >"$scratch/list"
while read -r kind id; do
  case $kind in
    source) place=$tree ;;
    *) place=$scratch/$kind ;;
  esac
  "$drive" "$module" "$kind" "$id" "$id:$place" "$place"
done <"$scratch/list"
