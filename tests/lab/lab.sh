#!/usr/bin/env bash
# The lab: real products with invented people, on this machine only.
#   lab.sh install          programs from Debian, PyPI and npm, once; what is there is skipped
#   lab.sh up [SYSTEM...]   (re)starts all systems, or those named, with fresh data
#   lab.sh down             stops them
#   lab.sh place            tells where the work area is
# The work area is $LAB: .lab in the repository, or below /var/tmp where the repository is in a private folder, for the
# databases run as users of their own. Ports move by PG_PORT=... and so on. Needs Debian 12 and root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${LAB:-}" ]; then
  LAB=$root/.lab
  runuser -u nobody -- test -x "$root" || LAB=/var/tmp/dsar-lab-$(printf %s "$root" | sha256sum | head -c 12)
fi
mkdir -p "$LAB/log"
[ -O "$LAB" ] || { echo "lab: $LAB belongs to somebody else" >&2; exit 1; }
LAB=$(cd "$LAB" && pwd)
export LAB
export PG_PORT=${PG_PORT:-5544} MARIA_PORT=${MARIA_PORT:-3366} TRYTON_PORT=${TRYTON_PORT:-8010}
export VENDURE_PORT=${VENDURE_PORT:-8020} RT_PORT=${RT_PORT:-8030} ZABBIX_PORT=${ZABBIX_PORT:-8040}
export MAILMAN_PORT=${MAILMAN_PORT:-8050} CARDDAV_PORT=${CARDDAV_PORT:-8060} IMAP_PORT=${IMAP_PORT:-1143}
export LDAP_PORT=${LDAP_PORT:-1636}
export RT_SITE_CONFIG=$LAB/rt/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$LAB/rt/site.d
export PYTHONPATH=$root/tests PYTHONDONTWRITEBYTECODE=1 VENDURE_DISABLE_TELEMETRY=true
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1
systems="tryton vendure rt zabbix affarssystem marknadsforing mailman carddav dovecot openldap files"
python=$root/.venv/bin/python
rt_lib=/usr/share/request-tracker5

stop() { echo "lab: $*" >&2; exit 1; }

# ------------------------------------------------------------------------------------------------------------- tools

fill() { perl -pe 's/\@([A-Z_]+)\@/exists $ENV{$1} ? $ENV{$1} : "\@$1\@"/ge' "$here/config/$1" >"$2"; }

wait_for() { # SECONDS COMMAND...: until it succeeds
  local tries=$(($1 * 10)); shift
  until "$@" >/dev/null 2>&1; do
    [ $((tries -= 1)) -gt 0 ] || { echo "gave up waiting: $*" >&2; return 1; }
    sleep 0.1
  done
}

attempt() { # LOG COMMAND...: what it says goes into LOG, whose end is shown if it fails
  local log=$1 failed; shift
  set +e # within `if` or `||` bash would go on after a command that fails
  (set -e; "$@") >"$log" 2>&1 </dev/null
  failed=$?
  set -e
  [ $failed = 0 ] || { tail -n 20 "$log" >&2; stop "$* failed; see $log"; }
}

at_once() { # COMMAND...: each one word or words, side by side; waits for all, even if one fails
  local command pids="" failed=0
  for command in "$@"; do $command & pids="$pids $!"; done
  for command in $pids; do wait "$command" || failed=1; done
  [ $failed = 0 ] || stop "not everything went well"
}

daemon() { # NAME COMMAND...: in a session of its own; all three streams redirected, or it would block the caller
  local name=$1; shift
  setsid nohup "$@" >"$LAB/$name/log" 2>&1 </dev/null &
  echo $! >"$LAB/$name/pid"
}

end() { # NAME PATTERN: by its pid file, and only if that is still the program that was started
  local file=$LAB/$1/pid pid
  [ -s "$file" ] || return 0
  pid=$(cat "$file")
  if kill -0 "$pid" 2>/dev/null && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qE "$2"; then
    kill "$pid"
    wait_for 15 bash -c "! kill -0 $pid" || kill -9 "$pid"
  fi
  rm -f "$file"
}

