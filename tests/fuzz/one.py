"""One target under atheris, until its inputs are used up or a defect is found.

python -m fuzz.one TARGET RUNS CORPUS [LIBFUZZER OPTION ...]
"""

import sys

import atheris

with atheris.instrument_imports(include=["masq_router", "masq_gossip", "masq_kernel"]):
    from fuzz.targets import TARGETS

TIMEOUT_S, RSS_MB = 60, 700


def main(name, runs, corpus, *options):
    target = TARGETS[name]
    arguments = [
        sys.argv[0],
        corpus,
        f"-runs={runs}",
        f"-max_len={target.size_max}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={RSS_MB}",
        "-print_final_stats=1",
        *options,
    ]
    atheris.Setup(arguments, target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
