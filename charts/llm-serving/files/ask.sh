# Arguments: URL, word that the answer must quote, name of the variable with the key; once per revision, and for the gateway.
# A refusal is an answer too: the gateway is asked without a key where there is none.
failed=0
while [ $# -gt 0 ]; do
  eval "key=\$$3"
  reply=$(printf '%s\n' "${key:+Authorization: Bearer $key}" |
    curl --silent --show-error --max-time "$TIMEOUT" --retry 3 --retry-connrefused --header @- "$1") || reply=
  case "$reply" in
    *"\"$2\""*) echo "ok: $1 serves $2" ;;
    *) echo "FAILED: $1 does not serve $2: $reply" >&2; failed=1 ;;
  esac
  shift 3
done
exit $failed
