# remove.sh FOLDER FILES: fills a tree, lists it in several ways, and removes it with rm.
set -eu
cd "$1"
mkdir tree flat
seq -f 'flat/a-name-of-some-length-%g' "$2" | xargs touch
seq -f 'tree/%g' 30 | xargs mkdir
for folder in tree/*; do (cd "$folder" && seq -f 'file-%g' 40 | xargs touch); done
[ "$(ls flat | wc -l)" = "$2" ]
[ "$(find tree -type f | wc -l)" = 1200 ]
[ "$(find flat -name '*7' | wc -l)" = "$(seq "$2" | grep -c '7$')" ]
rm -rf flat tree
[ -z "$(ls -A)" ]
