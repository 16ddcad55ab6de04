# Starts the program: read by bin/blip2, which has found Java ($version, $home) and the program's jars ($lib), names a picture to try
# it with ($sample), tells whether it has just been built ($built), and knows how to fail.
# shellcheck shell=bash disable=SC2154

flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true -XX:+UseParallelGC)
# Peak memory is kept low, which costs no time: what a picture needs stays in the young generation, what several need is collected
# before the heap has a gigabyte. Weights lie outside the heap.
flags+=(-XX:NewSize=128m -XX:MaxNewSize=128m -XX:SurvivorRatio=2 -XX:-UseAdaptiveSizePolicy -Xmx1g)
[ "$version" -ge 23 ] && flags+=(--sun-misc-unsafe-memory-access=allow)
# Lucene 9 trusts the Vector API up to Java 22 by itself; that of 25 is the same.
flags+=(-Dorg.apache.lucene.vectorization.upperJavaFeatureVersion=25)
# Java's own warnings, such as those of a collector that finds its heap full, would go to stdout. That an archive of classes does not
# fit concerns nobody.
flags+=(-Xlog:disable)
if [ "$version" -ge 25 ]; then flags+=(-Xlog:all=warning,cds*=off,aot*=off:stderr); else flags+=(-Xlog:all=warning,cds*=off:stderr); fi
[ -t 2 ] && flags+=(-Dblip2.terminal=true)
# Who sits at a terminal can be asked whether a model may be downloaded.
[ -t 0 ] && [ -t 2 ] && flags+=(-Dblip2.interactive=true)
# A proxy on the way to the Hub may ask for a user's name and password, which Java by itself does not tell.
flags+=(-Djdk.http.auth.tunneling.disabledSchemes=)

# Without threads of OpenMP, which would keep the cores busy after each product, oneDNN computes on those of blip2-java.
export OMP_NUM_THREADS=1

# --threads N becomes the number of cores that Java sees.
before=
for argument in "$@"; do
  if [[ "$before $argument" =~ (^| )--threads[\ =]([1-9][0-9]*)$ ]]; then
    flags+=("-XX:ActiveProcessorCount=${BASH_REMATCH[2]}")
  fi
  before=$argument
done

# Names of files and questions are texts: without a locale that says how they are written (containers, cron), they are UTF-8.
case "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}" in
  *[Uu][Tt][Ff]-8* | *[Uu][Tt][Ff]8*) ;;
  *)
    unset LC_ALL
    export LC_CTYPE=C.UTF-8
    ;;
esac

caches=${XDG_CACHE_HOME:-${HOME:-}/.cache}/blip2-java
# Libraries are unpacked into a folder of this user's. Where there is no home, Java would take the current folder for it.
if [ ! -d "${HOME:-}" ] || [ ! -w "${HOME:-}" ]; then
  cache=${XDG_CACHE_HOME:-${TMPDIR:-/tmp}/blip2-$(id -u)}
  mkdir -p -m 700 "$cache" 2>/dev/null
  # Somebody else may have made it.
  if [ ! -d "$cache" ] || [ -L "$cache" ] || [ ! -O "$cache" ] || ! chmod 700 "$cache"; then
    fail "expected a folder for unpacked libraries: neither HOME (${HOME:-not set}) nor $cache can be used; set XDG_CACHE_HOME to a folder of yours"
  fi
  export DJL_CACHE_DIR=${DJL_CACHE_DIR:-$cache/djl} ENGINE_CACHE_DIR=${ENGINE_CACHE_DIR:-$cache/djl}
  flags+=("-Duser.home=$cache" "-Dorg.bytedeco.javacpp.cachedir=$cache/javacpp")
  caches=$cache/blip2-java
fi

# In the same order under every locale: an archive of classes belongs to one class path.
class_path() {
  local LC_ALL=C jar path=
  for jar in "$lib"/*.jar; do path=$path${path:+:}$jar; done
  echo "$path"
}
classes=$(class_path)

# Of what an archive of classes belongs to: this Java, and these jars where they are.
archive_key() {
  {
    echo "$home" "$classes"
    cat "$home/release"
    ls -lnL --full-time "$lib"/*.jar || ls -lnLT "$lib"/*.jar
  } 2>/dev/null | cksum | tr ' ' -
}

# Makes the archive $1 by describing a picture: whole, or else empty, which says that none can be made here.
make_archive() {
  local part old
  part=$(mktemp "$1.XXXXXX" 2>/dev/null) || return
  trap 'rm -f "$part"; exit 130' INT TERM HUP
  # shellcheck disable=SC2086
  if "$home/bin/java" "${flags[@]}" ${BLIP2_JAVA_OPTS:-} "-XX:ArchiveClassesAtExit=$part" -cp "$classes" io.github.blip2java.cli.Blip2 \
      caption "$sample" >/dev/null 2>&1 </dev/null && [ -s "$part" ]; then
    mv -f "$part" "$1" 2>/dev/null
    for old in "${1%-*-*}"-*; do # of this Java, with other jars
      case "$old" in "$1" | "$1".??????) ;; *) rm -rf "$old" ;; esac
    done
  else
    rm -f "$part"
    : 2>/dev/null >"$1"
  fi
  trap - INT TERM HUP
}

# Java starts sooner from an archive of classes as it read and checked them before. One is made after a build, else at the
# second start, as who starts the program once would wait for nothing. Where none can be kept or fits, classes come from the jars.
use_archive() {
  local folder name archive
  name=classes-$version-$(cksum <<<"$lib" | cut -d' ' -f1)-$(archive_key)
  for folder in "$lib/archive" "$caches"; do
    [ -e "$folder/$name" ] && break
  done
  if [ ! -e "$folder/$name" ]; then
    folder=$lib/archive
    [ -w "$lib" ] || folder=$caches
    mkdir -p -m 755 "$folder" 2>/dev/null
    archive=$folder/$name
    if [ -n "$built" ] || ! mkdir "$archive.started" 2>/dev/null; then make_archive "$archive"; fi
  fi
  [ -s "$folder/$name" ] && flags+=("-XX:SharedArchiveFile=$folder/$name" -XX:+VerifySharedSpaces)
}
case "${BLIP2_JAVA_OPTS:-}" in
  *-Xshare* | *Archive* | *AOT*) ;; # decides for himself
  *) use_archive ;;
esac

# Java takes the place of this script, so that what stops one stops the other. Its first line on stderr says that the vector module
# is incubating; the user need not read it.
# shellcheck disable=SC2086 # BLIP2_JAVA_OPTS holds several words
exec "$home/bin/java" "${flags[@]}" ${BLIP2_JAVA_OPTS:-} \
  -cp "$classes" io.github.blip2java.cli.Blip2 "$@" 2> >(
    trap '' INT
    IFS= read -r first || true
    case "$first" in
      "WARNING: Using incubator modules"* | "") ;;
      *) printf '%s\n' "$first" >&2 ;;
    esac
    exec cat >&2
  )
