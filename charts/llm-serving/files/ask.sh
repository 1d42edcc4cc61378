# Arguments: URL, served name, name of the variable with the engine's key; once per revision.
failed=0
while [ $# -gt 0 ]; do
  eval "key=\$$3"
  reply=$(printf 'Authorization: Bearer %s\n' "$key" |
    curl --silent --show-error --fail --max-time "$TIMEOUT" --retry 3 --retry-connrefused --header @- "$1") || reply=
  case "$reply" in
    *"\"$2\""*) echo "ok: $1 serves $2" ;;
    *) echo "FAILED: $1 does not serve $2: $reply" >&2; failed=1 ;;
  esac
  shift 3
done
exit $failed
