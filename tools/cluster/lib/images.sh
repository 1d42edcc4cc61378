# Images without a registry: built by buildah in a storage of our own, handed to containerd as a tar.
base=docker.io/library/python:3.11-slim-bookworm

# build_storage COMMAND...: buildah without daemons, namespaces of its own, or the images of this machine's user.
build_storage() {
  BUILDAH_ISOLATION=chroot buildah --root "$cache/containers" --runroot "$sockets/containers" --storage-driver overlay "$@"
}

# commit TAG COMMAND: an image of one folder.
commit() { # TAG FOLDER CONFIG...
  local container tag=$1 folder=$2
  shift 2
  container=$(build_storage from scratch)
  build_storage add -q "$container" "$folder" / >/dev/null
  build_storage config "$@" "$container"
  build_storage commit -q "$container" "$tag" >/dev/null
  build_storage rm "$container" >/dev/null
}

# What Dockerfiles here start from: Debian's own Python in the place of the image of that name.
base_image() {
  local folder
  build_storage images -q "$base" >/dev/null 2>&1 && return
  say "building $base from Debian's packages (2 minutes)"
  folder=$(mktemp -d)
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$folder" >/dev/null
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
  commit "$base" "$folder" --cmd python3
  rm -rf "$folder"
}

load_pause() {
  local folder
  ctr images ls -q | grep -x localhost/pause:1 >/dev/null && return
  folder=$(mktemp -d)
  cp "$(pause_binary)" "$folder/pause"
  commit localhost/pause:1 "$folder" --entrypoint '["/pause"]'
  rm -rf "$folder"
  load localhost/pause:1
}

# load TAG: to the node, unless it has just this image.
load() {
  local id mark=$cache/containerd-images/${1//\//_} tar
  id=$(build_storage images -q --no-trunc "$1")
  [ "$(cat "$mark" 2>/dev/null)" = "$id" ] && ctr images ls -q | grep -x "$1" >/dev/null && return
  tar=$(mktemp -u "$cache/image.XXXXXX.tar")
  build_storage push -q "$1" "docker-archive:$tar:$1"
  ctr images import "$tar" >/dev/null
  rm -f "$tar"
  mkdir -p "$cache/containerd-images"
  echo "$id" >"$mark"
}

# image TAG FOLDER...: build its Dockerfile and bring it to the node. What this machine trusts and where it looks for packages holds in
# the build, and is no part of the image.
image() {
  local here=() path
  base_image
  for path in /etc/ssl/certs /etc/pip.conf; do
    [ ! -e $path ] || here+=(--volume "$path:$path:ro")
  done
  build_storage bud -q --pull-never --layers "${here[@]}" -t "$1" "${@:2}" >/dev/null
  load "$1"
}
