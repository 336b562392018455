"""`make clean`: forgets a local stack's data; packages stay, so that the next start is quick."""

import shutil
import sys

from infra.local.pid_lock import PidLock
from infra.local.place import EMULATOR_VENV, ROOT, STAND_INS, BadSetting, Place
from infra.local.progress import shown

PACKAGES = (EMULATOR_VENV.parent, ROOT / ".local" / "prepare.lock")


def main() -> int:
    try:
        place = Place.from_environment()
    except BadSetting as wrong:
        print(wrong)
        return 2
    for name in ("run", "emulator", *STAND_INS):
        if PidLock(place.program_lock(name)).holder() is not None:
            print("It is running. `make stop` first.")
            return 1
    removed = []
    for path in sorted(place.data.glob("*")):
        if path in PACKAGES:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed.append(shown(path))
    print(f"Removed {', '.join(removed)}." if removed else "There was nothing to remove.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
