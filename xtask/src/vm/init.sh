#!/bin/busybox sh
# The first program of a machine: loads modules, mounts its root, and then runs each command
# that comes through its port, one per line with the seconds that it may take in front.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
  insmod "/modules/$module" || echo "no $module"
done < /modules/order
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
mount -t ext2 -o ro /dev/vda /root
for place in proc sys dev; do mount --bind "/$place" "/root/$place"; done
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
for place in tmp mnt run; do mount -t tmpfs "$place" "/root/$place"; done
chmod 1777 /root/tmp /dev/shm
cp -r /steps /root/run/
echo 3 > /proc/sys/kernel/printk

port=$(echo /dev/vport*p1)
exec 3<>"$port"
export PATH=/run/steps:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp LANG=C.UTF-8
printf '\036ready\n' >&3
while read -r seconds command <&3; do
  timeout -s KILL "$seconds" chroot /root /bin/sh -c "$command" </dev/null >&3 2>&1 3>&-
  code=$?
  # Nothing outlives its step.
  kill -KILL -1
  printf '\n\036%d\n' "$code" >&3
done
poweroff -f
