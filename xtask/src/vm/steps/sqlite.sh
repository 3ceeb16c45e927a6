# sqlite.sh FOLDER MODE TRANSACTIONS: a database in that journal mode, with two writers at
# once; what is in it is counted and checked. MODE wal-alone is the write-ahead log with one
# process, which needs no memory that it shares with others.
set -eu
cd "$1"
transactions=$3
begin='.timeout 60000'
case $2 in
  wal-alone) mode=wal; begin='PRAGMA locking_mode=EXCLUSIVE;' ;;
  *) mode=$2 ;;
esac
found=$(sqlite3 db "$begin" "PRAGMA journal_mode=$mode;" | tail -n 1)
[ "$found" = "$mode" ] || { echo "the journal's mode is $found"; exit 1; }
sqlite3 db "$begin" 'CREATE TABLE t(writer TEXT, number INTEGER, filler BLOB);' \
  'CREATE INDEX i ON t(number);' > printed
write() {
  n=0
  echo "$begin"
  while [ $n -lt "$transactions" ]; do
    echo "BEGIN IMMEDIATE; INSERT INTO t VALUES('$1', $n, randomblob(3000));"
    echo "INSERT INTO t VALUES('$1', $n, randomblob(300)); COMMIT;"
    n=$((n + 1))
  done
}
writers=1
if [ "$2" != wal-alone ]; then
  writers=2
  write a > a.sql
  sqlite3 -bail db < a.sql > printed-a & first=$!
fi
write b > b.sql
sqlite3 -bail db < b.sql > printed-b
[ $writers = 1 ] || wait $first
count=$(sqlite3 db "$begin" 'SELECT count(*) FROM t;' | tail -n 1)
[ "$count" = $((writers * transactions * 2)) ] || { echo "$count rows"; exit 1; }
sqlite3 db "$begin" 'BEGIN; DELETE FROM t; ROLLBACK;' > printed
sqlite3 db "$begin" 'DELETE FROM t WHERE number % 2 = 0;' 'VACUUM;' > printed
[ "$(sqlite3 db "$begin" 'PRAGMA integrity_check;' | tail -n 1)" = ok ]
