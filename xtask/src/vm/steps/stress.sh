# stress.sh FOLDER SECONDS: stress-ng's stressors of files, one after the other, each of which
# looks at what it finds. Prints `ok NAME` or `FAILED NAME: why` for each.
cd "$1" || exit 1
# Those that test Linux itself, swap, or memory alone are left out.
for stressor in access aio chattr chdir chmod chown copy-file dentry dir dirdeep dirmany \
  dnotify dup fallocate fanotify fcntl fiemap file-ioctl filename flock fpunch fsize fstat \
  getdent handle hdd inode-flags inotify io iomix lease link locka lockf lockofd mknod mmap open \
  readahead rename revio seal seek sendfile splice symlink sync-file touch utime verity xattr
do
  stress-ng --"$stressor" 2 --timeout "$2"s --temp-path "$1" --verify > said 2>&1
  code=$?
  case $code in
    0) echo "ok $stressor" ;;
    # Not there in this version, or it has nothing to do on such a file system.
    3 | 4) echo "skipped $stressor" ;;
    *)
      why=$(grep -E 'fail|error' said | head -n 5 | tr '\n' ';')
      echo "FAILED $stressor: code $code: $why"
      ;;
  esac
done