# RT and Zabbix speak no TLS by themselves; everything else does, with a certificate of the lab's own CA, which clients verify.
make_tls() {
  [ -n "$(find "$LAB/tls/ca.pem" -mtime -20 2>/dev/null)" ] && return
  rm -rf "$LAB/tls"
  "$python" -c 'import sys, pathlib; from servers.parts import make_tls; make_tls(pathlib.Path(sys.argv[1]))' "$LAB/tls"
}

key_of() { # FOLDER USER: certificate and key where that user alone can read them
  command install -o "$2" -m 644 "$LAB/tls/cert.pem" "$LAB/$1/cert.pem"
  command install -o "$2" -m 600 "$LAB/tls/key.pem" "$LAB/$1/key.pem"
}

pg_bin() { ls -d /usr/lib/postgresql/*/bin | tail -1; }
as_postgres() { su postgres -s /bin/bash -c "cd / && $1"; }
sql() { psql -qtA -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PG_PORT" -U postgres "$@"; }
has_database() { [ "$(sql -d postgres -c "SELECT 1 FROM pg_database WHERE datname = '$1'")" = 1 ]; }
fresh_database() { sql -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1 ${2:+TEMPLATE $2}"; }

pg_start() {
  local data=$LAB/pg/data bin
  bin=$(pg_bin)
  mkdir -p "$LAB/pg" && chown postgres "$LAB/pg"
  as_postgres "test -x '$LAB/pg'" || stop "the user postgres cannot reach $LAB; choose another LAB"
  [ -s "$data/PG_VERSION" ] || as_postgres "'$bin/initdb' -D '$data' -A trust -U postgres -E UTF8 --locale=C.UTF-8" >/dev/null
  as_postgres "'$bin/pg_ctl' -D '$data' status" >/dev/null && return
  make_tls
  key_of pg postgres
  cp "$here/config/pg_hba.conf" "$data/pg_hba.conf"
  as_postgres "'$bin/pg_ctl' -D '$data' -w -l '$LAB/pg/log' -o \"-p $PG_PORT -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories='' -c fsync=off -c max_connections=120 -c ssl=on -c ssl_cert_file='$LAB/pg/cert.pem' \
    -c ssl_key_file='$LAB/pg/key.pem'\" start" >/dev/null </dev/null
}

pg_stop() {
  [ ! -f "$LAB/pg/data/postmaster.pid" ] || as_postgres "'$(pg_bin)/pg_ctl' -D '$LAB/pg/data' -m fast stop" >/dev/null
}

# ----------------------------------------------------------------------------------------------------------- install

debian="postgresql mariadb-server zabbix-server-pgsql zabbix-frontend-php php-cli php-pgsql php-xml php-mbstring php-gd
  php-bcmath php-curl request-tracker5 rt5-db-sqlite rt5-standalone dovecot-imapd slapd python3-venv curl perl nodejs npm"

step() { # NAME COMMAND...
  local name=$1 begun=$SECONDS; shift
  attempt "$LAB/log/install_$name.log" "$@"
  echo "$name: $((SECONDS - begun)) s"
}

install_debian() {
  local package missing="" policy=/usr/sbin/policy-rc.d
  for package in $debian; do
    case $package in nodejs | npm) command -v "${package%js}" >/dev/null && continue ;; esac
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  # Without it, apt would start public services.
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && trap "rm -f $policy" EXIT; }
  apt-get -q -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086  # a list of words
  apt-get -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 install $missing
}

environment() { # NAME REQUIREMENT...: one each, for their pins contradict each other
  local home=$LAB/$1/v want; shift
  want=$(printf '%s\n' "$@" | sha256sum)
  [ "$(cat "$home/.done" 2>/dev/null)" = "$want" ] && return
  [ -x "$home/bin/python" ] || python3 -m venv "$home"
  "$home/bin/pip" install -q "$@" && echo "$want" >"$home/.done"
}

install_vendure() {
  [ -f "$LAB/vendure/.done" ] && return
  mkdir -p "$LAB/vendure" && cp "$here/config/vendure_package.json" "$LAB/vendure/package.json"
  (cd "$LAB/vendure" && npm install --no-audit --no-fund --loglevel=error) && touch "$LAB/vendure/.done"
}

# Later starts copy these databases instead of making them.
template_tryton() {
  has_database tryton_tpl && return
  fill trytond.conf "$LAB/tryton/trytond.conf" && echo admin >"$LAB/tryton/pw"
  fresh_database tryton_tmp
  (cd "$LAB/tryton" && TRYTONPASSFILE=$LAB/tryton/pw v/bin/trytond-admin -c trytond.conf -d tryton_tmp --activate-dependencies \
    --email admin@example.com -u ir res sale account_invoice sale_rental sale_complaint party_relationship stock_lot \
    marketing_email web_shop web_user stock_supply)
  "$LAB/tryton/v/bin/python" -m lab.seeds.tryton base
  # In real life the user accepts the key in their preferences.
  sql -d tryton_tmp -c "UPDATE res_user_application SET state = 'validated'"
  sql -c "ALTER DATABASE tryton_tmp RENAME TO tryton_tpl"
}

template_zabbix() {
  has_database zabbix_tpl && return
  fresh_database zabbix_tmp
  zcat /usr/share/zabbix-server-pgsql/{schema,images,data}.sql.gz |
    PGOPTIONS='-c synchronous_commit=off' sql -1 -d zabbix_tmp >/dev/null
  sql -c "ALTER DATABASE zabbix_tmp RENAME TO zabbix_tpl"
}

pages_zabbix() { # a copy of our own, for the place of its configuration is written inside
  [ -d "$LAB/zabbix/www" ] && return
  mkdir -p "$LAB/zabbix" && cp -rL --no-preserve=mode /usr/share/zabbix "$LAB/zabbix/www.new"
  sed -i "s#/etc/zabbix/zabbix.conf.php#$LAB/zabbix/zabbix.conf.php#" "$LAB/zabbix/www.new/include/classes/core/CConfigFile.php"
  mv "$LAB/zabbix/www.new" "$LAB/zabbix/www"
}

template_rt() {
  [ -s "$LAB/rt/rtdb.tpl" ] && return
  mkdir -p "$RT_SITE_CONFIG_DIR" && rm -f "$LAB/rt/rtdb" && fill RT_SiteConfig.pm "$RT_SITE_CONFIG"
  rt-setup-database-5 --action init --skip-create --dba-password '' --prompt-for-dba-password 0 ||
    rt-setup-database-5 --action init --dba-password ''
  perl -I$rt_lib/lib -e 'use RT -init; my $user = RT::User->new(RT->SystemUser); $user->Load("root");
    my ($ok, $said) = $user->SetPassword("rootpass"); print "$said\n"; exit !$ok'
  mv "$LAB/rt/rtdb" "$LAB/rt/rtdb.tpl"
}

install_tryton() {
  local module modules="trytond[postgresql]==8.2.*"
  for module in party sale account_invoice stock_supply marketing_email sale_complaint party_relationship web_shop \
    stock_lot sale_rental web_user; do
    modules="$modules trytond_$module==8.2.*"
  done
  # shellcheck disable=SC2086  # a list of words
  environment tryton $modules 'proteus==8.2.*' psycopg2-binary
}

of_mailman() { step mailman environment mailman 'mailman==3.3.10' 'sqlalchemy<2.1'; } # 2.1 breaks rosters and members/find
of_carddav() { step carddav environment carddav 'radicale==3.*'; }
of_tryton() { step tryton install_tryton; step tryton_database template_tryton; }
of_vendure() { step vendure install_vendure; }
of_zabbix() { step zabbix_database template_zabbix; step zabbix_pages pages_zabbix; }
of_rt() { step rt_database template_rt; }

install() {
  [ "$(id -u)" = 0 ] && [ -x "$python" ] || stop "install needs root, and .ci/setup test before it"
  step debian install_debian
  pg_start
  at_once of_tryton of_vendure of_zabbix of_rt of_mailman of_carddav
  pg_stop
}

# ---------------------------------------------------------------------------------------------------------------- up

seed() { (cd "$root" && "$python" -m lab.seeds "$1"); }
answers() { curl -sf -o /dev/null --max-time 5 --cacert "$LAB/tls/ca.pem" "$@"; }

up_affarssystem() {
  fresh_database affarssystem
  sql -c "DROP ROLE IF EXISTS dsar_las" -c "DROP ROLE IF EXISTS dsar_skriv"
  seed affarssystem
}

up_marknadsforing() {
  local home=$LAB/mariadb
  end mariadb mariadbd
  rm -rf "$home" && mkdir -p "$home" && chown mysql "$home"
  mariadb-install-db --no-defaults --datadir="$home/data" --user=mysql --skip-test-db \
    --auth-root-authentication-method=normal >/dev/null
  key_of mariadb mysql
  daemon mariadb mariadbd --no-defaults --user=mysql --datadir="$home/data" --bind-address=127.0.0.1 --port="$MARIA_PORT" \
    --ssl-ca="$LAB/tls/ca.pem" --ssl-cert="$home/cert.pem" --ssl-key="$home/key.pem" --socket=socket --innodb-flush-log-at-trx-commit=0 --performance-schema=off
  wait_for 60 mariadb-admin -h127.0.0.1 -P"$MARIA_PORT" -uroot ping
  seed marknadsforing
}

up_tryton() {
  end tryton trytond
  fill trytond.conf "$LAB/tryton/trytond.conf"
  rm -rf "$LAB/tryton/db" && fresh_database tryton tryton_tpl
  "$LAB/tryton/v/bin/python" -m lab.seeds.tryton fill
  daemon tryton "$LAB/tryton/v/bin/trytond" -c "$LAB/tryton/trytond.conf" --logconf "$here/config/tryton_log.conf" -d tryton
  wait_for 60 answers -H "Authorization: Bearer $(cat "$LAB/tryton/restkey")" \
    "https://127.0.0.1:$TRYTON_PORT/tryton/rest/model/party.party?s=1&p=0"
}

up_vendure() {
  end vendure 'node.*server\.js'
  fresh_database vendure
  cp "$here/config/vendure_server.js" "$LAB/vendure/server.js"
  (cd "$LAB/vendure" && daemon vendure node "$LAB/vendure/server.js")
  wait_for 120 grep -q READY "$LAB/vendure/log"
  seed vendure
}

up_rt() {
  end rt rt-server
  rm -f "$LAB"/rt/rtdb "$LAB"/rt/rtdb-* && cp "$LAB/rt/rtdb.tpl" "$LAB/rt/rtdb"
  fill RT_SiteConfig.pm "$RT_SITE_CONFIG"
  daemon rt $rt_lib/libexec/rt-server --server Starlet --host 127.0.0.1 --port "$RT_PORT" --max-workers 2
  wait_for 120 answers -u root:rootpass "http://127.0.0.1:$RT_PORT/REST/2.0/rt"
  seed rt
}

up_zabbix() {
  end zabbix 'php.*-S'
  fresh_database zabbix zabbix_tpl
  fill zabbix.conf.php "$LAB/zabbix/zabbix.conf.php"
  daemon zabbix php -d max_execution_time=300 -d memory_limit=256M -d post_max_size=16M -d max_input_time=300 \
    -S "127.0.0.1:$ZABBIX_PORT" -t "$LAB/zabbix/www"
  wait_for 60 answers "http://127.0.0.1:$ZABBIX_PORT/api_jsonrpc.php" -H 'Content-Type: application/json-rpc' \
    -d '{"jsonrpc": "2.0", "id": 1, "method": "apiinfo.version", "params": []}'
  seed zabbix
}

up_mailman() { # its REST runner only, so that nothing is ever sent
  local home=$LAB/mailman
  end mailman runner
  rm -rf "$home/var" && mkdir -p "$home/var" && fill mailman.cfg "$home/mailman.cfg"
  fill gunicorn.cfg "$home/gunicorn.cfg"
  (cd "$home" && v/bin/mailman --run-as-root -C "$home/mailman.cfg" info >/dev/null)
  (cd "$home" && daemon mailman "$home/v/bin/runner" -C "$home/mailman.cfg" --runner=rest:0:1)
  wait_for 60 answers -u restadmin:restpass "https://127.0.0.1:$MAILMAN_PORT/3.1/system/versions"
  seed mailman
}

up_carddav() {
  local home=$LAB/carddav
  end carddav radicale
  rm -rf "$home/data" && fill radicale.conf "$home/config" && cp "$here/config/radicale.rights" "$home/rights"
  printf 'saljare1:pw1\nsaljare2:pw2\ndsar:pw3\n' >"$home/users"
  daemon carddav "$home/v/bin/python" -m radicale -C "$home/config"
  wait_for 60 answers "https://127.0.0.1:$CARDDAV_PORT/.web/"
  seed carddav
}

up_dovecot() {
  local home=$LAB/dovecot
  end dovecot dovecot
  rm -rf "$home" && mkdir -p "$home/mail" "$home/state" && chown mail:mail "$home/mail"
  fill dovecot.conf "$home/dovecot.conf"
  echo 'dsar:masterpw' >"$home/master" && printf 'saljare1:pw1\nsaljare2:pw2\n' >"$home/users"
  chmod 644 "$home/master" "$home/users"
  daemon dovecot "$(PATH=$PATH:/usr/sbin type -P dovecot)" -F -c "$home/dovecot.conf"
  wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$IMAP_PORT"
  seed dovecot
}

up_openldap() {
  local home=$LAB/openldap
  end openldap slapd
  rm -rf "$home" && mkdir -p "$home/data"
  chown openldap "$home" "$home/data"
  key_of openldap openldap
  LDAP_MODULES=$(dirname "$(find /usr/lib -path '*/ldap/back_mdb.so' | head -1)") fill slapd.conf "$home/slapd.conf"
  daemon openldap "$(PATH=$PATH:/usr/sbin type -P slapd)" -u openldap -g openldap -f "$home/slapd.conf" \
    -h "ldaps://127.0.0.1:$LDAP_PORT/" -d none
  wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$LDAP_PORT"
  seed openldap
}

up_files() { rm -rf "$LAB/files" && seed files; }

start() { # SYSTEM
  local begun=$SECONDS
  attempt "$LAB/log/up_$1.log" "up_$1"
  echo "$1: $((SECONDS - begun)) s"
}

up() {
  [ -s "$LAB/rt/rtdb.tpl" ] && [ -x "$python" ] || stop "first: make test-lab, or .ci/setup test and lab.sh install"
  local system starts=()
  for system in ${*:-$systems}; do
    [[ " $systems " == *" $system "* ]] || stop "there is no system $system; there are: $systems"
    starts+=("start $system")
  done
  make_tls
  pg_start
  at_once "${starts[@]}"
}

down() {
  end openldap slapd
  end dovecot dovecot
  end carddav radicale
  end mailman runner
  end zabbix 'php.*-S'
  end rt rt-server
  end vendure 'node.*server\.js'
  end tryton trytond
  end mariadb mariadbd
  pg_stop
}

case ${1:-} in
  install | up | down) "$@" ;;
  place) echo "$LAB" ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
