#!/bin/sh
# The main job once, on a folder of photos or on the gallery of composite portraits: sh tests/demo.sh [PHOTOS [QUERY]]
set -eu

photos=${1:-tests/gallery}
query=${2:-man, goatee, not bald}
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
run search "$query" --top 8 --csv "$folder/search.csv" --html "$folder/search.html"
# The best face of that search is the next question.
probe=$(python -c 'import csv, sys; print(next(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))["photo"])' "$folder/search.csv")
run similar "$probe" --pick 0 --top 8 --csv "$folder/similar.csv" --html "$folder/similar.html"

cat <<END

Look at the faces: $folder/search.html
                   $folder/similar.html
The same as CSV:   $folder/search.csv
                   $folder/similar.csv
The catalogue:     $folder/faces.db (delete $folder when you have seen enough)
END
