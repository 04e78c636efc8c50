#!/bin/sh
# A machine for container runtimes in a network namespace that is there already: processes, mounts, control groups and
# the directories that runtimes and plugins write to are its own, and all of it ends with its first process.
#
#   machine.sh boot DIRECTORY GROUP     prints "up" and stays; GROUP is made in every hierarchy of control groups
#   machine.sh enter PID PROGRAM...     PID is the child of what was booted
set -eu

own() {
  mkdir -p "$directory/root$1"
  mount --bind "$directory/root$1" "$1"
}

# With what is in this system's directory: programs may need it.
own_with_content() {
  for entry in "$1"/*; do
    mine=$directory/root$entry
    mkdir -p "${mine%/*}"
    if [ -d "$entry" ]; then mkdir "$mine"; else : >"$mine"; fi
    mount --bind "$entry" "$mine"
  done
  mount --rbind "$directory/root$1" "$1"
}

# Lines "mount point, type, options" of the hierarchies of control groups: version 1, 2, or both.
hierarchies() {
  while read -r _ at type options _; do
    case $type in cgroup | cgroup2) echo "$at $type $options" ;; esac
  done </proc/mounts
}

# A new group of version 1 takes no process before it knows its processors.
move_to_group() {
  mkdir -p "$1"
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$1/../$file" ] || [ ! -e "$1/$file" ] || cat "$1/../$file" >"$1/$file"
  done
  echo $$ >"$1/cgroup.procs"
}

mount_groups_anew() {
  hierarchies | while read -r at type options; do
    umount "$at"
    controllers=$(echo "$options" | tr , '\n' | grep -vxE 'rw|relatime|nosuid|nodev|noexec|xattr|nsdelegate' | paste -sd,)
    mount -t "$type" ${controllers:+-o "$controllers"} "$type" "$at"
    # A group of version 2 that has processes can have none below.
    move_to_group "$at/init"
  done
}

verb=$1
shift
case $verb in
  boot)
    exec unshare --mount --pid --fork --kill-child -- "$0" enclose "$@"
    ;;
  enclose)
    mount --make-rslave /
    mount -t proc proc /proc
    hierarchies | while read -r at _ _; do move_to_group "$at/$2"; done
    exec unshare --cgroup -- "$0" furnish "$1"
    ;;
  furnish)
    directory=$1
    mount_groups_anew
    mkdir "$directory/root"
    cp -a /etc "$directory/root/etc"
    rm -rf "$directory/root/etc/cni"
    for path in /etc /run /var/lib; do own "$path"; done
    own_with_content /usr/lib/cni
    # Runtimes bind namespaces there, and the daemon has to see them.
    mkdir -p /run/lock /run/netns
    mount --bind /run/netns /run/netns
    mount --make-shared /run/netns
    # Where a daemon is by default, and where the fixture of nodes puts one.
    for pair in run:/run/trilane state:/var/lib/trilane networks:/var/lib/cni/networks; do
      mkdir -p "$directory/${pair%%:*}" "${pair#*:}"
      mount --bind "$directory/${pair%%:*}" "${pair#*:}"
    done
    echo up
    # Orphans become its children, and it reaps them while it waits.
    sleep infinity &
    wait
    ;;
  enter)
    pid=$1
    shift
    # A signal does not go through nsenter, but its end does.
    exec nsenter --target "$pid" --mount --pid --cgroup -- "$0" run setpriv --pdeathsig KILL -- "$@"
    ;;
  run)
    hierarchies | while read -r at _ _; do echo $$ >"$at/init/cgroup.procs"; done
    exec "$@"
    ;;
esac
