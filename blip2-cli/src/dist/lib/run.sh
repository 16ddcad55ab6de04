# Starts the program: read by bin/blip2, which has found Java ($version, $home) and the program ($classes) and knows how to fail.
# shellcheck shell=bash disable=SC2154

flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true -XX:+UseParallelGC)
# Peak memory is kept low, which costs no time: what a picture needs stays in the young generation, what several need is collected
# before the heap has a gigabyte. Weights lie outside the heap.
flags+=(-XX:NewSize=128m -XX:MaxNewSize=128m -XX:SurvivorRatio=2 -XX:-UseAdaptiveSizePolicy -Xmx1g)
[ "$version" -ge 23 ] && flags+=(--sun-misc-unsafe-memory-access=allow)
# Lucene 9 trusts the Vector API up to Java 22 by itself; that of 25 is the same.
flags+=(-Dorg.apache.lucene.vectorization.upperJavaFeatureVersion=25)
# Java's own warnings, such as those of a collector that finds its heap full, would go to stdout.
flags+=(-Xlog:disable -Xlog:all=warning:stderr)
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
fi

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
