"""A process with a real runner on the test's own database: `python -m tests.incidents.hooks.dying [before]`.

With `before` it is killed by SIGKILL between the commit of an act and its call.
"""

import os
import signal
import sys

import django


def main() -> None:
    django.setup()
    from incidents.hooks.runner import Runner

    runner = Runner(every_s=0.1)
    if sys.argv[1:] == ["before"]:
        runner.call = lambda order: os.kill(os.getpid(), signal.SIGKILL)
    runner.start()
    runner.threads[1].join()


if __name__ == "__main__":
    main()
