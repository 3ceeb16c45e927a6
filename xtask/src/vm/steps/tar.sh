# tar.sh FOLDER FILES: packs and unpacks a tree of files, and compares.
set -eu
cd "$1"
mkdir -p from to
n=0
while [ $n -lt "$2" ]; do
  folder=from/$((n % 37))/$((n % 5))
  [ -d $folder ] || mkdir -p $folder
  seq $n $((n + n % 700)) > $folder/file-$n
  n=$((n + 1))
done
ln from/0/0/file-0 from/twin
ln -s 0/0/file-0 from/link
touch -d '2001-02-03 04:05:06' from/0/0/file-0
tar -C from -cf packed.tar .
tar -C to -xpf packed.tar
diff -r --no-dereference from to
[ "$(stat -c %h to/twin)" = 2 ]
[ "$(stat -c %Y to/twin)" = "$(stat -c %Y from/twin)" ]
tar -C to -df packed.tar
