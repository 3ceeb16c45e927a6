# measure.sh prepare: makes a repository and an archive of 2,000 files in memory.
# measure.sh FOLDER: times a clone and the unpacking, in milliseconds, as `NAME VALUE`.
set -eu
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=C
export GIT_COMMITTER_EMAIL=c@d
if [ "$1" = prepare ]; then
  mkdir -p /tmp/tree
  cd /tmp/tree
  for folder in $(seq 40); do
    mkdir $folder
    seq $folder 100 600000 | split -d -a 2 -l 120 - $folder/file-
  done
  tar -C /tmp -cf /tmp/tree.tar tree
  git init -q -b main .
  git add .
  git commit -q -m all
  exit 0
fi
timed() {
  name=$1
  shift
  start=$(date +%s%N)
  "$@"
  sync -f "$folder"
  echo "$name $((($(date +%s%N) - start) / 1000000))"
}
folder=$1
timed git_clone_ms git clone -q --no-local /tmp/tree "$1"/clone
timed tar_x_ms tar -C "$1" -xf /tmp/tree.tar
timed rm_ms rm -rf "$1"/tree
