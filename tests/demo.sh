#!/bin/sh
# The main job once, on a folder of photos or on the gallery of composite portraits: sh tests/demo.sh [PHOTOS [QUERY]]
set -eu

photos=${1:-tests/gallery}
case $photos in # make PHOTOS=~/Pictures: not every shell puts the home folder there
"~") photos=$HOME ;;
"~/"*) photos=$HOME/${photos#"~/"} ;;
esac
query=${2:-man, goatee, not bald, maybe glasses}
folder=$(mktemp -d "${TMPDIR:-/tmp}/facesearch-demo.XXXXXX")
export FACESEARCH_CATALOGUE="$folder/faces.db"

run() {
    printf '\n$ facesearch'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9/._=-]*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    facesearch "$@" 2>&1
}

run index "$photos"
code=0
run search "$query" --top 8 --csv "$folder/search.csv" --html "$folder/search.html" || code=$?
if [ $code -eq 1 ]; then
    echo "No face in $photos fits this description: try another one with make demo QUERY='woman, smiling'."
    exit 0
elif [ $code -ne 0 ]; then
    exit $code
fi
# The best face of that search is the next question.
probe=$(python -c '
import csv, os, sys
best = next(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8", errors="surrogateescape")))
sys.stdout.buffer.write(os.fsencode(best["photo"]))
' "$folder/search.csv")
facesearch score "$probe" --csv "$folder/probe.csv" >/dev/null 2>&1
number=$(python -c '
import csv, sys
best, *_ = csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8", errors="surrogateescape"))
faces = csv.DictReader(open(sys.argv[2], newline="", encoding="utf-8", errors="surrogateescape"))
print(min(faces, key=lambda face: sum(abs(float(face[k]) - float(best[k])) for k in ("x", "y")))["face"])
' "$folder/search.csv" "$folder/probe.csv")
rm "$folder/probe.csv"
run similar "$probe" --pick "$number" --top 8 --csv "$folder/similar.csv" --html "$folder/similar.html"

cat <<END

Look at the faces: $folder/search.html
                   $folder/similar.html
The same as CSV:   $folder/search.csv
                   $folder/similar.csv
The catalogue:     $folder/faces.db (delete $folder when you have seen enough)
END
