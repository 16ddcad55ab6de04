@echo off
rem Starts the command line program on Java 17 or newer: that of JAVA_HOME, else the one on the path.
setlocal
set "ROOT=%~dp0.."
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
set "MAJOR="
for /f "tokens=3" %%v in ('""%JAVA%" -version 2^>^&1" ^| findstr /i "version"') do (
  for /f "delims=.-" %%m in ("%%~v") do if not defined MAJOR set "MAJOR=%%m"
)
if not defined MAJOR (
  echo blip2: expected Java, 17 or newer; found none. Install one, or set JAVA_HOME 1>&2
  exit /b 2
)
if %MAJOR% LSS 17 (
  echo blip2: expected Java 17 or newer, got %MAJOR%. Install a newer one, or set JAVA_HOME 1>&2
  exit /b 2
)
set "FLAGS=--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true -XX:+UseParallelGC"
set "FLAGS=%FLAGS% -XX:NewSize=128m -XX:MaxNewSize=128m -XX:SurvivorRatio=2 -XX:-UseAdaptiveSizePolicy -Xmx1g"
set "FLAGS=%FLAGS% -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8"
if %MAJOR% GEQ 23 set "FLAGS=%FLAGS% --sun-misc-unsafe-memory-access=allow"
set "FLAGS=%FLAGS% -Dorg.apache.lucene.vectorization.upperJavaFeatureVersion=25"
set "OMP_NUM_THREADS=1"
"%JAVA%" %FLAGS% %BLIP2_JAVA_OPTS% -cp "%ROOT%\lib\*" io.github.blip2java.cli.Blip2 %*
exit /b %ERRORLEVEL%
