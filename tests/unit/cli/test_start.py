"""Ctrl-C while the command is being loaded."""

import signal
import subprocess
import sys

from support.processes import hear_ctrl_c

LOADS_FOR_EVER = """
import sys, time
from importlib.machinery import ModuleSpec

class SwallowingLibrary:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "masq_cli.main" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        print("loading", flush=True)
        try:
            time.sleep(10)
        except BaseException:
            pass
        module.main = lambda: 0

sys.meta_path.insert(0, SwallowingLibrary())
from masq_cli.start import main
sys.exit(main())
"""


def test_no_library_can_swallow_it():
    command = [sys.executable, "-c", LOADS_FOR_EVER]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as loading:
        assert loading.stdout.readline() == "loading\n"
        loading.send_signal(signal.SIGINT)
        assert loading.wait(timeout=15) == -signal.SIGINT
