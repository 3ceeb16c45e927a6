# git.sh FOLDER FILES: a session with git, each of whose results is looked at.
set -eu
cd "$1"
files=$2
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=C
export GIT_COMMITTER_EMAIL=c@d GIT_TERMINAL_PROMPT=0
git init -q -b main one
cd one
for folder in $(seq 0 9); do
  mkdir -p source/$folder/part
  seq $folder 7 $((files * 140)) | split -d -a 3 -l 200 - source/$folder/part/file-
done
ln -s source/0/part/file-000 link
echo '#!/bin/sh' > run && chmod +x run
git add .
git commit -q -m first
git mv source/1 moved
git rm -q -r source/2
echo changed >> source/0/part/file-000
git commit -q -a -m second
git checkout -q -b side HEAD~1
echo side > side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m merged side
git tag -a -m tagged v1
[ "$(git log --oneline | wc -l)" = 4 ]
[ -z "$(git status --porcelain)" ]
cd ..
git clone -q --no-local one two
git clone -q --bare two three.git
diff -r --no-dereference -x .git one two
cd two
git fsck --full --strict
echo more > more
git add more
git commit -q -m more
git push -q ../three.git main
git stash list
git gc -q --prune=now
git fsck --full --strict
[ -z "$(git status --porcelain)" ]
cd ../one
git pull -q ../three.git main
git gc -q --prune=now
git fsck --full --strict
[ "$(cat more)" = more ]
[ "$(git rev-parse HEAD)" = "$(git -C ../three.git rev-parse main)" ]
cd ..
rm -rf one two three.git
[ -z "$(ls -A)" ]
