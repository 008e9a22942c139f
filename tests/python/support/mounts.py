"""For scripts: file systems of their own, so that one may be read-only or full for real."""

from __future__ import annotations

# What a script starts with. It ends with SKIPPED where the system lets nobody mount anything.
SKIPPED = 77
MOUNTS = f"""
import ctypes, json
_libc = ctypes.CDLL(None, use_errno=True)
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18
)
def mount(source, target, kind, flags, data=""):
    texts = [text.encode() if text is not None else None for text in (source, target, kind)]
    return _libc.mount(*texts, ctypes.c_ulong(flags), data.encode()) == 0
def alone():
    # A user namespace too, where it takes one to mount.
    ids = f"0 {{os.geteuid()}} 1", f"0 {{os.getegid()}} 1"
    is_root = os.geteuid() == 0
    if _libc.unshare(0x20000 if is_root else 0x20000 | 0x10000000) != 0:
        os._exit({SKIPPED})
    if not is_root:
        for name, text in zip(("setgroups", "uid_map", "gid_map"), ("deny", *ids)):
            with open(f"/proc/self/{{name}}", "w") as file:
                file.write(text)
    if not mount(None, "/", None, _REC | _PRIVATE):
        os._exit({SKIPPED})
def read_only_root():
    alone()
    known = {{"nosuid": _NOSUID, "nodev": _NODEV, "noexec": _NOEXEC}}
    with open("/proc/self/mounts") as file:
        lines = [line.split() for line in file]
    for _, target, _, options, *_ in lines:
        kept = sum(known.get(option, 0) for option in options.split(","))
        mount(None, target, None, _REMOUNT | _BIND | _RDONLY | kept)
    try:
        open(f"/tmp/{{os.getpid()}}", "w")
    except OSError:
        return
    os._exit({SKIPPED})
def small_disk(folder, size):
    alone()
    if not mount("none", folder, "tmpfs", 0, f"size={{size}}"):
        os._exit({SKIPPED})
def grow(folder, size):
    assert mount(None, folder, None, _REMOUNT, f"size={{size}}"), ctypes.get_errno()
"""
