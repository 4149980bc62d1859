#!/bin/sh
# secret.sh NAME | kubectl apply --namespace NAMESPACE -f -: a Secret with API tokens, CURVE keys and a certificate that
# nobody has seen, as the chart's credentials.existingSecret names it. It wants the command `ringmaster`, or RINGMASTER with another.
set -eu
name=${1:?NAME is missing}
home=$(mktemp -d)
ended() {
  ${RINGMASTER:-ringmaster} down --home "$home" >/dev/null 2>&1 || true
  rm -rf "$home"
}
trap ended EXIT
trap 'exit 130' HUP INT TERM
${RINGMASTER:-ringmaster} up --secure --host 0.0.0.0 --workers 0 --home "$home" >/dev/null
printf 'apiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n  name: %s\nstringData:\n' "$name"
for file in token keys/join.token keys/server.public keys/server.secret keys/client.public keys/client.secret; do
  printf "  %s: '%s'\n" "$(basename "$file")" "$(sed "s/'/''/g" "$home/$file")"
done
fingerprint=$(sed -n 's/^ *"fingerprint": "\(.*\)".*/\1/p' "$home/coordinator.json")
printf "  fingerprint: '%s'\n" "$fingerprint"
for part in cert:crt key:key; do
  printf '  tls.%s: |\n' "${part#*:}"
  sed 's/^/    /' "$home/tls/${part%:*}.pem"
done
