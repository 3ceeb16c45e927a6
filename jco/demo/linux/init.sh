#!/bin/busybox sh
# The first program of the page's Linux. It boots up to where nothing depends on a page; there
# the machine is saved, and from there on every page goes: what time it is comes through the
# serial line, the shell is on the console of virtio.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root
mkdir -p /proc /sys /dev /tmp /etc /mnt /root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
while read -r module; do
  insmod "/modules/$module"
done < /modules/order
rm -r /modules
hostname linux
echo 'root:x:0:0:root:/root:/bin/sh' > /etc/passwd
echo 'root:x:0:' > /etc/group
cat > /etc/profile <<'PROFILE'
export PATH=/bin HOME=/root TERM=xterm-256color LANG=C.UTF-8 ENV=/etc/shrc
cd /mnt
PROFILE
cat > /etc/shrc <<'SHRC'
PS1='\[\e[1;36m\]linux:\w#\[\e[0m\] '
alias ls='ls --color=auto' ll='ls -l'
SHRC

# Memory that nobody uses is filled with zeros, which take no room in what is saved.
echo 3 > /proc/sys/vm/drop_caches
mount -t tmpfs -o size=100% zeros /tmp
free=$(awk '/MemAvailable/ { print int($2 / 1024) - 8 }' /proc/meminfo)
dd if=/dev/zero of=/tmp/zeros bs=1M count="$free" 2> /dev/null
umount /tmp

exec < /dev/ttyS0 > /dev/ttyS0 2>&1
stty -echo -icrnl
echo ready
read -r now options size
date -s "@$now" > /dev/null
mount -t 9p -o "trans=virtio,version=9p2000.L,cache=none,$options" host9p /mnt
echo "mounted $?"
while true; do
  setsid -c sh -c "stty $size; exec sh -l" < /dev/hvc0 > /dev/hvc0 2>&1
  # Somebody has left the shell: another one is there.
  sleep 1
done
