#!/bin/bash
# up and down, and what survives when anything is killed.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

data=$work/data
version_of() { lt transport dataset show transport.road | jq -r .head; }
no_postgres_on() { ! pgrep -f -- "$1/pg" >/dev/null; }

step "up --detach returns when ready, and says where"
start "$data"
json_is "endpoints" 'keys_unsorted == ["exchange", "validation", "sync", "connector", "database", "metrics", "pid"] and
  .validation == null and .sync == null and .connector == null and (.database | startswith("postgresql://"))' \
  "$(cat "$data/endpoints.json")"
equal "mode of endpoints.json" 600 "$(stat -c %a "$data/endpoints.json")"
equal "the database answers" 1 "$(sql 'select 1')"
lt operator organisation create transport >/dev/null
lt - sample roads --count 200 --out "$work/roads.gpkg" >/dev/null
lt transport dataset create transport.road --from "$work/roads.gpkg" >/dev/null
receipt=$(lt transport push transport.road "$work/roads.gpkg" --changeset-id one)
[[ $(id -u) != 0 || $(ps -o user= -p "$(pgrep -o -f -- "$data/pg")") != root ]] || die "the database runs as root"

step "a second up on the same directory is refused"
refused FAILED_PRECONDITION ALREADY_RUNNING "$LIENTHONG" up --data "$data" --port 0 --metrics-port 0 --json
refused FAILED_PRECONDITION ALREADY_RUNNING "$LIENTHONG" up --data "$data" --port 0 --metrics-port 0 --json --detach
json_is "it names the process" ".error.details.pid == \"$up_pid\"" "$refusal"
equal "the first goes on" 1 "$(version_of)"

step "a port that is taken"
refused UNAVAILABLE LISTEN_FAILED "$LIENTHONG" up --data "$work/other" --port "${endpoint##*:}" --metrics-port 0 --json --detach
until_true 20 no_postgres_on "$work/other"

step "down"
json_is "down" ".stopped and .pid == $up_pid" "$("$LIENTHONG" down --data "$data" --json)"
is_gone "$up_pid" || die "process $up_pid is still there"
[[ ! -e $data/endpoints.json ]] || die "endpoints.json is still there"
no_postgres_on "$data" || die "the database still runs"
json_is "down again" '(.stopped | not) and .pid == null' "$("$LIENTHONG" down --data "$data" --json)"
refused NOT_FOUND DATA_DIRECTORY "$LIENTHONG" down --data "$work/nowhere" --json

step "up again: all is there"
start "$data"
equal "version" 1 "$(version_of)"
equal "receipt" "$receipt" "$(lt transport push transport.road "$work/roads.gpkg" --changeset-id one)"

step "kill -9 of up"
kill -9 "$up_pid"
until_true 20 is_gone "$up_pid"
start "$data"
equal "version" 1 "$(version_of)"

step "kill -9 of up and of the whole database at once"
kill -9 "$up_pid" $(pgrep -f -- "$data/pg")
until_true 20 is_gone "$up_pid"
start "$data"
equal "version" 1 "$(version_of)"

step "kill -9 of the database: it comes back by itself, on the same endpoint"
postmaster=$(head -n 1 "$data/pg/postmaster.pid")
kill -9 "$postmaster"
serves_again() { [[ $(lt transport dataset show transport.road 2>/dev/null | jq -r .head) == 1 ]]; }
until_true 60 serves_again
[[ $(head -n 1 "$data/pg/postmaster.pid") != "$postmaster" ]] || die "it is the same server"
is_gone "$up_pid" && die "up ended with its database"
lt - sample roads --count 201 --out "$work/more.gpkg" >/dev/null
json_is "and takes a push" '.version == 2 and .inserted == 1' "$(lt transport push transport.road "$work/more.gpkg")"

step "SIGTERM and SIGINT end up in the foreground with 0"
"$LIENTHONG" down --data "$data" >/dev/null
for signal in TERM INT; do
  rm -f "$work/up.json"
  "$LIENTHONG" up --data "$data" --port 0 --metrics-port 0 --json >"$work/up.json" 2>"$work/up.log" &
  foreground=$!
  until_true 60 test -s "$work/up.json" # after endpoints.json
  equal "on standard output and in the file" "$(cat "$work/up.json")" "$(cat "$data/endpoints.json")"
  kill "-$signal" "$foreground"
  code=0
  wait "$foreground" || code=$?
  equal "exit code after SIG$signal" 0 "$code"
  no_postgres_on "$data" || die "the database still runs"
done

step "a server of one's own, by --database"
start "$data" # as that server; the second exchange gets a database of its own in it
first_endpoint=$endpoint first_database=$database
sql 'create database outside' "$first_database"
outside=${first_database%/*}/outside
sql 'create extension postgis' "$outside"
start "$work/client" --database "$outside"
[[ ! -e $work/client/pg ]] || die "it made a cluster although it was given one"
json_is "endpoints" ".database == \"$outside\"" "$(cat "$work/client/endpoints.json")"
equal "it is empty" 0 "$(lt operator dataset list | wc -l)"
equal "tables are there" true "$(sql "select count(*) > 0 from information_schema.tables where table_schema = 'lienthong'" "$outside" | sed 's/^t$/true/')"
"$LIENTHONG" down --data "$work/client" >/dev/null
equal "its server goes on" 1 "$(sql 'select 1' "$outside")"

step "a newer database is refused, with what to do"
sql "insert into lienthong.schema_migration (number, name, sha256, applied_at)
  select 9999, 'V9999__future.sql', sha256, now() from lienthong.schema_migration limit 1" "$outside"
refused FAILED_PRECONDITION DATABASE_NEWER \
  "$LIENTHONG" up --data "$work/client" --port 0 --metrics-port 0 --database "$outside" --json --detach
endpoint=$first_endpoint

step "a database that does not answer"
exit_code=0
failure=$("$LIENTHONG" up --data "$work/client" --port 0 --metrics-port 0 --json --detach \
  --database postgresql://nobody:geheim@127.0.0.1:1/x 2>&1) || exit_code=$?
equal "exit code" 1 "$exit_code"
json_is "unavailable" '.error.code == "UNAVAILABLE"' "$(tail -n 1 <<<"$failure")"
! grep -q geheim <<<"$failure" || die "the password is shown: $failure"

step "a data directory that the database's user cannot reach"
if [[ $(id -u) == 0 ]]; then
  mkdir -m 700 "$work/closed"
  refused FAILED_PRECONDITION DATA_DIRECTORY_UNREACHABLE \
    "$LIENTHONG" up --data "$work/closed/data" --port 0 --metrics-port 0 --json
  json_is "it names what is in the way" ".error.message | contains(\"$work/closed\")" "$refusal"
else
  echo "  (started as an ordinary user: there is no other user)"
fi
touch "$work/file"
refused FAILED_PRECONDITION DATA_DIRECTORY "$LIENTHONG" up --data "$work/file" --port 0 --metrics-port 0 --json

step "wrong usage"
wrong_usage "$LIENTHONG" up
wrong_usage "$LIENTHONG" up --data "$work/x" --port 70000
wrong_usage "$LIENTHONG" down
