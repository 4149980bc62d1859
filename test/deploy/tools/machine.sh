#!/bin/sh
# machine.sh ROOT: becomes a machine whose root file system is ROOT, a mount point, with its own systemd as process 1. To be
# started in new namespaces of all kinds: unshare --mount --pid --fork --uts --ipc --net --cgroup machine.sh ROOT.
set -eu
root=$1
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
hostname "$(basename "$root")"
ip link set lo up
cd "$root"
pivot_root . mnt
umount -l /mnt
# As a machine has it; systemd leaves that to whoever starts it in a container.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=false </dev/null
