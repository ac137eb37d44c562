#!/bin/sh
# Runs one store and stops it when whoever asked for it is gone: the other end of the pipe on fd 0 closes
# also after kill -9, when no handler can run. Closing that pipe is the way to stop the store in any case.
# usage: watchdog.sh <stop signal> <seconds until kill -9> <command> [arguments]; prints the store's pid on fd 3
stop_signal=$1
grace_seconds=$2
shift 2
exec 4<&0
"$@" 3>&- 4<&- </dev/null &
store=$!
trap '' HUP INT TERM
echo "$store" >&3
exec 3>&-
(
  while read -r _ <&4; do :; done
  kill -"$stop_signal" "$store"
  ticks=$((grace_seconds * 10))
  while [ "$ticks" -gt 0 ] && kill -0 "$store"; do
    sleep 0.1
    ticks=$((ticks - 1))
  done
  kill -9 "$store"
) >/dev/null 2>&1 </dev/null &
sentinel=$!
exec 4<&-
wait "$store"
status=$?
kill -9 "$sentinel" 2>/dev/null
exit "$status"
