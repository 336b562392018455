"""`make stop`: ends what `make run` started here, and waits until its data are saved."""

import sys

from infra.local.pid_lock import PidLock
from infra.local.place import STAND_INS, BadSetting, Place
from infra.local.progress import shown

_SAVE_SECONDS = 90


def main() -> int:
    try:
        place = Place.from_environment()
    except BadSetting as wrong:
        print(wrong)
        return 2
    # The launcher first: it ends its programs in order. Then what a killed one has left behind.
    names = ("run", "emulator", *STAND_INS)
    locks = {name: PidLock(place.program_lock(name)) for name in names}
    if all(lock.holder() is None for lock in locks.values()):
        print("Nothing is running.")
        return 0
    for name, lock in locks.items():
        if not lock.end_holder(_SAVE_SECONDS):
            print(f"Process {lock.holder()} ({name}) does not end; see {shown(place.logs)}.")
            return 1
    print("Stopped. The data are kept; `make run` goes on with them, `make clean` forgets them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
