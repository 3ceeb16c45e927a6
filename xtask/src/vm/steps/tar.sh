# tar.sh FOLDER FILES: packs and unpacks a tree of files, and compares.
set -eu
cd "$1"
mkdir -p from to
for folder in $(seq $(($2 / 50))); do
  mkdir from/$folder
  seq $folder 100 600000 | split -d -a 2 -l 120 - from/$folder/file-
done
ln from/1/file-00 from/twin
ln -s 1/file-00 from/link
touch -d '2001-02-03 04:05:06' from/1/file-00
tar -C from -cf packed.tar .
tar -C to -xpf packed.tar
diff -r --no-dereference from to
[ "$(stat -c %h to/twin)" = 2 ]
[ "$(stat -c %Y to/twin)" = "$(stat -c %Y from/twin)" ]
tar -C to -df packed.tar
