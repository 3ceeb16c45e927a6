# flock.sh FOLDER SAME COUNT: four shells count in one file, by two mounts, each under a lock.
set -eu
echo 0 > "$1"/number
: > "$1"/lock
count() {
  n=0
  while [ $n -lt "$2" ]; do
    flock "$1"/lock sh -c 'read -r n < "$0"/number; echo $((n + 1)) > "$0"/number' "$1"
    n=$((n + 1))
  done
}
count "$1" "$3" & one=$!
count "$2" "$3" & two=$!
count "$1" "$3" & three=$!
count "$2" "$3" & four=$!
wait $one
wait $two
wait $three
wait $four
[ "$(cat "$1"/number)" = $((4 * $3)) ] || { echo "counted to $(cat "$1"/number)"; exit 1; }
