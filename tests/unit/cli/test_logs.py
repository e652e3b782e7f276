"""Where the lines of children go."""

import io

from masq_cli.supervisor.logs import BoundedLogFile, PrefixedOutput


def test_a_full_file_becomes_the_old_one(tmp_path):
    path = tmp_path / "logs" / "router.log"
    log = BoundedLogFile(path, size_max=100)
    for number in range(50):
        log.write(b"line %04d\n" % number)
    log.close()
    kept = path.with_suffix(".old").read_bytes() + path.read_bytes()
    assert path.stat().st_size <= 100
    assert path.with_suffix(".old").stat().st_size <= 100
    assert kept.endswith(b"line 0048\nline 0049\n")
    assert kept in b"".join(b"line %04d\n" % number for number in range(50))


def test_a_log_goes_on_after_a_restart(tmp_path):
    path = tmp_path / "router.log"
    for line in (b"first\n", b"second\n"):
        log = BoundedLogFile(path)
        log.write(line)
        log.close()
    assert path.read_bytes() == b"first\nsecond\n"


def test_lines_stand_behind_the_name_of_who_said_them():
    stream = io.BytesIO()
    PrefixedOutput("router", stream).write(b"hello\n")
    assert stream.getvalue() == b"router     | hello\n"
