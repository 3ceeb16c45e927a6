#!/bin/sh
# pack FOLDER FILES: makes small files in memory, in 20 folders, as an archive (packed.tar) and as
# a repository of git's, for what unpacks and clones them to be timed.
set -e
mkdir "$1"
mount -t tmpfs pack "$1"
cd "$1"
mkdir tree
for folder in $(seq 20); do
  mkdir tree/$folder
  for file in $(seq $(($2 / 20))); do
    echo "file $file of $folder, as long as its name and this line are" > tree/$folder/$file
  done
done
tar -C tree -cf packed.tar .

# The only names by which git calls itself for a clone.
mkdir -p /usr/lib/git-core
ln -s /bin/git /usr/lib/git-core/git
ln -s /bin/git /usr/lib/git-core/git-upload-pack
ln -s /bin/git /bin/git-upload-pack
git init -q -b main repository
{
  printf 'commit refs/heads/main\ncommitter A <a@b> 0 +0000\ndata 0\n'
  cd tree
  for file in */*; do
    printf 'M 644 inline %s\ndata %d\n' "$file" "$(stat -c %s "$file")"
    cat "$file"
  done
} | git -C repository fast-import --quiet
rm -r tree
